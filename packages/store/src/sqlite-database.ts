import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { insertSql, type Database, type Row, type Sql } from './database.ts';
import { parameterNames, SQLITE } from './dialect.ts';
import { migrate } from './migrate.ts';
import type { Migration } from './migrations.ts';
import { explainQueryError, withoutValue } from './query-error.ts';
import { querySqlite, shadowViews } from './query-sqlite.ts';
import { storeError } from './store-error.ts';
import { present, selectSql } from './view.ts';
import { VIEWS } from './views.ts';

/** How long a writer waits for another hsmfleet process, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** Statements kept compiled, per connection. */
const KEPT_STATEMENTS = 200;

/**
 * Opens SQLite in this process, creates the file (0600, in a 0700 directory) when it is missing, and brings its schema up to date.
 * @throws HsmfleetError STORE when it cannot be opened, is no database, or was written by a newer hsmfleet
 */
export async function openSqlite(path: string, migrations?: readonly Migration[]): Promise<Database> {
  let file: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its side files the mode of the main file, so that one has to be right from the start
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    file = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // with WAL, NORMAL keeps the database sound and spares a disk flush per commit: a power cut may cost the last events,
    // which the hosts' journals still have
    file.exec('pragma journal_mode = wal; pragma synchronous = normal');
    const database = createDatabase(path, new Connection(file));
    await migrate(database, makeViews, migrations);
    return database;
  } catch (thrown) {
    file?.close();
    throw storeError('cannot open', path, thrown);
  }
}

async function makeViews(sql: Sql): Promise<void> {
  for (const view of VIEWS) await sql.script(`create view ${view.name} as ${selectSql(view, present(SQLITE))};`);
}

/**
 * Writers take turns; single reading statements have a connection of their own, so that they see only what is committed
 * while a transaction waits for something.
 */
function createDatabase(path: string, writer: Connection): Database {
  let reader: Connection | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let open = true;

  function transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const mine = turn.then(async () => {
      writer.database.exec('begin immediate');
      try {
        const result = await work(writer);
        writer.database.exec('commit');
        return result;
      } catch (thrown) {
        writer.database.exec('rollback');
        throw thrown;
      }
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    location: path,
    dialect: SQLITE,
    transaction,
    all(sql, params) {
      try {
        reader ??= new Connection(new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS }));
        return reader.all(sql, params);
      } catch (thrown) {
        return Promise.reject(storeError('cannot read', path, thrown));
      }
    },
    run: (sql, params) => transaction((own) => own.run(sql, params)),
    script: (sql) => transaction((own) => own.script(sql)),
    insert: (table, rows, orElse) => transaction((own) => own.insert(table, rows, orElse)),
    insertNew: (table, rows, key) => transaction((own) => own.insertNew(table, rows, key)),
    read(sql, params, asOf) {
      const missing = parameterNames(sql).find((name) => !(name in params));
      if (missing !== undefined) return Promise.reject(withoutValue(missing));
      const connection = new Connection(new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS }));
      try {
        for (const shadow of asOf === undefined ? [] : shadowViews(asOf)) connection.database.exec(shadow);
        return Promise.resolve(connection.read(sql, params));
      } catch (thrown) {
        return Promise.reject(isQueryError(thrown) ? explainQueryError((thrown as Error).message, sql) : storeError('cannot read', path, thrown));
      } finally {
        connection.database.close();
      }
    },
    query: (sql, limits) => querySqlite(path, sql, limits),
    // busy, or locked by another process
    isPassing: (thrown) => [5, 6].includes(((thrown as { errcode?: number }).errcode ?? 0) & 0xff),
    async close() {
      if (!open) return;
      open = false;
      await turn;
      reader?.database.close();
      writer.database.close();
    },
  };
}

class Connection implements Sql {
  readonly dialect = SQLITE;
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear();
      statement = this.database.prepare(sql);
      statement.setAllowUnknownNamedParameters(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  all(sql: string, params: Row = {}): Promise<Row[]> {
    return Promise.resolve(this.read(sql, params));
  }

  read(sql: string, params: Row): Row[] {
    return this.#prepare(sql).all(params).map((row) => ({ ...row })) as Row[];
  }

  run(sql: string, params: Row = {}): Promise<number> {
    return Promise.resolve(Number(this.#prepare(sql).run(params).changes));
  }

  script(sql: string): Promise<void> {
    this.database.exec(sql);
    return Promise.resolve();
  }

  async insert(table: string, rows: readonly Row[], orElse = ''): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const statement = this.#prepare(insertSql(table, Object.keys(first), orElse));
    for (const row of rows) statement.run(row);
    return Promise.resolve();
  }

  insertNew(table: string, rows: readonly Row[], key: readonly string[]): Promise<boolean[]> {
    const [first] = rows;
    if (first === undefined) return Promise.resolve([]);
    const statement = this.#prepare(insertSql(table, Object.keys(first), `on conflict (${key.join(', ')}) do nothing`));
    return Promise.resolve(rows.map((row) => Number(statement.run(row).changes) > 0));
  }
}

/** Is it the statement that is wrong? SQLITE_ERROR. */
function isQueryError(thrown: unknown): boolean {
  return (thrown as { errcode?: number }).errcode === 1;
}
