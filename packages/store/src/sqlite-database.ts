import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { insertSql, type Database, type Row, type Sql } from './database.ts';
import { SQLITE } from './dialect.ts';
import { openDatabase, storeError } from './open-database.ts';

/** Statements kept compiled, per connection. */
const KEPT_STATEMENTS = 200;

/**
 * SQLite in this process. Writers take turns; single reading statements have a connection of their own, so that they see
 * only what is committed while a transaction waits for something.
 * @throws HsmfleetError STORE
 */
export function openSqlite(path: string): Database {
  const writer = new Connection(openDatabase(path));
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
        reader ??= new Connection(new DatabaseSync(path, { readOnly: true, timeout: 5_000 }));
        return reader.all(sql, params);
      } catch (thrown) {
        return Promise.reject(storeError('cannot read', path, thrown));
      }
    },
    run: (sql, params) => transaction((own) => own.run(sql, params)),
    insert: (table, rows, orElse) => transaction((own) => own.insert(table, rows, orElse)),
    insertNew: (table, rows, key) => transaction((own) => own.insertNew(table, rows, key)),
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
    return Promise.resolve(this.#prepare(sql).all(params) as Row[]);
  }

  run(sql: string, params: Row = {}): Promise<number> {
    return Promise.resolve(Number(this.#prepare(sql).run(params).changes));
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
