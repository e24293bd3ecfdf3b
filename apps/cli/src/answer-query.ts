import { text } from 'node:stream/consumers';
import { HsmfleetError } from '@hsmfleet/contract';
import { createColors, formatTable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { describeFreshness, openStore, VIEWS, type QueryResult } from '@hsmfleet/store';
import { countOption } from './count-option.ts';
import type { FleetOptions } from './fleet-options.ts';
import { findNamedQuery, isQueryName, loadNamedQueries } from './named-queries.ts';
import type { VaultOptions } from './vault-options.ts';

/** How answers are printed. */
export type AnswerFormat = 'table' | 'json' | 'csv';

export interface AnswerOptions extends Omit<FleetOptions, 'hosts'> {
  format: AnswerFormat;
  hosts?: string[];
  asOf?: string;
  /** Folders of named queries, beside those that come with the program. */
  queries?: string[];
  /** Collect first: from the hosts of a pattern, or from all. */
  live?: true | string;
  maxRows: string;
  timeout: string;
}

/**
 * Runs one read-only statement over the store; the answer goes to standard output, how far it can be relied on to
 * standard error.
 * @param asked the name of a query, or SQL
 * @returns 0; with {@link AnswerOptions.live} the exit code of the run that collected
 * @throws HsmfleetError USAGE, TIMEOUT, STORE, what reading named queries throws, and what a run throws
 */
export async function answerQuery(asked: string | undefined, options: AnswerOptions): Promise<number> {
  if (asked === undefined) throw new HsmfleetError('USAGE', 'the query is missing', { hint: 'hsmfleet query --list shows those that have names, hsmfleet query --views what can be asked for in SQL' });
  if (options.live !== undefined && options.asOf !== undefined) throw new HsmfleetError('USAGE', '--live and --as-of do not go together: nothing can be collected from the past');
  const statement = await statementOf(asked, options.queries);
  const maxRows = countOption('--max-rows', options.maxRows);
  const timeoutMs = countOption('--timeout', options.timeout) * 1_000;
  const collected = options.live === undefined ? 0 : await collectFirst(options.live, options);
  const store = await openStore();
  try {
    const hosts = options.hosts === undefined ? undefined : await hostNames(options.hosts, options);
    const result = await store.query(statement, { maxRows, timeoutMs, asOf: options.asOf });
    process.stdout.write(await formatAnswer(result, options.format));
    if (result.truncated) process.stderr.write(`only the first ${String(maxRows)} rows are shown; --max-rows allows more\n`);
    // how fresh the present is says nothing about the past
    if (options.asOf === undefined) process.stderr.write(`${describeFreshness(await store.freshness(hosts))}\n`);
    return collected;
  } finally {
    await store.close();
  }
}

/**
 * Prints the queries that have names.
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors when one cannot be read
 */
export async function listQueries(format: AnswerFormat, folders?: readonly string[]): Promise<number> {
  const queries = await loadNamedQueries(folders);
  const [columns, rows] = format === 'table'
    ? [['query', 'description'], queries.map(({ name, description }) => [name, description])]
    : [['query', 'description', 'sql'], queries.map(({ name, description, sql }) => [name, description, sql])];
  process.stdout.write(await formatAnswer({ columns, rows, truncated: false }, format));
  return 0;
}

async function statementOf(asked: string, folders: readonly string[] | undefined): Promise<string> {
  if (asked === '-') return text(process.stdin);
  return isQueryName(asked) ? (await findNamedQuery(asked, folders)).sql : asked;
}

/** What the answer will not tell, which hosts could not be asked, goes to standard error. */
async function collectFirst(live: true | string, { hosts, ...fleet }: AnswerOptions): Promise<number> {
  const [{ INVENTORY_PLAY }, { runPlaybook }] = await Promise.all([import('./collect-inventory.ts'), import('./run-playbook.ts')]);
  return runPlaybook({
    playbook: INVENTORY_PLAY, fleet: { ...fleet, hosts: hosts ?? [] }, limit: live === true ? undefined : live, check: false, diff: false, results: process.stderr,
  });
}

/** Prints every view with its columns. @returns 0 */
export async function describeViews(format: AnswerFormat): Promise<number> {
  if (format === 'json') {
    process.stdout.write(`${printableJson(VIEWS.map(({ name, description, columns }) => ({ name, description, columns: columns.map((column) => ({ name: column.name, type: column.type, description: column.description })) })))}\n`);
    return 0;
  }
  const rows = VIEWS.flatMap((view) => view.columns.map((column) => [view.name, column.name, column.type, column.description]));
  const columns = ['view', 'column', 'type', 'description'];
  if (format === 'csv') {
    process.stdout.write(await formatAnswer({ columns, rows, truncated: false }, 'csv'));
    return 0;
  }
  const colors = createColors(wantsColor(process.stdout));
  const parts = VIEWS.map((view) => {
    const table = formatTable(columns.slice(1), view.columns.map((column) => [column.name, column.type, column.description]), colors);
    return `${colors.bold(view.name)}: ${view.description}\n${table.replaceAll(/^(?=.)/gm, '  ')}`;
  });
  process.stdout.write(parts.join('\n'));
  return 0;
}

/** An answer as a table, a JSON array of objects, or CSV (RFC 4180) with a heading. */
export async function formatAnswer({ columns, rows }: QueryResult, format: AnswerFormat): Promise<string> {
  if (format === 'table') return formatTable(columns, rows, createColors(wantsColor(process.stdout)));
  if (format === 'json') {
    return `${printableJson(rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]))))}\n`;
  }
  const { stringify } = await import('csv-stringify/sync');
  return stringify(rows, { header: true, columns });
}

async function hostNames(files: string[], vault: VaultOptions): Promise<string[]> {
  const { openHosts } = await import('./open-hosts.ts');
  return (await openHosts(files, vault)).select('all');
}
