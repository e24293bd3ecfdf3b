/*
 * A program of its own: reads a QueryRequest as JSON on standard input, answers a QueryAnswer on standard output.
 * It imports nothing of the workspace, so that it starts fast and runs from source as well as bundled.
 */
import { text } from 'node:stream/consumers';
import { constants, DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import type { QueryAnswer, QueryRequest } from './query-sqlite.ts';
import type { QueryCell } from './query.ts';

/** Bytes SQLite may allocate for one query. */
const HEAP_LIMIT = 512 * 1024 * 1024;

/** Reading, functions and recursive common table expressions. ATTACH, PRAGMA, temporary tables and writes are not in it. */
const ALLOWED: ReadonlySet<number> = new Set([constants.SQLITE_SELECT, constants.SQLITE_FUNCTION, constants.SQLITE_RECURSIVE]);

/** Tables that are functions, beside the views. */
const TABLE_FUNCTIONS = ['json_each', 'json_tree'];

/** Where a statement names a common table expression: SQLite tells of reading a recursive one by its name. */
const EXPRESSION = /\b(\w+)\s*(?:\([^()]*\)\s*)?as\s*(?:(?:not\s+)?materialized\s*)?\(/gi;

/** Names of common table expressions that stand for nothing else, so that no table is read in their name. */
function expressionsOf(database: DatabaseSync, sql: string): Set<string> {
  const taken = new Set([...database.prepare('select name from sqlite_schema').all(), ...database.prepare('pragma module_list').all()].map(({ name }) => String(name).toLowerCase()));
  const names = [...sql.matchAll(EXPRESSION)].map(([, name = '']) => name.toLowerCase());
  return new Set(names.filter((name) => !taken.has(name) && !/^(sqlite|pragma)_/.test(name)));
}

function answer({ path, sql, maxRows, shadows, views }: QueryRequest): QueryAnswer {
  const readable = new Set([...views, ...TABLE_FUNCTIONS]);
  let database: DatabaseSync;
  let expressions: Set<string>;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    for (const shadow of shadows) database.exec(shadow);
    expressions = expressionsOf(database, sql);
    database.exec(`pragma query_only = 1; pragma hard_heap_limit = ${String(HEAP_LIMIT)}`);
  } catch (thrown) {
    return { ok: false, sqlite: false, message: String(thrown instanceof Error ? thrown.message : thrown) };
  }
  // what is behind a view is read in its name
  const mayRead = (table: string | null, view: string | null): boolean => (view !== null && readable.has(view)) || (table !== null && (readable.has(table) || expressions.has(table.toLowerCase())));
  database.setAuthorizer((action, table, _column, _database, view) => (
    ALLOWED.has(action) || (action === constants.SQLITE_READ && mayRead(table, view)) ? constants.SQLITE_OK : constants.SQLITE_DENY));
  try {
    const statement = database.prepare(sql);
    // SQLite compiles the first statement and ignores what follows: better say so
    const rest = sql.slice(sql.indexOf(statement.sourceSQL) + statement.sourceSQL.length);
    if (/\S/.test(rest.replaceAll(/--.*|\/\*[^]*?\*\/|;/g, ''))) {
      return { ok: false, sqlite: true, message: 'more than one statement' };
    }
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    const rows: QueryCell[][] = [];
    let truncated = false;
    for (const row of statement.iterate() as Iterable<unknown> as Iterable<SQLOutputValue[]>) {
      truncated = rows.length >= maxRows;
      if (truncated) break;
      rows.push(row.map(cellOf));
    }
    return { ok: true, columns: statement.columns().map(({ name }) => name), rows, truncated };
  } catch (thrown) {
    return { ok: false, sqlite: true, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function cellOf(value: SQLOutputValue): QueryCell {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

const request = JSON.parse(await text(process.stdin)) as QueryRequest;
process.stdout.write(JSON.stringify(answer(request)));
