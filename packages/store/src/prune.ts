import type { Sql } from './database.ts';
import { HISTORY_KINDS } from './inventory/index.ts';
import { tableOf } from './inventory/kind.ts';

/** Runs of a playbook whose every event and task result is kept; of older ones the row per host stays. Dry runs count for themselves. */
export const KEPT_RUNS = 200;
/** Checks of a schedule and profile whose every result is kept; of older ones the counts stay. */
export const KEPT_CHECKS = 100;
/** Days for which every inventory snapshot is counted; of older ones the last of each day. */
export const KEPT_DAYS_IN_FULL = 30;
/** Days after which what is over is forgotten: rows that ended, runs, checks, resolved findings, notifications. */
export const KEPT_DAYS = 400;

/** How often what is bounded by age is looked at, hours. */
const AGED_EVERY_HOURS = 12;

/** Drops what is beyond the limits above. Belongs inside a transaction of the caller. */
export async function prune(sql: Sql, now: Date): Promise<void> {
  const runs = `select id from (select id, row_number() over (partition by playbook, check_mode order by started_at desc, id desc) as age from run) as aged where age > ${String(KEPT_RUNS)}`;
  for (const table of ['event', 'task_result', 'custody_proof']) await sql.run(`delete from ${table} where run in (${runs})`);
  await sql.run(`delete from check_result where check_id in (select id from (
    select id, row_number() over (partition by profile, coalesce(schedule, '') order by finished_at desc, id desc) as age from check_run) as aged where age > ${String(KEPT_CHECKS)})`);
  const due = before(now, AGED_EVERY_HOURS / 24);
  const [last] = await sql.all("select done_at from upkeep where name = 'age'");
  if (last !== undefined && String(last.done_at) > due) return;
  await pruneByAge(sql, now);
  await sql.insert('upkeep', [{ name: 'age', done_at: now.toISOString() }], 'on conflict (name) do update set done_at = excluded.done_at');
}

async function pruneByAge(sql: Sql, now: Date): Promise<void> {
  const old = before(now, KEPT_DAYS);
  for (const kind of HISTORY_KINDS) await sql.run(`delete from ${tableOf(kind)} where to_at < $old`, { old });
  await sql.run(`delete from collection where at < $full and exists (
    select 1 from collection later where later.host = collection.host and later.at > collection.at
      and (substr(later.at, 1, 10) = substr(collection.at, 1, 10) or later.at < $old))`, { full: before(now, KEPT_DAYS_IN_FULL), old });
  for (const table of ['event', 'task_result', 'custody_proof', 'run_host', 'run_control']) await sql.run(`delete from ${table} where run in (select id from run where started_at < $old)`, { old });
  await sql.run('delete from run where started_at < $old', { old });
  await sql.run('delete from check_result where check_id in (select id from check_run where finished_at < $old and latest = 0)', { old });
  await sql.run('delete from check_run where finished_at < $old and latest = 0', { old });
  await sql.run('delete from finding where resolved_at < $old', { old });
  await sql.run('delete from notification where sent_at < $old or given_up_at < $old', { old });
}

function before(now: Date, days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString();
}
