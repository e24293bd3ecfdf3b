import type { Cell, Row, Sql } from './database.ts';

/** A person asked that a run ends. */
export interface RunCancel {
  /** ISO 8601. */
  at: string;
  /** "anna@desk". */
  by: string;
  /** In that person's own words; empty when there are none. */
  reason: string;
}

/** What is kept of a run so that it can be taken up again, stopped from elsewhere, or repeated. Never a secret. */
export interface RunControl {
  run: string;
  /** What the command line asked for, as JSON: the program that wrote it understands it. */
  request: unknown;
  /** The process that controls or controlled it, as JSON. */
  holder: unknown;
  /** When that process was last heard of, ISO 8601. */
  heardAt: string;
  cancel: RunCancel | undefined;
}

/** Keeps what a run was asked for; a run that is taken up again gets another process, and what was asked of the old one is forgotten. */
export async function saveRunControl(sql: Sql, { run, request, holder, heardAt }: Omit<RunControl, 'cancel'>): Promise<void> {
  await sql.insert('run_control', [{ run, request: JSON.stringify(request), holder: JSON.stringify(holder), heard_at: heardAt, cancelled_at: null, cancelled_by: null, cancel_reason: null }],
    `on conflict (run) do update set request = excluded.request, holder = excluded.holder, heard_at = excluded.heard_at, cancelled_at = null, cancelled_by = null, cancel_reason = null`);
}

/** Writes down that the process of a run lives. @returns who wants the run to end, if anybody does */
export async function touchRun(sql: Sql, run: string, now: Date): Promise<RunCancel | undefined> {
  await sql.run('update run_control set heard_at = $at where run = $run', { at: now.toISOString(), run });
  return (await readRunControls(sql, [run]))[0]?.cancel;
}

/** @returns false when nothing is kept of that run */
export async function requestCancel(sql: Sql, run: string, { at, by, reason }: RunCancel): Promise<boolean> {
  return (await sql.run('update run_control set cancelled_at = $at, cancelled_by = $by, cancel_reason = $reason where run = $run', { at, by, reason, run })) > 0;
}

export async function readRunControls(sql: Sql, runs: readonly string[]): Promise<RunControl[]> {
  const rows = await sql.all(`select * from run_control where run in ${sql.dialect.listed('$runs')}`, { runs: JSON.stringify(runs) });
  return rows.map((row) => ({ run: String(row.run), request: JSON.parse(String(row.request)) as unknown, holder: JSON.parse(String(row.holder)) as unknown, heardAt: String(row.heard_at), cancel: cancelOf(row) }));
}

function cancelOf(row: Row): RunCancel | undefined {
  const text = (cell: Cell | undefined): string => (cell === null || cell === undefined ? '' : String(cell));
  return row.cancelled_at === null || row.cancelled_at === undefined ? undefined : { at: String(row.cancelled_at), by: text(row.cancelled_by), reason: text(row.cancel_reason) };
}

/** Ids of runs that begin with these letters, or whose last part does; the newest first. */
export async function findRuns(sql: Sql, start: string, limit: number): Promise<string[]> {
  const rows = await sql.all(`select id from run where substr(id, 1, length($start)) = $start or (length($start) <= 6 and substr(id, 17, length($start)) = $start)
    order by started_at desc, id desc limit $limit`, { start, limit });
  return rows.map(({ id }) => String(id));
}

/**
 * A run is taken up again: hosts that were lost, stopped or left in the middle are under way, and only what they themselves told counts.
 * Belongs inside the transaction that stores the event.
 * @param controlSeq numbers from here on belong to events that the control host told about a host
 */
export async function reopenRun(sql: Sql, run: string, controlSeq: number): Promise<void> {
  await sql.run('update run set finished_at = null, exit_code = null, duration_ms = null where id = $run', { run });
  const count = (condition: string): string => `(select count(*) from task_result t where t.run = run_host.run and t.host = run_host.host and t.seq < $seq and ${condition})`;
  await sql.run(`update run_host set status = 'running', error = null, unreachable = 0, failed = ${count("t.outcome = 'failed' and t.ignored = 0")}, refused = ${count("t.outcome = 'refused'")}
    where run = $run and (status in ('unreachable', 'stopped', 'running') or exists (select 1 from task_result c where c.run = run_host.run and c.host = run_host.host and c.seq >= $seq))`, { run, seq: controlSeq });
}
