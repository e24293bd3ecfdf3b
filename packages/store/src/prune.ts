import type { DatabaseSync } from 'node:sqlite';

/** Runs whose every event and task result is kept; of older ones the row per host stays. */
export const KEPT_RUNS = 200;
/** Inventory snapshots kept per host. */
export const KEPT_SNAPSHOTS = 50;

/** Drops what is older than the limits above. Belongs inside a transaction of the caller. */
export function prune(database: DatabaseSync): void {
  const oldest = database.prepare('select started_at from run order by started_at desc limit 1 offset ?').get(KEPT_RUNS - 1);
  if (oldest !== undefined) {
    for (const table of ['event', 'task_result', 'custody_proof']) {
      database.prepare(`delete from ${table} where run in (select id from run where started_at < ?)`).run(String(oldest.started_at));
    }
  }
  database.exec(`delete from snapshot where id in (
    select id from (select id, row_number() over (partition by host order by at desc) as age from snapshot) where age > ${String(KEPT_SNAPSHOTS)})`);
}
