import { AbsolutePath, Mode, Owner, SecretParam } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `pin_file`. */
export const PinFileParams = Type.Object(
  {
    path: AbsolutePath('the PIN file'),
    format: Type.Optional(
      Type.Union([Type.Literal('mod_nss'), Type.Literal('plain')], {
        description:
          '`mod_nss`: lines `token:pin` for NSSPassPhraseDialog. `plain`: one PIN alone, for `pin-source=file:` of mod_ssl. Default: mod_nss',
      }),
    ),
    entries: Type.Array(
      Type.Object(
        {
          token: Type.String({ minLength: 1, description: 'label of the token; `internal` is the NSS software token' }),
          pin: SecretParam('its user PIN'),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, description: 'one for each token that needs a login: mod_nss tries them all, used or not' },
    ),
    module: Type.Optional(
      Type.Object(
        {
          path: AbsolutePath('the PKCS#11 library that shows the tokens'),
          env: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'variables the library needs' })),
        },
        {
          additionalProperties: false,
          description: 'given, every PIN is proven on its token, once, before the file is written',
        },
      ),
    ),
    allow_low_count: Type.Optional(
      Type.Boolean({
        description:
          'log in although wrong PINs were tried on a token before (COUNT_LOW, FINAL_TRY): one more wrong one may lock it for good. A locked token, and a PIN that the token called wrong, are refused all the same. Default: false',
      }),
    ),
    owner: Type.Optional(Owner),
    group: Type.Optional(
      Type.String({ description: "group that owns it; the web server's group by default: every child of the server opens the file anew" }),
    ),
    mode: Type.Optional(Mode),
  },
  { additionalProperties: false },
);
export type PinFileParams = Static<typeof PinFileParams>;
