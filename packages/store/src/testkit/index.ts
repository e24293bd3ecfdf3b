import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { queryRoleName } from '../query-role.ts';
import { openStore, type Store } from '../store.ts';

/** A database of one spec alone. */
export interface TestDatabase {
  /** With the password. */
  url: string;
  /** Ends its connections and drops it. */
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

/**
 * Makes an empty database on the test server.
 */
export async function createTestDatabase(name = 'spec'): Promise<TestDatabase> {
  const server = testServerUrl();
  const database = `${name}_${randomBytes(6).toString('hex')}`;
  await onServer(server, [`create database "${database}"`]);
  const url = new URL(server);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    drop: () => onServer(server, [`drop database if exists "${database}" with (force)`, `drop role if exists "${queryRoleName(database)}"`]),
  };
}

async function onServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A store of one spec alone, empty. */
export interface TestStore {
  store: Store;
  /** What {@link openStore} takes. */
  location: string;
  /** Closes the store, and deletes what it left. */
  remove(): Promise<void>;
}

/** Opens an empty store in a database of its own. */
export async function createTestStore(kind: 'sqlite' | 'postgres'): Promise<TestStore> {
  if (kind === 'postgres') {
    const database = await createTestDatabase();
    const store = await openStore(database.url);
    return {
      store, location: database.url,
      async remove() {
        await store.close();
        await database.drop();
      },
    };
  }
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-store-'));
  const location = join(folder, 'hsmfleet.db');
  const store = await openStore(location);
  return {
    store, location,
    async remove() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
