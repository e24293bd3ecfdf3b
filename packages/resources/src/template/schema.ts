import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';
import { attributeParams } from '../file/attributes.ts';

/** Parameters of `template`. */
export const TemplateParams = Type.Object(
  {
    src: Type.String({ minLength: 1, description: 'Jinja template of the control host, relative to the playbook (its templates folder is looked at too)' }),
    dest: AbsolutePath('file to write; a directory (or a trailing slash) is completed by the name of src'),
    ...attributeParams,
    backup: Type.Optional(Type.Boolean({ description: 'keep the old file beside, with the time in its name; false by default' })),
    force: Type.Optional(Type.Boolean({ description: 'false: leave an existing file as it is; true by default' })),
  },
  { additionalProperties: false },
);
export type TemplateParams = Static<typeof TemplateParams>;
