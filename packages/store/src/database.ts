import type { Dialect } from './dialect.ts';
import type { QueryLimits, QueryResult } from './query.ts';

/** What both databases take and give: text, numbers and null. Booleans are 0 and 1, times are ISO 8601 text. */
export type Cell = string | number | null;
export type Row = Record<string, Cell>;

/**
 * Statements in the SQL that SQLite and PostgreSQL have in common. Parameters are written `$name`; those that a statement does
 * not mention are ignored.
 */
export interface Sql {
  readonly dialect: Dialect;
  all(sql: string, params?: Row): Promise<Row[]>;
  /** @returns how many rows were written */
  run(sql: string, params?: Row): Promise<number>;
  /** Runs statements of a migration, which are written as SQLite wants them. */
  script(sql: string): Promise<void>;
  /**
   * Inserts rows, which all have the same columns.
   * @param orElse for example `on conflict (id) do nothing`
   */
  insert(table: string, rows: readonly Row[], orElse?: string): Promise<void>;
  /** Inserts rows unless one with the same key is there. @returns for each row: is it new? */
  insertNew(table: string, rows: readonly Row[], key: readonly string[]): Promise<boolean[]>;
}

/** An open database. Single statements see what is committed; those of a transaction see its own changes too. */
export interface Database extends Sql {
  /** For people: the path, or the URL without its password. */
  readonly location: string;
  /** Does everything or nothing; transactions of one process come one after the other where the database wants it so. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Answers one statement that reads the documented views.
   * @param asOf answer as it was at this instant, a time as stored times are written
   * @throws HsmfleetError USAGE
   */
  read(sql: string, params: Row, asOf: string | undefined): Promise<Row[]>;
  /** Answers one statement of a person: bounded in rows and time, and the database allows it to read the views and nothing else. */
  query(sql: string, limits: QueryLimits): Promise<QueryResult>;
  /** Is it a failure that passes by itself: the same may go well a little later? */
  isPassing(thrown: unknown): boolean;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The statement that inserts one row with parameters of the columns' names. */
export function insertSql(table: string, columns: readonly string[], orElse: string): string {
  return `insert into ${table} (${quoted(columns)}) values (${columns.map((column) => `$${column}`).join(', ')}) ${orElse}`;
}

/** Names as the databases take them, reserved words included. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
