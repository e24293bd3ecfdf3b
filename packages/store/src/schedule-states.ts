import type { ScheduleState } from '@hsmfleet/contract';
import type { Cell, Sql } from './database.ts';

export async function readScheduleStates(sql: Sql): Promise<ScheduleState[]> {
  const rows = await sql.all('select * from schedule_state order by name');
  const text = (cell: Cell | undefined): string | null => (cell === undefined || cell === null ? null : String(cell));
  return rows.map((row) => ({
    name: String(row.name), lastDueAt: text(row.last_due_at), lastStartedAt: text(row.last_started_at), lastFinishedAt: text(row.last_finished_at),
    running: text(row.running), outcome: text(row.outcome), error: text(row.error),
  }));
}

export async function writeScheduleState(sql: Sql, state: ScheduleState): Promise<void> {
  await sql.insert('schedule_state', [{
    name: state.name, last_due_at: state.lastDueAt, last_started_at: state.lastStartedAt, last_finished_at: state.lastFinishedAt,
    running: state.running, outcome: state.outcome, error: state.error,
  }], `on conflict (name) do update set last_due_at = excluded.last_due_at, last_started_at = excluded.last_started_at, last_finished_at = excluded.last_finished_at,
    running = excluded.running, outcome = excluded.outcome, error = excluded.error`);
}
