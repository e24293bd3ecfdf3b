import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `stat`. */
export const StatParams = Type.Object(
  {
    path: Type.Optional(AbsolutePath('what to look at')),
    dest: Type.Optional(AbsolutePath('another name of path')),
    name: Type.Optional(AbsolutePath('another name of path')),
    follow: Type.Optional(Type.Boolean({ description: 'look at what a link points at; false by default' })),
    get_checksum: Type.Optional(Type.Boolean({ description: 'with the checksum of a file; true by default' })),
    checksum_algorithm: Type.Optional(Type.Union(
      [Type.Literal('sha1'), Type.Literal('sha224'), Type.Literal('sha256'), Type.Literal('sha384'), Type.Literal('sha512'), Type.Literal('md5')],
      { description: 'sha1 by default' },
    )),
    get_mime: Type.Optional(Type.Boolean({ description: 'taken for compatibility: the kind of contents is never looked for' })),
    get_attributes: Type.Optional(Type.Boolean({ description: 'taken for compatibility: file system attributes are never looked for' })),
  },
  { additionalProperties: false, anyOf: [{ required: ['path'] }, { required: ['dest'] }, { required: ['name'] }] },
);
export type StatParams = Static<typeof StatParams>;
