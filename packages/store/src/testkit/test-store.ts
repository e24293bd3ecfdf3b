import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { TYPES } from '../postgres-sql.ts';
import { openStore, type Store } from '../store.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

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

/** Databases with the schema in them, to be copied: making the schema anew for every test takes longer. */
let template: Promise<TestDatabase> | undefined;

/** Opens an empty store in a database of its own. Call {@link removeTemplate} when all are removed. */
export async function openTestStore(kind: StoreKind): Promise<TestStore> {
  if (kind === 'postgres') {
    const database = await createTestDatabase('spec', (await (template ??= makeTemplate())).name);
    const blobs = mkdtempSync(join(tmpdir(), 'hsmfleet-blobs-'));
    const store = await openStore(database.url, { blobs });
    return {
      store, location: database.url,
      sql: (text) => askPostgres(database.url, text),
      async remove() {
        await store.close();
        await database.drop();
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

async function makeTemplate(): Promise<TestDatabase> {
  const database = await createTestDatabase('template');
  await (await openStore(database.url)).close();
  return database;
}

/** Drops what copies were made from. */
export async function removeTemplate(): Promise<void> {
  await (await template)?.drop();
  template = undefined;
}

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
