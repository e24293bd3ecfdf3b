import type { Sql } from './database.ts';

/** Runs whose every event and task result is kept; of older ones the row per host stays. */
export const KEPT_RUNS = 200;
/** Inventory snapshots kept per host. */
export const KEPT_SNAPSHOTS = 50;

/** Drops what is older than the limits above. Belongs inside a transaction of the caller. */
export async function prune(sql: Sql): Promise<void> {
  const [oldest] = await sql.all('select started_at from run order by started_at desc limit 1 offset $kept', { kept: KEPT_RUNS - 1 });
  if (oldest !== undefined) {
    for (const table of ['event', 'task_result', 'custody_proof']) {
      await sql.run(`delete from ${table} where run in (select id from run where started_at < $oldest)`, { oldest: String(oldest.started_at) });
    }
  }
  await sql.run(`delete from snapshot where id in (
    select id from (select id, row_number() over (partition by host order by at desc) as age from snapshot) as aged where age > $kept)`, { kept: KEPT_SNAPSHOTS });
}
