import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HsmfleetError } from '@hsmfleet/contract';
import { MIGRATIONS, SCHEMA_VERSION, type Migration } from './migrations.ts';
import { VIEWS, viewSql } from './views.ts';

/** How long a writer waits for another hsmfleet process, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the database for writing, creates it (0600, in a 0700 directory) when it is missing, and brings its schema up
 * to date.
 * @throws HsmfleetError STORE when it cannot be opened, is no database, or was written by a newer hsmfleet
 */
export function openDatabase(path: string, migrations: readonly Migration[] = MIGRATIONS): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its side files the mode of the main file, so that one has to be right from the start
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // with WAL, NORMAL keeps the database sound and spares a disk flush per commit: a power cut may cost the last events,
    // which the hosts' journals still have
    database.exec('pragma journal_mode = wal; pragma synchronous = normal');
    migrate(database, path, migrations);
    return database;
  } catch (thrown) {
    database?.close();
    throw storeError('cannot open', path, thrown);
  }
}

/** Wraps what SQLite or the file system said. An error of ours passes through. */
export function storeError(what: string, path: string, thrown: unknown): HsmfleetError {
  if (thrown instanceof HsmfleetError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new HsmfleetError('STORE', `${what} the history database ${path}: ${why}`, {
    hint: 'check the owner, the permissions and the free space of its folder; XDG_STATE_HOME names another place',
    cause: thrown,
  });
}

/** Applies every missing migration, each in its own transaction together with its version number. */
function migrate(database: DatabaseSync, path: string, migrations: readonly Migration[]): void {
  const target = migrations.at(-1)?.version ?? SCHEMA_VERSION;
  if (versionOf(database) === target) return;
  for (const migration of migrations) {
    database.exec('begin immediate');
    try {
      // read again under the lock: another process may have migrated meanwhile
      const version = versionOf(database);
      if (version > target) throw newerSchema(path, version, target);
      if (version < migration.version) {
        dropViews(database);
        database.exec(migration.sql);
        for (const view of VIEWS) database.exec(viewSql(view));
        database.exec(`pragma user_version = ${String(migration.version)}`);
      }
      database.exec('commit');
    } catch (thrown) {
      database.exec('rollback');
      throw thrown;
    }
  }
}

function dropViews(database: DatabaseSync): void {
  const views = database.prepare("select name from sqlite_schema where type = 'view'").all();
  for (const { name } of views) database.exec(`drop view "${String(name)}"`);
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('pragma user_version').get()?.user_version ?? 0);
}

function newerSchema(path: string, version: number, known: number): HsmfleetError {
  return new HsmfleetError(
    'STORE',
    `the history database ${path} has schema version ${String(version)}, this program knows versions up to ${String(known)}`,
    { hint: 'a newer hsmfleet wrote it: use that one, or set XDG_STATE_HOME to keep a separate history' },
  );
}
