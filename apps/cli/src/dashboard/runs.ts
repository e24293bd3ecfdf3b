import type { RunSummaryRow } from '@hsmfleet/store';
import type { RunDetail, RunHost, RunHostDetail, RunList, RunStatus, RunSummary, TaskRow } from '@hsmfleet/web-api';
import { count, number, text, type ViewRow } from './cells.ts';
import type { DataStore } from './data-store.ts';
import { offsetOf, pageOf } from './page.ts';

/** A run without an end whose last event is older than this was cut off, milliseconds. */
const SILENT_MS = 30 * 60_000;

/** GET /runs */
export async function readRuns(store: DataStore, limit: number, after: string | undefined): Promise<RunList> {
  const offset = offsetOf(after);
  return pageOf((await store.runs(limit, offset)).map(summaryOf), await store.runCount(), offset);
}

/** GET /runs/:run */
export async function readRun(store: DataStore, id: string, now: Date): Promise<RunDetail | undefined> {
  const run = await store.run(id);
  if (run === undefined) return undefined;
  const rows = await store.read('select * from runs where run = $run order by host', { run: id });
  const [first] = rows;
  const last = rows.map(({ collected_at: at }) => String(at)).sort().at(-1) ?? run.startedAt;
  return {
    run: summaryOf(run), version: text(first?.version) ?? '', durationMs: number(first?.duration_ms),
    live: run.finishedAt === undefined && now.getTime() - Date.parse(last) < SILENT_MS, hosts: rows.map(runHostOf),
  };
}

/** GET /runs/:run/hosts/:host */
export async function readRunHost(store: DataStore, id: string, host: string): Promise<RunHostDetail | undefined> {
  const run = await store.run(id);
  const [row] = await store.read('select * from runs where run = $run and host = $host', { run: id, host });
  if (run === undefined || row === undefined) return undefined;
  const events = await store.runEvents(id, undefined, { hosts: [host] });
  const tasks = events.flatMap(({ event }): TaskRow[] => {
    if (event.type !== 'task_finished') return [];
    const { task, name, resource, handler, outcome, ignored, at, durationMs, changes, diffs } = event;
    return [{
      task, name, resource, handler, outcome, ignored, at, durationMs, changes, diffs,
      message: event.message ?? null, error: event.error ?? null, position: event.position ?? null,
    }];
  });
  return { run: summaryOf(run), host: runHostOf(row), tasks };
}

/** A run as the API tells of it. */
export function summaryOf({ finishedAt, exitCode, ...run }: RunSummaryRow): RunSummary {
  return { ...run, finishedAt: finishedAt ?? null, exitCode: exitCode ?? null };
}

function runHostOf(row: ViewRow): RunHost {
  return {
    host: String(row.host), status: String(row.status) as RunStatus, error: text(row.error), ok: count(row.ok), changed: count(row.changed), skipped: count(row.skipped),
    failed: count(row.failed), refused: count(row.refused), ignored: count(row.ignored), lastEventAt: String(row.collected_at),
  };
}
