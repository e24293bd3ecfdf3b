import { HsmfleetError, type SourcePosition } from '@hsmfleet/contract';
import { explainQueryError, onlyReads, unknownColumn, unknownView, type Place } from './query-error.ts';

/** What the driver tells of a statement that the server refused. */
interface ServerError extends Error {
  /** SQLSTATE. */
  code?: string;
  /** Character in the statement, from 1. */
  position?: string;
  hint?: string;
}

/** Statements that are none of reading; the server calls them a mistake of syntax inside a cursor. */
const WRITING = /^\s*(?:alter|analyze|attach|begin|call|checkpoint|cluster|comment|commit|copy|create|deallocate|delete|discard|do|drop|end|execute|explain|grant|import|insert|listen|load|lock|merge|notify|pragma|prepare|reassign|refresh|reindex|release|reset|revoke|rollback|savepoint|security|set|show|start|truncate|unlisten|update|vacuum)\b/i;

/**
 * Turns the server's words about a query into an error that names the nearest view or column. Undefined when the query is
 * not to blame.
 * @param offset characters that were put before the query
 */
export function explainPostgresError(thrown: unknown, sql: string, offset: number): HsmfleetError | undefined {
  if (thrown instanceof HsmfleetError) return thrown;
  const { code = '', message, position, hint } = thrown as ServerError;
  const place = position === undefined ? {} : placeAt(sql, Number(position) - 1 - offset);
  if (isEmpty(sql)) return explainQueryError('contains no statements', sql);
  if (code === '42703') {
    const name = /column "?([^"]+?)"? (?:of relation .*)?does not exist/.exec(message)?.[1];
    if (name !== undefined) return unknownColumn(name, sql, place);
  }
  const relation = code === '42P01' ? /relation "([^"]+)" does not exist/.exec(message)?.[1]
    : code === '42501' ? /permission denied for (?:table|view|materialized view|sequence|schema) "?([^"]+)"?$/.exec(message)?.[1] : undefined;
  if (relation !== undefined) return unknownView(relation, sql, place);
  if (code === '42501' || code === '25006' || code === '0A000' || (code.startsWith('42') && WRITING.test(sql))) return onlyReads();
  if (/multiple commands/.test(message)) return explainQueryError('more than one statement', sql);
  const near = /^syntax error at or near "([^]+)"$/.exec(message)?.[1];
  const text = near !== undefined ? `near "${near}": syntax error` : message === 'syntax error at end of input' ? 'incomplete input' : message;
  // classes: data exception, cardinality violation, syntax error or access rule violation, feature not supported, program limit
  if (!/^(?:22|21|42|0A|54)/.test(code)) return undefined;
  const error = explainQueryError(text, sql);
  return new HsmfleetError('USAGE', error.message, { ...place, hint: hint === undefined ? error.hint : `${hint}; ${error.hint ?? ''}` });
}

function isEmpty(sql: string): boolean {
  return !/\S/.test(sql.replaceAll(/--.*|\/\*[^]*?\*\/|;/g, ''));
}

function placeAt(sql: string, at: number): Place {
  // the server counts characters, strings count UTF-16 units
  const before = [...sql].slice(0, Math.max(at, 0)).join('').split('\n');
  const position: SourcePosition = { file: 'query', line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  return { position, excerpt: sql.split('\n')[before.length - 1] ?? '' };
}
