import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import type { PostgresAddress } from './postgres-url.ts';
import type { PostgresSql } from './postgres-sql.ts';

/** Longest name of a role, bytes. */
const LONGEST_NAME = 63;

/**
 * How people's queries reach the database: as a role of their own, which may read the views and nothing else, so that the
 * database itself holds them to it. Its password is made from that of the store's own user, so nothing needs to be kept.
 */
export function queryAddress({ config, location }: PostgresAddress): PostgresAddress {
  const { password: owners, ...rest } = config;
  const user = queryRoleName(config.database);
  return { location, config: { ...rest, user, ...(typeof owners === 'string' ? { password: passwordFor(user, owners) } : {}) } };
}

/** The role's name: roles belong to the whole server, so it carries the name of the database. */
export function queryRoleName(database: string): string {
  const name = `${database}_query`;
  return Buffer.byteLength(name) <= LONGEST_NAME ? name : `hsmfleet_${createHash('sha256').update(database).digest('hex').slice(0, 32)}_query`;
}

function passwordFor(role: string, owners: string): string {
  return createHmac('sha256', owners).update(`hsmfleet query role ${role}`).digest('hex');
}

/**
 * Makes the role, or gives it the password and the rights that it has to have. Belongs inside a transaction of the caller.
 * @throws HsmfleetError STORE when the store's own user may not make roles
 */
export async function makeQueryRole(sql: PostgresSql, { config: { user, password } }: PostgresAddress): Promise<void> {
  const name = quoteName(user);
  try {
    await sql.all(sql.dialect.lock('$name'), { name: `hsmfleet role ${user}` });
    const [known] = await sql.all('select 1 as known from pg_roles where rolname = $user', { user });
    if (known === undefined) await sql.run(`create role ${name} login nosuperuser nocreatedb nocreaterole noreplication noinherit`);
    // as the server itself would keep it: the password does not even reach its log
    if (typeof password === 'string') await sql.run(`alter role ${name} password '${scramVerifier(password)}'`);
    await grantViews(sql, user);
  } catch (thrown) {
    if ((thrown as { code?: string }).code !== '42501') throw thrown;
    throw new HsmfleetError('STORE', `queries need a role that may only read the views, and the database's user may not make one: ${(thrown as Error).message}`, {
      hint: `let somebody who may run: create role ${name} login password '…'; then name it in HSMFLEET_DATABASE_QUERY_URL`,
      cause: thrown,
    });
  }
}

/** Lets a role read the views. */
export async function grantViews(sql: PostgresSql, role: string): Promise<void> {
  const views = await sql.all(sql.dialect.views);
  const name = quoteName(role);
  await sql.run(`grant usage on schema hsmfleet, hsmfleet_as_of to ${name}`);
  if (views.length > 0) await sql.run(`grant select on ${views.map((view) => String(view.name)).join(', ')} to ${name}`);
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What PostgreSQL keeps of a password (RFC 5803). */
function scramVerifier(password: string): string {
  const [salt, rounds] = [randomBytes(16), 4_096];
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${String(rounds)}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}
