import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `pcsc_access`. */
export const PcscAccessParams = Type.Object(
  {
    user: Type.Optional(
      Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$', description: "user that may reach smart cards through pcscd. Default: the web server's user" }),
    ),
    state: Type.Optional(
      Type.Union([Type.Literal('present'), Type.Literal('absent')], { description: '`absent` takes back what was granted. Default: present' }),
    ),
  },
  { additionalProperties: false },
);
export type PcscAccessParams = Static<typeof PcscAccessParams>;
