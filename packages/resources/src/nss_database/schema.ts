import { Mode, Owner, AbsolutePath, SecretParam } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `nss_database`. */
export const NssDatabaseParams = Type.Object(
  {
    path: AbsolutePath('directory of the database; always an `sql:` one'),
    password: Type.Optional(SecretParam('password of the software token in it; empty by default, since no key lives there')),
    owner: Type.Optional(Owner),
    group: Type.Optional(Type.String({ description: "group that owns directory and files; the web server's group by default, which has to read them" })),
    directory_mode: Type.Optional(Mode),
    file_mode: Type.Optional(Mode),
  },
  { additionalProperties: false },
);
export type NssDatabaseParams = Static<typeof NssDatabaseParams>;
