import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `doctor`. */
export const DoctorParams = Type.Object(
  {
    modules: Type.Optional(
      Type.Array(
        Type.Object(
          {
            path: AbsolutePath('the PKCS#11 library'),
            env: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'variables the library needs; never a secret' })),
          },
          { additionalProperties: false },
        ),
        { description: 'libraries to look at where no TLS site is configured yet. Default: those at well-known paths' },
      ),
    ),
    read_tokens: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('always'), Type.Literal('never')], {
        description: '`auto` leaves tokens alone while a site serves through mod_nss or a card; `always` reads them all the same, the careful way; `never` takes passive evidence only. Default: auto',
      }),
    ),
    timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 300, description: 'seconds for each module. Default: 10' })),
  },
  { additionalProperties: false },
);
export type DoctorParams = Static<typeof DoctorParams>;
