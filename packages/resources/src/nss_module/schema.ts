import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `nss_module`. */
export const NssModuleParams = Type.Object(
  {
    database: AbsolutePath('directory of the NSS database (made by `nss_database`)'),
    name: Type.String({ minLength: 1, pattern: '^[^=\\n]+$', description: 'name of the registration; may hold blanks' }),
    library: Type.Optional(AbsolutePath('the PKCS#11 library; needed unless the module is to be absent')),
    state: Type.Optional(
      Type.Union([Type.Literal('present'), Type.Literal('enabled'), Type.Literal('disabled'), Type.Literal('absent')], {
        description: '`present` and `enabled` register and enable it; `disabled` registers it but no program sees its tokens. Default: present',
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'variables the library needs to load, for example P11_KIT_SERVER_ADDRESS' }),
    ),
    allow: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'names or libraries of further modules that may be in the database although they can write to tokens (p11-kit-proxy, OpenSC)',
      }),
    ),
  },
  { additionalProperties: false },
);
export type NssModuleParams = Static<typeof NssModuleParams>;
