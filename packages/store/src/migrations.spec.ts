import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS, SCHEMA_VERSION, type Migration } from './migrations.ts';
import { openDatabase } from './open-database.ts';
import { openStore } from './store.ts';
import { sampleReport } from './testdata/samples.ts';
import { VIEWS, viewSql } from './views.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-migrations-'));
  path = join(folder, 'hsmfleet.db');
});
afterEach(async () => { rmSync(folder, { recursive: true }); });

describe('migrations', () => {
  it('are numbered 1, 2, 3, …', async () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('that were released never change, and changed views need a further one', async () => {
    const digest = createHash('sha256').update(JSON.stringify([MIGRATIONS, VIEWS.map(viewSql)])).digest('hex');
    // a different digest: add a migration (an empty one when only views changed), then note the new digest here
    expect({ version: SCHEMA_VERSION, digest: digest.slice(0, 16) }).toEqual({ version: 5, digest: 'a8f0d6c6a05ab8eb' });
  });

  it('keep what an older program stored', async () => {
    const store = await openStore(path);
    await store.recordInventory(sampleReport('a', '2026-01-02T10:00:00.000Z'));
    await store.close();
    const more: Migration = { version: SCHEMA_VERSION + 1, name: 'a note per host', sql: 'alter table host add column note text' };
    const database = openDatabase(path, [...MIGRATIONS, more]);
    expect(database.prepare('select host from keys').all()).toEqual([{ host: 'a' }]);
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: SCHEMA_VERSION + 1 });
    database.close();
  });

  it('that fail leave the database as it was', async () => {
    await (await openStore(path)).close();
    const bad: Migration = { version: SCHEMA_VERSION + 1, name: 'bad', sql: 'create table half (a); insert into nowhere values (1)' };
    expect(() => openDatabase(path, [...MIGRATIONS, bad])).toThrow('no such table: nowhere');
    const database = new DatabaseSync(path);
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: SCHEMA_VERSION });
    expect(database.prepare("select name from sqlite_schema where name in ('half', 'keys')").all()).toEqual([{ name: 'keys' }]);
    database.close();
  });

  it('refuse a database of a newer program', async () => {
    const database = openDatabase(path);
    database.exec(`pragma user_version = ${String(SCHEMA_VERSION + 8)}`);
    database.close();
    await expect(openStore(path)).rejects.toThrow(
      `the history database ${path} has schema version ${String(SCHEMA_VERSION + 8)}, this program knows versions up to ${String(SCHEMA_VERSION)}`,
    );
  });
});

describe('views', () => {
  it('have the columns that their declaration documents, host and collected_at wherever a row is about a host', async () => {
    const database = openDatabase(path);
    for (const view of VIEWS) {
      const columns = database.prepare(`select name from pragma_table_info('${view.name}')`).all().map(({ name }) => name);
      expect(columns).toEqual(view.columns.map(({ name }) => name));
      expect(columns).toEqual(expect.arrayContaining(view.name === 'checks' ? ['collected_at'] : ['host', 'collected_at']));
      expect(view.columns.filter(({ description }) => description.length < 5)).toEqual([]);
      expect(() => database.prepare(`select * from ${view.name}`).all()).not.toThrow();
    }
    database.close();
  });
});
