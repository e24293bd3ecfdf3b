import type { ClientBase, QueryArrayResult, QueryResult } from 'pg';
import { insertSql, quoted, type Cell, type Row, type Sql } from './database.ts';
import { POSTGRES, replaceParameters } from './dialect.ts';

/** Rows of one insertion at a time. */
const CHUNK = 2_000;

/** Statements on a connection. */
export class PostgresSql implements Sql {
  readonly dialect = POSTGRES;
  readonly #client: Pick<ClientBase, 'query'>;

  constructor(client: Pick<ClientBase, 'query'>) {
    this.#client = client;
  }

  async all(sql: string, params: Row = {}): Promise<Row[]> {
    return (await this.#query(sql, params)).rows;
  }

  async run(sql: string, params: Row = {}): Promise<number> {
    return (await this.#query(sql, params)).rowCount ?? 0;
  }

  #query(sql: string, params: Row): Promise<QueryResult<Row>> {
    const { text, values } = numbered(sql, params);
    return this.#client.query<Row>({ text, values, types: TYPES });
  }

  async script(sql: string): Promise<void> {
    await this.#client.query(POSTGRES.script(sql));
  }

  async insert(table: string, rows: readonly Row[], orElse = ''): Promise<void> {
    for (let at = 0; at < rows.length; at += CHUNK) await this.#insert(table, rows.slice(at, at + CHUNK), orElse);
  }

  async insertNew(table: string, rows: readonly Row[], key: readonly string[]): Promise<boolean[]> {
    const keyOf = (row: Row): string => JSON.stringify(key.map((name) => clean(row[name] ?? null)));
    const fresh = new Set<string>();
    for (let at = 0; at < rows.length; at += CHUNK) {
      const written = await this.#insert(table, rows.slice(at, at + CHUNK), `on conflict (${key.join(', ')}) do nothing returning ${quoted(key)}`);
      for (const row of written) fresh.add(keyOf(row));
    }
    // of equal ones the first was written
    return rows.map((row) => fresh.delete(keyOf(row)));
  }

  async #insert(table: string, rows: readonly Row[], orElse: string): Promise<Row[]> {
    const [first] = rows;
    if (first === undefined) return [];
    const columns = Object.keys(first);
    if (rows.length === 1) return (await this.#query(insertSql(table, columns, orElse), first)).rows;
    // one parameter whatever the number of rows; the table itself tells the types
    const values = [JSON.stringify(rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, clean(cell)]))))];
    const text = `insert into ${table} (${quoted(columns)}) select ${quoted(columns)} from json_populate_recordset(null::${table}, $1::json) ${orElse}`;
    return (await this.#client.query<Row>({ text, values, types: TYPES })).rows;
  }
}

/** A statement whose parameters have numbers instead of names, each with the type of its value. */
export function numbered(sql: string, params: Row): { text: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const places = new Map<string, string>();
  const text = replaceParameters(sql, (name) => {
    const known = places.get(name);
    if (known !== undefined) return known;
    const value = clean(params[name] ?? null);
    // a parameter that is null has no type, which not every place can do with
    const place = value === null ? 'null' : `cast($${String(values.push(value))} as ${typeName(value)})`;
    places.set(name, place);
    return place;
  });
  return { text, values };
}

function typeName(value: string | number): string {
  if (typeof value === 'string') return 'text';
  return Number.isSafeInteger(value) ? 'bigint' : 'double precision';
}

/** PostgreSQL takes no NUL in a text, and no half of a character. */
function clean(value: Cell): Cell {
  return typeof value === 'string' ? value.replaceAll(/\0|\p{Surrogate}/gu, '\ufffd') : value;
}

const [BOOL, BYTEA, INT8, INT2, INT4, FLOAT4, FLOAT8, NUMERIC] = [16, 17, 20, 21, 23, 700, 701, 1700];

/** Values as SQLite gives them: booleans are 0 and 1, everything that is no number is text. Integers beyond 2^53 are text too. */
export const TYPES = {
  getTypeParser: (oid: number): ((text: string) => Cell) => {
    switch (oid) {
      case BOOL: return (text) => Number(text === 't');
      case INT2: case INT4: case FLOAT4: case FLOAT8: return Number;
      case INT8: return (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text);
      case NUMERIC: return (text) => (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? text : Number(text));
      case BYTEA: return (text) => text.replace(/^\\x/, '');
      default: return (text) => text;
    }
  },
};

/** An answer in rows of cells, for statements whose columns may have the same name. */
export type CellRows = QueryArrayResult<Cell[]>;
