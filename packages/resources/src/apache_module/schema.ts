import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `apache_module`. */
export const ApacheModuleParams = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9_.]*$', description: 'name as a2enmod takes it: ssl, nss, headers' }),
    state: Type.Optional(Type.Union([Type.Literal('present'), Type.Literal('absent')], { description: '`present` loads it, `absent` does not. Default: present' })),
    path: Type.Optional(AbsolutePath('the library, for a module that no package of the distribution brings (libmodnss.so)')),
    identifier: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_]+$', description: 'name that LoadModule takes. Default: the name with _module after it' })),
  },
  { additionalProperties: false },
);
export type ApacheModuleParams = Static<typeof ApacheModuleParams>;
