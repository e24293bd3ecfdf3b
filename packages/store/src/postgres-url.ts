import { parse, type ConnectionOptions } from 'pg-connection-string';
import type { ClientConfig } from 'pg';
import { HsmfleetError } from '@hsmfleet/contract';

/** How to reach a database, and what may be said about it. */
export interface PostgresAddress {
  config: ClientConfig & { user: string; database: string };
  /** The URL without its password and options. */
  location: string;
}

/**
 * Reads a URL such as postgres://user:password@host:5432/database?sslmode=verify-full.
 * @throws HsmfleetError STORE; it never repeats the URL, which may hold a password
 */
export function parsePostgresUrl(url: string): PostgresAddress {
  let options: ConnectionOptions;
  try {
    options = parse(url);
  } catch {
    throw badUrl();
  }
  const { host, port, user, password, database, ssl } = options;
  if (typeof user !== 'string' || user === '' || typeof database !== 'string' || database === '') throw badUrl();
  return {
    location: withoutPassword(url),
    config: {
      user, database, ...(host === null || host === undefined || host === '' ? {} : { host }), ...(port === null || port === undefined || port === '' ? {} : { port: Number(port) }),
      ...(password === undefined ? {} : { password }), ...(ssl === undefined ? {} : { ssl: ssl as ClientConfig['ssl'] }),
      connectionTimeoutMillis: 10_000, keepAlive: true, application_name: 'hsmfleet',
    },
  };
}

/** A URL as it may be shown: everything from the user's name to the last @ and after a question mark is gone. */
export function withoutPassword(url: string): string {
  const [, scheme = '', rest = ''] = /^(\w+:\/\/)?([^]*)$/.exec(url) ?? [];
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? '' : `${/^[^:@/?#]*/.exec(rest)?.[0] ?? ''}@`;
  return `${scheme}${user}${rest.slice(at + 1).replace(/[?#][^]*$/, '')}`;
}

function badUrl(): HsmfleetError {
  return new HsmfleetError('STORE', 'the URL of the database is not valid', {
    hint: 'write postgres://user:password@host:5432/database; characters such as @, / and # in the password are written %40, %2F and %23',
  });
}
