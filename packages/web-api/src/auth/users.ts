import { Type, type Static } from '@sinclair/typebox';
import { Role } from '../schemas/index.ts';

/** Names of users: they stand in tokens, files and logs. */
export const USER_NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** A user as the file of users has it. */
export const UserRecord = Type.Object(
  {
    name: Type.String({ pattern: USER_NAME.source, description: 'lower-case letters, digits, - and _' }),
    role: Role,
    token: Type.String({ pattern: '^scrypt\\$[0-9$A-Za-z_-]+$', description: 'scrypt hash of the token: never the token itself' }),
  },
  { additionalProperties: false },
);
export type UserRecord = Static<typeof UserRecord>;

/** Who may come in. Asked at every request, so that a user who is taken out is out at once. */
export interface UserDirectory {
  find(name: string): Promise<UserRecord | undefined>;
  /** How many there are. */
  count(): Promise<number>;
}

/** Users that do not change. */
export function fixedUsers(records: readonly UserRecord[]): UserDirectory {
  const byName = new Map(records.map((record) => [record.name, record]));
  return { find: (name) => Promise.resolve(byName.get(name)), count: () => Promise.resolve(byName.size) };
}
