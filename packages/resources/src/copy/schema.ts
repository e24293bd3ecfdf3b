import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';
import { attributeParams } from '../file/attributes.ts';

/** Parameters of `copy`. */
export const CopyParams = Type.Object(
  {
    src: Type.Optional(Type.String({ minLength: 1, description: 'file of the control host, relative to the playbook (its files folder is looked at too)' })),
    content: Type.Optional(Type.Unknown({ description: 'instead of src: the contents; mappings and lists are written as JSON. May be a secret' })),
    dest: AbsolutePath('file to write; a directory (or a trailing slash) is completed by the name of src'),
    ...attributeParams,
    backup: Type.Optional(Type.Boolean({ description: 'keep the old file beside, with the time in its name; false by default' })),
    force: Type.Optional(Type.Boolean({ description: 'false: leave an existing file as it is; true by default' })),
    remote_src: Type.Optional(Type.Literal(false, { description: 'not supported: src is always a file of the control host; use command with cp for files of the host' })),
  },
  { additionalProperties: false, oneOf: [{ required: ['src'] }, { required: ['content'] }] },
);
export type CopyParams = Static<typeof CopyParams>;
