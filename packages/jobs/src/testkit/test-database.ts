import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const TOOL = fileURLToPath(new URL('../../../../tools/test-postgres/test-postgres', import.meta.url));

/** A database of one spec file on the server of the tests. */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Starts the server of the tests when it does not run, and makes a database in it. */
export async function makeTestDatabase(): Promise<TestDatabase> {
  execFileSync(TOOL, ['up'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const server = execFileSync(TOOL, ['url'], { encoding: 'utf8' }).trim();
  const name = `jobs_${randomBytes(4).toString('hex')}`;
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `drop database if exists ${name} with (force)`) };
}

/** Why there can be no server of the tests here; undefined when there can. */
export function postgresMissing(): string | undefined {
  return existsSync('/usr/lib/postgresql') ? undefined : 'there is no PostgreSQL server (Debian: postgresql)';
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
