import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS, SCHEMA_VERSION, type Migration } from './migrations.ts';
import { openSqlite } from './sqlite-database.ts';
import { openStore } from './store.ts';
import { sampleReport } from './testkit/samples.ts';
import { POSTGRES, SQLITE } from './dialect.ts';
import { HISTORY_KINDS } from './inventory/index.ts';
import { storedColumns } from './inventory/kind.ts';
import { present, selectSql } from './view.ts';
import { VIEWS } from './views.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-migrations-'));
  path = join(folder, 'hsmfleet.db');
});
afterEach(async () => { rmSync(folder, { recursive: true }); });

/** The file as SQLite shows it. */
function look<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

describe('migrations', () => {
  it('are numbered 1, 2, 3, …', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('that were released never change, and changed views and tables of inventory rows need a further one', () => {
    const views = [SQLITE, POSTGRES].flatMap((dialect) => VIEWS.map((view) => selectSql(view, present(dialect))));
    const tables = HISTORY_KINDS.map((kind) => [kind.view, storedColumns(kind), kind.columns.map(({ type }) => type), kind.indexes]);
    const digest = createHash('sha256').update(JSON.stringify([MIGRATIONS, views, tables])).digest('hex');
    // a different digest: add a migration (an empty one when only declarations changed), then note the new digest here
    expect({ version: SCHEMA_VERSION, digest: digest.slice(0, 16) }).toEqual({ version: 12, digest: '389fc30ba012f3d6' });
  });

  it('keep what an older program stored', async () => {
    const store = await openStore(path);
    await store.recordInventory(sampleReport('a', '2026-01-02T10:00:00.000Z'));
    await store.close();
    const more: Migration = { version: SCHEMA_VERSION + 1, name: 'a note per host', sql: 'alter table host add column note text' };
    await (await openSqlite(path, [...MIGRATIONS, more])).close();
    look((database) => {
      expect(database.prepare('select host from keys').all()).toEqual([{ host: 'a' }]);
      expect(database.prepare('pragma user_version').get()).toEqual({ user_version: SCHEMA_VERSION + 1 });
    });
  });

  it('to a history take over facts and every snapshot that was kept', async () => {
    look((database) => {
      for (const { version, sql } of MIGRATIONS.filter((one) => one.version < 6)) database.exec(`${sql}; pragma user_version = ${String(version)}`);
      const facts = { fqdn: 'a.test', distribution: 'Debian', distribution_version: '12.5', architecture: 'x86_64', kernel: '6.1', default_ipv4: { address: '10.0.0.1' }, apache: { installed: true, service: 'apache2' } };
      database.prepare("insert into host (name, first_seen_at, facts, collected_at, attempt_error) values ('a', '2026-01-01T00:00:00.000Z', ?, '2026-01-03T10:00:00.000Z', 'no route')").run(JSON.stringify(facts));
      const keep = database.prepare("insert into snapshot (host, at, run, report) values ('a', ?, 'r1', ?)");
      for (const at of ['2026-01-02T10:00:00.000Z', '2026-01-03T10:00:00.000Z']) keep.run(at, JSON.stringify(sampleReport('a', at, at.startsWith('2026-01-03') ? { sites: [] } : {})));
    });
    const store = await openStore(path);
    expect(await store.read('select distribution, address, apache_installed, collected_at, inventory_problem from hosts')).toEqual([
      { distribution: 'Debian', address: '10.0.0.1', apache_installed: 1, collected_at: '2026-01-03T10:00:00.000Z', inventory_problem: 'no route' },
    ]);
    expect(await store.read('select label from keys')).toEqual([{ label: 'old' }]);
    expect(await store.read('select name from sites')).toEqual([]);
    await store.close();
    look((database) => {
      expect(database.prepare('select from_at, to_at from inv_keys').all()).toEqual([{ from_at: '2026-01-02T10:00:00.000Z', to_at: null }]);
      expect(database.prepare('select from_at, to_at from inv_sites').all()).toEqual([{ from_at: '2026-01-02T10:00:00.000Z', to_at: '2026-01-03T10:00:00.000Z' }]);
      expect(database.prepare("select name from sqlite_schema where name in ('snapshot', 'latest_key')").all()).toEqual([]);
    });
  });

  it('that fail leave the database as it was', async () => {
    await (await openStore(path)).close();
    const bad: Migration = { version: SCHEMA_VERSION + 1, name: 'bad', sql: 'create table half (a); insert into nowhere values (1)' };
    await expect(openSqlite(path, [...MIGRATIONS, bad])).rejects.toThrow('no such table: nowhere');
    look((database) => {
      expect(database.prepare('pragma user_version').get()).toEqual({ user_version: SCHEMA_VERSION });
      expect(database.prepare("select name from sqlite_schema where name in ('half', 'keys')").all()).toEqual([{ name: 'keys' }]);
    });
  });

  it('refuse a database of a newer program', async () => {
    await (await openStore(path)).close();
    look((database) => { database.exec(`pragma user_version = ${String(SCHEMA_VERSION + 8)}`); });
    await expect(openStore(path)).rejects.toThrow(
      `the history database ${path} has schema version ${String(SCHEMA_VERSION + 8)}, this program knows versions up to ${String(SCHEMA_VERSION)}`,
    );
  });
});

describe('views', () => {
  it('have the columns that their declaration documents, host and collected_at wherever a row is about a host', async () => {
    await (await openStore(path)).close();
    look((database) => {
      for (const view of VIEWS) {
        const columns = database.prepare(`select name from pragma_table_info('${view.name}')`).all().map(({ name }) => name);
        expect(columns).toEqual(view.columns.map(({ name }) => name));
        expect(columns).toEqual(expect.arrayContaining(view.name === 'checks' ? ['collected_at'] : ['host', 'collected_at']));
        expect(view.columns.filter(({ description }) => description.length < 5)).toEqual([]);
        expect(() => database.prepare(`select * from ${view.name}`).all()).not.toThrow();
      }
    });
  });
});
