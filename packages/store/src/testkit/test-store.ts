import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { TYPES } from '../postgres-sql.ts';
import { openStore, type Store } from '../store.ts';
import { createTestDatabase, onTestServer, type TestDatabase } from './test-database.ts';

/** Which database a store is in. */
export type StoreKind = 'sqlite' | 'postgres';

/** A store of one spec alone, empty. */
export interface TestStore {
  store: Store;
  /** What {@link openStore} takes. */
  location: string;
  /** Runs SQL over the tables themselves, on a connection of its own, as the store's owner. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** Closes the store, and deletes what it left. */
  remove(): Promise<void>;
}

/** Databases with the schema in them that no test uses: making one anew for every test takes longer than emptying it. */
const free: TestDatabase[] = [];

/** Opens an empty store in a database of its own. Call {@link removeTestDatabases} when all are removed. */
export async function openTestStore(kind: StoreKind): Promise<TestStore> {
  if (kind === 'postgres') {
    const database = free.pop() ?? (await createTestDatabase());
    const blobs = mkdtempSync(join(tmpdir(), 'hsmfleet-blobs-'));
    const store = await openStore(database.url, { blobs });
    return {
      store, location: database.url,
      sql: (text) => askPostgres(database.url, text),
      async remove() {
        await store.close();
        await onTestServer(database.url, EMPTY);
        free.push(database);
        rmSync(blobs, { recursive: true });
      },
    };
  }
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-store-'));
  const location = join(folder, 'hsmfleet.db');
  const store = await openStore(location);
  return {
    store, location,
    sql: (text) => Promise.resolve(askSqlite(location, text)),
    async remove() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Drops the databases of tests. */
export async function removeTestDatabases(): Promise<void> {
  for (const database of free.splice(0)) await database.drop();
}

/** Empties every table but the one that tells the schema's version; quicker than truncating tables that hold next to nothing. */
const EMPTY = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'hsmfleet' and tablename <> 'schema_version' loop execute 'delete from hsmfleet.' || name; end loop;
end $$`;

function askSqlite(path: string, text: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path);
  try {
    return database.prepare(text).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

async function askPostgres(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('set search_path to hsmfleet');
    return (await client.query<Record<string, unknown>>({ text, types: TYPES })).rows;
  } finally {
    await client.end();
  }
}
