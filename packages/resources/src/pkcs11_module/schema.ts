import { AbsolutePath, Mode } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `pkcs11_module`. */
export const Pkcs11ModuleParams = Type.Object(
  {
    path: AbsolutePath('the library file; it has to be there already unless `src` is given'),
    src: Type.Optional(Type.String({ description: 'library file of the control host to install at `path`' })),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'SHA-256 that the library must have, hex' })),
    mode: Type.Optional(Mode),
    links: Type.Optional(
      Type.Array(AbsolutePath('a link'), {
        description: 'further paths at which the library is to be found, as symbolic links (for guides that name /usr/lib and others that name /usr/local/lib)',
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'variables the library needs, for example P11_KIT_SERVER_ADDRESS, PKCS11_READER_FILTER or SOFTHSM2_CONF; never a secret',
      }),
    ),
    read_only: Type.Optional(
      Type.Boolean({ description: 'refuse the module unless it is proven that it cannot write to its tokens. Default: true' }),
    ),
    token: Type.Optional(Type.String({ minLength: 1, description: 'label of a token that must be present' })),
    timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 300, description: 'seconds for reading the module and its tokens. Default: 10' })),
  },
  { additionalProperties: false },
);
export type Pkcs11ModuleParams = Static<typeof Pkcs11ModuleParams>;
