import { closest, distance } from 'fastest-levenshtein';
import { HsmfleetError, type SourcePosition } from '@hsmfleet/contract';
import { VIEWS } from './views.ts';

/** Where in the query something is. */
export interface Place {
  position?: SourcePosition;
  excerpt?: string;
}

/** Turns SQLite's words about a query into an error that names the nearest view or column and lists the known ones. */
export function explainQueryError(message: string, sql: string): HsmfleetError {
  const column = /^no such column: (.+)$/.exec(message)?.[1];
  if (column !== undefined) return unknownColumn(column, sql);
  const table = /^no such table: (.+)$/.exec(message)?.[1];
  if (table !== undefined) return unknownView(table, sql);
  const hidden = /^access to (?:\w+\.)?(\w+)\.\w+ is prohibited$/.exec(message)?.[1];
  if (hidden !== undefined) return unknownView(hidden, sql);
  if (/^not authorized|^authorization denied|readonly database|^cannot modify /.test(message)) {
    return onlyReads();
  }
  if (message === 'more than one statement') {
    return new HsmfleetError('USAGE', 'the query has more than one statement', { hint: 'give one SELECT statement' });
  }
  if (/contains no statements/.test(message)) {
    return new HsmfleetError('USAGE', 'the query is empty', { hint: 'for example: select host, label, bits from keys' });
  }
  const near = /^near "([^]+)": syntax error$/.exec(message)?.[1];
  return new HsmfleetError('USAGE', `the query is not valid: ${message}`, {
    ...placeOf(near, sql),
    hint: `views: ${VIEWS.map(({ name }) => name).join(', ')}; hsmfleet query --views describes them`,
  });
}

/** A statement that is none of reading. */
export function onlyReads(): HsmfleetError {
  return new HsmfleetError('USAGE', 'the query wants to do more than queries may: they only read', { hint: 'give one SELECT statement' });
}

/** A parameter that a statement mentions and nobody gave. */
export function withoutValue(name: string): HsmfleetError {
  return new HsmfleetError('USAGE', `the query has a parameter $${name} without a value`, { hint: 'parameters are written $name; a dollar sign in a text belongs between quotes' });
}

/** A column that no view of the query has. */
export function unknownColumn(column: string, sql: string, place?: Place): HsmfleetError {
  const name = column.slice(column.lastIndexOf('.') + 1);
  const words = new Set(sql.toLowerCase().match(/[a-z_]+/g));
  const mentioned = VIEWS.filter((view) => words.has(view.name));
  const views = mentioned.length === 0 ? VIEWS : mentioned;
  const lists = views.map((view) => `${view.name} has ${view.columns.map((known) => known.name).join(', ')}`);
  return new HsmfleetError('USAGE', `the query names an unknown column "${column}"`, {
    ...(place ?? placeOf(name, sql)),
    hint: `${didYouMean(name, views.flatMap((view) => view.columns.map((known) => known.name)))}${lists.join('; ')}`,
  });
}

/** A view that there is not, or that is none. */
export function unknownView(table: string, sql: string, place?: Place): HsmfleetError {
  const names = VIEWS.map(({ name }) => name);
  return new HsmfleetError('USAGE', `the query names an unknown view "${table}"`, {
    ...(place ?? placeOf(table, sql)),
    hint: `${didYouMean(table, names)}views: ${names.join(', ')}`,
  });
}

function didYouMean(name: string, known: readonly string[]): string {
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3)) ? `did you mean "${nearest}"? ` : '';
}

/** SQLite does not say where; when the word occurs once in the query, that is the place. */
function placeOf(word: string | undefined, sql: string): Place {
  if (word === undefined) return {};
  const at = sql.indexOf(word);
  if (at < 0 || sql.includes(word, at + 1)) return {};
  const before = sql.slice(0, at).split('\n');
  const line = before.length;
  return {
    position: { file: 'query', line, column: (before.at(-1)?.length ?? 0) + 1 },
    excerpt: sql.split('\n')[line - 1] ?? '',
  };
}
