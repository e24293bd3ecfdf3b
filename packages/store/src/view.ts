import type { Dialect } from './dialect.ts';

/** A column of a documented view. */
export interface ViewColumn {
  name: string;
  /** `boolean` is 0 or 1; `time` is ISO 8601 in UTC, so it compares and sorts as text. */
  type: 'text' | 'integer' | 'real' | 'boolean' | 'time';
  description: string;
  /** The SQL expression behind it when it is not a plain column. */
  sql?: SqlText;
}

/** A view that people query: documentation, error messages and SQL come from this one declaration. */
export interface View {
  name: string;
  description: string;
  /** The FROM clause, with what follows it. */
  from: SqlText;
  columns: readonly ViewColumn[];
}

/** SQL that both databases take, or that depends on which one it is and which instant is asked about. */
export type SqlText = string | ((context: ViewContext) => string);

/** For which database and instant a view is made. */
export interface ViewContext {
  readonly dialect: Dialect;
  /** Expression of the instant that the answer is about: the present, or the one asked for. */
  readonly now: string;
  /** Is that instant another one than the present? */
  readonly past: boolean;
}

/** Declares a column. */
export function column(name: string, type: ViewColumn['type'], description: string, sql?: SqlText): ViewColumn {
  return { name, type, description, ...(sql === undefined ? {} : { sql }) };
}

/** SQL that is different when another instant than the present is asked about. */
export function atInstant(present: SqlText, past: (now: string, context: ViewContext) => string): SqlText {
  return (context) => (context.past ? past(context.now, context) : textOf(present, context));
}

/** A time that had not come yet at the instant asked about: null. */
export function untilThen(expression: string): SqlText {
  return atInstant(expression, (now) => `case when ${expression} <= ${now} then ${expression} end`);
}

/** Rows of a table that were there at the instant asked about, by the column that tells since when they are. */
export function since(table: string, time: string): SqlText {
  return atInstant(table, (now) => `(select * from ${table} where ${time} <= ${now}) as ${table}`);
}

/** Puts SQL texts together. */
export function sqlText(strings: TemplateStringsArray, ...parts: SqlText[]): SqlText {
  return (context) => strings.reduce((text, next, index) => text + textOf(parts[index - 1] ?? '', context) + next);
}

/** The text for a database and instant. */
export function textOf(sql: SqlText, context: ViewContext): string {
  return typeof sql === 'string' ? sql : sql(context);
}

/** The query behind a view. */
export function selectSql(view: View, context: ViewContext): string {
  const columns = view.columns.map(({ name, sql }) => (sql === undefined ? `"${name}"` : `${textOf(sql, context)} as "${name}"`));
  return `select ${columns.join(', ')} from ${textOf(view.from, context)}`;
}

/** The present, in a database. */
export function present(dialect: Dialect): ViewContext {
  return { dialect, now: dialect.now, past: false };
}
