/** The little that SQLite and PostgreSQL say differently. Everything here gives an SQL expression. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** Hours from a time to another one; null when either is null. Times are expressions of ISO 8601 text. */
  hoursBetween(from: string, to: string): string;
  /** The present, as ISO 8601 text with milliseconds. */
  readonly now: string;
  /** A text of a JSON document, at a path of names that are separated by dots. */
  json(document: string, path: string): string;
  /** The subquery that gives the elements of a JSON array of texts, which is in a parameter. */
  listed(parameter: string): string;
  /** The statement that lets no other transaction hold the lock of a name, which is in a parameter, until this one has ended. */
  lock(parameter: string): string;
}

/** @internal */
export const SQLITE: Dialect = {
  name: 'sqlite',
  hoursBetween: (from, to) => `((julianday(${to}) - julianday(${from})) * 24)`,
  now: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
  json: (document, path) => `json_extract(${document}, '$.${path}')`,
  listed: (parameter) => `(select value from json_each(${parameter}))`,
  // a transaction that writes has the whole database for itself
  lock: (parameter) => `select ${parameter}`,
};

/** @internal */
export const POSTGRES: Dialect = {
  name: 'postgres',
  hoursBetween: (from, to) => `(extract(epoch from cast(${to} as timestamptz) - cast(${from} as timestamptz)) / 3600)`,
  now: `to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  json: (document, path) => `(cast(${document} as json) #>> '{${path.replaceAll('.', ',')}}')`,
  listed: (parameter) => `(select value from json_array_elements_text(cast(${parameter} as json)) as listed (value))`,
  lock: (parameter) => `select pg_advisory_xact_lock(hashtextextended(${parameter}, 0))`,
};

/** Strings, quoted names, comments and parameters of a statement; group 1 is a parameter's name. */
const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[^]*?\*\/|\$([A-Za-z_][A-Za-z_0-9]*)/g;

/** Names of the parameters that a statement mentions, each once. */
export function parameterNames(sql: string): string[] {
  return [...new Set([...sql.matchAll(TOKENS)].flatMap(([, name]) => (name === undefined ? [] : [name])))];
}

/** Puts something else in the place of each parameter. */
export function replaceParameters(sql: string, replace: (name: string) => string): string {
  return sql.replaceAll(TOKENS, (token, name: string | undefined) => (name === undefined ? token : replace(name)));
}
