import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';
import { attributeParams } from './attributes.ts';

/** Parameters of `file`. */
export const FileParams = Type.Object(
  {
    path: Type.Optional(AbsolutePath('what is managed')),
    dest: Type.Optional(AbsolutePath('another name of path')),
    name: Type.Optional(AbsolutePath('another name of path')),
    state: Type.Optional(Type.Union(
      [Type.Literal('file'), Type.Literal('directory'), Type.Literal('link'), Type.Literal('touch'), Type.Literal('absent')],
      {
        description:
          'file: must exist already; directory: made with those above it; link: symbolic link to src; touch: an empty file where there is none '
          + '(times of an existing one are left alone); absent: removed, directories with all that is in them. '
          + 'By default what is there, a directory with recurse, else file',
      },
    )),
    src: Type.Optional(Type.String({ minLength: 1, description: 'state link: what the link points at, absolute or relative to the link' })),
    ...attributeParams,
    recurse: Type.Optional(Type.Boolean({ description: 'state directory: owner, group and mode of all below as well; links are left alone; false by default' })),
    force: Type.Optional(Type.Boolean({ description: 'state link: also when src does not exist, or a file or empty directory is in the way; false by default' })),
    follow: Type.Optional(Type.Boolean({ description: 'owner, group and mode are those of what a link points at; true by default' })),
  },
  { additionalProperties: false, anyOf: [{ required: ['path'] }, { required: ['dest'] }, { required: ['name'] }] },
);
export type FileParams = Static<typeof FileParams>;
