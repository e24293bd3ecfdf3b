import type { StateChange } from '@hsmfleet/contract';
import type { Sql } from './database.ts';

/** Something that a sink is to be told, and was not told yet. */
export interface PendingNotification {
  id: number;
  sink: string;
  change: StateChange;
  /** How often it was tried. */
  attempts: number;
  queuedAt: string;
}

/** How a try to deliver ended. `retryAt` null: given up. */
export type DeliveryResult = { ok: true } | { ok: false; error: string; retryAt: string | null };

/** Queues changes, once for each sink. */
export async function queue(sql: Sql, changes: readonly StateChange[], sinks: readonly string[]): Promise<void> {
  await sql.insert('notification', changes.flatMap((change) => sinks.map((sink) => ({
    sink, kind: change.kind, host: change.host, control: change.control, severity: change.severity, title: change.title, change: JSON.stringify(change),
    queued_at: change.at, attempts: 0,
  }))));
}

/** What is due, the oldest first. */
export async function readPending(sql: Sql, now: Date, limit = 500): Promise<PendingNotification[]> {
  const rows = await sql.all(`select * from notification where sent_at is null and given_up_at is null and (next_at is null or next_at <= $now)
    order by id limit $limit`, { now: now.toISOString(), limit });
  return rows.map((row) => ({
    id: Number(row.id), sink: String(row.sink), change: JSON.parse(String(row.change)) as StateChange, attempts: Number(row.attempts), queuedAt: String(row.queued_at),
  }));
}

/** Notes how a try went. Those that were settled for good stay as they are. */
export async function settle(sql: Sql, ids: readonly number[], result: DeliveryResult, now: Date): Promise<void> {
  const at = now.toISOString();
  const cells = result.ok
    ? { sent_at: at, next_at: null, given_up_at: null, error: null }
    : { sent_at: null, next_at: result.retryAt, given_up_at: result.retryAt === null ? at : null, error: result.error };
  for (const id of ids) {
    await sql.run(`update notification set attempts = attempts + 1, sent_at = $sent_at, next_at = $next_at, given_up_at = $given_up_at, error = $error
      where id = $id and sent_at is null and given_up_at is null`, { ...cells, id });
  }
}
