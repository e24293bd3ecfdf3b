import { Client, type ClientConfig } from 'pg';
import { HsmfleetError } from '@hsmfleet/contract';
import type { Cell } from './database.ts';
import { explainPostgresError } from './postgres-error.ts';
import { TYPES, type CellRows } from './postgres-sql.ts';
import { answerTooLarge, MAX_ANSWER, tookTooLong, type QueryLimits, type QueryResult } from './query.ts';
import { storeError } from './store-error.ts';

/** Rows fetched at a time. */
const FETCHED = 1_000;
const CURSOR = 'declare answer no scroll cursor for ';

/** Could the role not log in, because it is missing or its password is another one? */
export function isLoginProblem(thrown: unknown): boolean {
  return ['28P01', '28000'].includes((thrown as { code?: string }).code ?? '');
}

/**
 * Runs one statement of a person on a connection of its own, as the role that may read the views only, in a transaction that
 * cannot write.
 * @throws HsmfleetError USAGE, TIMEOUT, STORE; and what the server said when the role cannot log in
 */
export async function queryPostgres(config: ClientConfig, location: string, sql: string, { maxRows, timeoutMs, asOf }: QueryLimits): Promise<QueryResult> {
  const client = new Client({ ...config, application_name: 'hsmfleet query' });
  // told by the query that fails with it
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (thrown) {
    throw isLoginProblem(thrown) ? thrown : storeError('cannot read', location, thrown);
  }
  // the server ends it; when the server itself hangs, the connection goes
  const deadline = setTimeout(() => { void client.end(); (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(); }, timeoutMs + 2_000);
  try {
    await refuseStrongRole(client);
    await client.query('begin transaction read only');
    await client.query(`set local search_path to ${asOf === undefined ? 'hsmfleet' : 'hsmfleet_as_of'}`);
    await client.query(`select set_config('statement_timeout', $1, true), set_config('hsmfleet.as_of', $2, true)`, [String(timeoutMs), asOf ?? '']);
    return await fetchAnswer(client, sql, maxRows);
  } catch (thrown) {
    if ((thrown as { code?: string }).code === '57014') throw tookTooLong(timeoutMs);
    throw explainPostgresError(thrown, sql, CURSOR.length) ?? storeError('cannot read', location, thrown);
  } finally {
    clearTimeout(deadline);
    await client.end().catch(() => undefined);
  }
}

/** A role that somebody named by hand might be able to do more: then nothing is asked at all. */
async function refuseStrongRole(client: Client): Promise<void> {
  const { rows } = await client.query<{ strong: boolean; name: string }>(`select rolsuper or rolcreaterole or rolcreatedb or has_table_privilege('hsmfleet.event', 'select') as strong,
    rolname as name from pg_roles where rolname = current_user`);
  if (rows[0]?.strong === false) return;
  throw new HsmfleetError('STORE', `the role ${rows[0]?.name ?? ''} may do more than read the views, so it is not used for queries`, {
    hint: 'name a role without any other rights in HSMFLEET_DATABASE_QUERY_URL',
  });
}

async function fetchAnswer(client: Client, sql: string, maxRows: number): Promise<QueryResult> {
  // a cursor takes one statement that reads, and nothing else; with values the server takes one statement at a time
  await client.query({ text: `${CURSOR}${sql}`, values: [], queryMode: 'extended' } as { text: string });
  const rows: Cell[][] = [];
  let columns: string[] = [];
  let size = 0;
  for (;;) {
    const wanted = Math.min(FETCHED, maxRows + 1 - rows.length);
    const batch = await client.query({ text: `fetch forward ${String(wanted)} from answer`, rowMode: 'array', types: TYPES }) as CellRows;
    columns = batch.fields.map(({ name }) => name);
    for (const row of batch.rows) size += row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 8), 0);
    if (size > MAX_ANSWER) throw answerTooLarge();
    rows.push(...batch.rows);
    if (rows.length > maxRows) return { columns, rows: rows.slice(0, maxRows), truncated: true };
    if (batch.rows.length < wanted) return { columns, rows, truncated: false };
  }
}
