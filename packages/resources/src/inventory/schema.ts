import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `inventory`. */
export const InventoryParams = Type.Object(
  {
    modules: Type.Optional(
      Type.Array(
        Type.Union([
          AbsolutePath('a PKCS#11 library'),
          Type.Object(
            {
              path: AbsolutePath('the PKCS#11 library'),
              env: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'variables the library needs; never a secret' })),
            },
            { additionalProperties: false },
          ),
        ]),
        {
          description:
            "libraries to read. Default: those registered in the NSS databases and named in Apache's OpenSSL configuration; if there are none, those at well-known paths",
        },
      ),
    ),
    nss_databases: Type.Optional(
      Type.Array(Type.String({ pattern: '^(sql:|dbm:)?/' }), {
        description: 'directories of NSS databases. Default: those that Apache uses, and those at well-known paths',
      }),
    ),
    sites: Type.Optional(
      Type.Boolean({ description: "look at the TLS sites in Apache's configuration, and prove them before and after tokens are read. Default: true" }),
    ),
    read_tokens: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('always'), Type.Literal('never')], {
        description:
          '`auto` reads tokens unless a former inventory disturbed a serving site of this host and the server runs; `always` reads them all the same (in a maintenance window); `never` takes passive evidence only. Default: auto',
      }),
    ),
    timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 300, description: 'seconds for each module. Default: 10' })),
  },
  { additionalProperties: false },
);
export type InventoryParams = Static<typeof InventoryParams>;
