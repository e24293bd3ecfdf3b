import type { CheckCounts, CheckOutcome, CheckReport, CheckResult, StateChange } from '@hsmfleet/contract';
import type { Row, Sql } from './database.ts';
import { errorText } from './error-text.ts';
import { queue } from './notifications.ts';

/** A check without its results. */
export interface CheckSummary {
  id: string;
  schedule: string | null;
  profile: string;
  title: string;
  startedAt: string;
  finishedAt: string;
  counts: CheckCounts;
  /** How many hosts it was about. */
  hosts: number;
}

/** Stores a check, opens and resolves its findings, and queues what people are to be told. Belongs inside a transaction of the caller. */
export async function recordCheck(sql: Sql, report: CheckReport, changes: readonly StateChange[], sinks: readonly string[]): Promise<void> {
  const { id, schedule, profile, results, ...rest } = report;
  const of = { profile: profile.name, schedule };
  await sql.run('update check_run set latest = 0 where profile = $profile and coalesce(schedule, \'\') = coalesce($schedule, \'\') and latest = 1', of);
  await sql.insert('check_run', [{
    id, ...of, title: profile.title, file: profile.file, sha256: profile.sha256, started_by: report.user, version: report.version,
    started_at: report.startedAt, finished_at: report.finishedAt, hosts: report.hosts.length, ...report.counts, latest: 1,
    head: JSON.stringify({ id, schedule, profile, results: [], ...rest }),
  }]);
  const severities = new Map(report.controls.map((control) => [control.id, control.severity]));
  await sql.insert('check_result', results.map((result, seq) => resultRow(id, seq, severities.get(result.control) ?? 'low', result)));
  await recordFindings(sql, report, severities);
  await queue(sql, changes, sinks);
}

function resultRow(checkId: string, seq: number, severity: string, result: CheckResult): Row {
  const { waiver } = result;
  return {
    check_id: checkId, control: result.control, host: result.host, seq, severity, outcome: result.outcome, evidence: result.evidence, evidence_at: result.evidenceAt,
    findings: result.findings.length, error: errorText(result.error), waiver_reason: waiver?.reason ?? null, waiver_owner: waiver?.owner ?? null,
    waiver_until: waiver?.until ?? null, waiver_expired: waiver === null ? null : Number(waiver.expired), result: JSON.stringify(result),
  };
}

/**
 * A finding is resolved when its control was judged again on its host without it, when the profile has no such control any
 * more, or when its host has left what the schedule checks. Hosts that could not be judged keep theirs.
 */
async function recordFindings(sql: Sql, report: CheckReport, severities: ReadonlyMap<string, string>): Promise<void> {
  const of = { profile: report.profile.name, schedule: report.schedule ?? '' };
  const open = await sql.all('select key, host, control, first_seen_at from finding where profile = $profile and schedule = $schedule and resolved_at is null', of);
  const known = new Map(open.map((row) => [String(row.key), row]));
  const fresh = new Map<string, Row>();
  const at = report.finishedAt;
  for (const { control, host, outcome, findings } of report.results) {
    for (const { key, message, row } of findings) {
      const cells = { severity: severities.get(control) ?? 'low', waived: Number(outcome === 'waived'), message, row: JSON.stringify(row), last_check: report.id, last_seen_at: at };
      if (known.delete(key)) {
        await sql.run(`update finding set severity = $severity, waived = $waived, message = $message, row = $row, last_check = $last_check, last_seen_at = $last_seen_at
          where profile = $profile and schedule = $schedule and key = $key and resolved_at is null`, { ...of, key, ...cells });
      } else if (!fresh.has(key)) {
        fresh.set(key, { ...of, key, host, control, first_check: report.id, first_seen_at: at, resolved_at: null, ...cells });
      }
    }
  }
  await sql.insert('finding', [...fresh.values()]);
  const judged = new Set(report.results.filter(({ outcome }) => outcome !== 'error' && outcome !== 'unreachable').map(({ control, host }) => `${control}\0${host}`));
  const hosts = new Set(report.hosts);
  for (const [key, { control, host }] of known) {
    const gone = !severities.has(String(control)) || (report.schedule !== null && !hosts.has(String(host)));
    if (!gone && !judged.has(`${String(control)}\0${String(host)}`)) continue;
    await sql.run('update finding set resolved_at = $at where profile = $profile and schedule = $schedule and key = $key and resolved_at is null', { ...of, key, at });
  }
}

/** A check with everything that it found; undefined when there is none with that id, or its results were pruned. */
export async function readCheck(sql: Sql, id: string): Promise<CheckReport | undefined> {
  const [row] = await sql.all('select head from check_run where id = $id', { id });
  if (row === undefined) return undefined;
  const head = JSON.parse(String(row.head)) as CheckReport;
  const results = await sql.all('select result from check_result where check_id = $id order by seq', { id });
  return { ...head, results: results.map(({ result }) => JSON.parse(String(result)) as CheckResult) };
}

/** A check without its results; undefined when there is none with that id. */
export async function readCheckHead(sql: Sql, id: string): Promise<CheckReport | undefined> {
  const [row] = await sql.all('select head from check_run where id = $id', { id });
  return row === undefined ? undefined : (JSON.parse(String(row.head)) as CheckReport);
}

/** Which results of a check are wanted, and which part of them. */
export interface ResultFilter {
  outcomes?: readonly CheckOutcome[] | undefined;
  control?: string | undefined;
  host?: string | undefined;
  limit: number;
  offset: number;
}

/** Results of a check, the worst first: by outcome, then by severity. */
export async function readCheckResults(sql: Sql, id: string, filter: ResultFilter): Promise<{ total: number; results: CheckResult[] }> {
  const params: Row = { id, limit: filter.limit, offset: filter.offset };
  const conditions = ['check_id = $id'];
  for (const column of ['control', 'host'] as const) {
    const value = filter[column];
    if (value === undefined) continue;
    conditions.push(`${column} = $${column}`);
    params[column] = value;
  }
  if (filter.outcomes !== undefined) {
    conditions.push(`outcome in (${filter.outcomes.map((_, index) => `$outcome${String(index)}`).join(', ')})`);
    for (const [index, outcome] of filter.outcomes.entries()) params[`outcome${String(index)}`] = outcome;
  }
  const from = `from check_result where ${conditions.join(' and ')}`;
  const [counted] = await sql.all(`select count(*) as total ${from}`, params);
  const rows = await sql.all(`select result ${from} order by ${rankOf('outcome', OUTCOMES)}, ${rankOf('severity', SEVERITIES)}, control, host limit $limit offset $offset`, params);
  return { total: Number(counted?.total), results: rows.map(({ result }) => JSON.parse(String(result)) as CheckResult) };
}

const OUTCOMES = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];
const SEVERITIES = ['critical', 'high', 'medium', 'low'];

function rankOf(column: string, words: readonly string[]): string {
  return `case ${column} ${words.map((word, rank) => `when '${word}' then ${String(rank)}`).join(' ')} end`;
}

/** The last check of a schedule (null: by hand) and profile. */
export async function readLastCheck(sql: Sql, { schedule, profile }: { schedule: string | null; profile: string }): Promise<CheckReport | undefined> {
  const [row] = await sql.all(`select id from check_run where profile = $profile and coalesce(schedule, '') = $schedule and latest = 1`, { profile, schedule: schedule ?? '' });
  return row === undefined ? undefined : readCheck(sql, String(row.id));
}

/** The newest checks; of one schedule when it is named. */
export async function readChecks(sql: Sql, { limit = 20, offset = 0, schedule }: { limit?: number; offset?: number; schedule?: string }): Promise<CheckSummary[]> {
  const rows = await sql.all('select * from check_run where $schedule is null or schedule = $schedule order by finished_at desc, id desc limit $limit offset $offset', { schedule: schedule ?? null, limit, offset });
  return rows.map((row) => ({
    id: String(row.id), schedule: row.schedule as string | null, profile: String(row.profile), title: String(row.title), startedAt: String(row.started_at),
    finishedAt: String(row.finished_at), hosts: Number(row.hosts),
    counts: {
      pass: Number(row.pass), fail: Number(row.fail), waived: Number(row.waived), error: Number(row.error), unreachable: Number(row.unreachable),
      not_applicable: Number(row.not_applicable),
    },
  }));
}
