import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { queryRoleName } from '../query-role.ts';

/** A database of one spec alone. */
export interface TestDatabase {
  name: string;
  /** With the password. */
  url: string;
  /** Ends its connections and drops it, with the role for queries that a store made. */
  drop(): Promise<void>;
}

const TOOL = fileURLToPath(new URL('../../../../tools/test-postgres/test-postgres', import.meta.url));

/** Why there is no PostgreSQL for tests here; undefined when there is one, which is started when it does not run. */
export function whyNoPostgres(): string | undefined {
  if (!existsSync(TOOL)) return `${TOOL} is missing`;
  const { status, stderr } = spawnSync(TOOL, ['up'], { encoding: 'utf8' });
  return status === 0 ? undefined : stderr.trim();
}

/** The URL of the test server's database `postgres`; its user may do everything there. @throws Error when there is no server */
export function testServerUrl(): string {
  const { status, stdout, stderr } = spawnSync(TOOL, ['url'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.trim());
  return stdout.trim();
}

/** Makes an empty database on the test server; its name begins with a prefix. */
export async function createTestDatabase(prefix = 'spec'): Promise<TestDatabase> {
  const server = testServerUrl();
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  await onTestServer(server, `create database "${name}"`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    name, url: url.href,
    drop: () => onTestServer(server, `drop database if exists "${name}" with (force)`, `drop role if exists "${queryRoleName(name)}"`),
  };
}

/** Runs statements on a database of the test server. */
export async function onTestServer(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
