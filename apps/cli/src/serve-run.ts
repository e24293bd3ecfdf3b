import { HsmfleetError, type CheckCounts, type RunEvent } from '@hsmfleet/contract';
import type { ScheduledRun } from '@hsmfleet/scheduler';
import { openStore, type Store } from '@hsmfleet/store';
import { executePlaybook } from './execute-playbook.ts';
import { performCheck } from './perform-check.ts';
import type { ServeSchedule } from './serve-configuration.ts';
import type { Log } from './serve-log.ts';
import { databaseUrl, openWorkerPool, type WorkerPool } from './worker-pool.ts';

/** How a schedule's turn ends that did its work. Everything else is a failure of the turn itself. */
export const OUTCOMES = ['pass', 'findings', 'errors', 'unreachable'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface RunDependencies {
  /** Of the store. */
  location: string;
  log: Log;
  /** Who reaches the hosts; this process when absent. */
  workers: { project: string } | undefined;
  /** A host failed, or could not be reached. */
  onAgentError(code: string): void;
  /** Something that people are to be told may be waiting. */
  onRecorded(): void;
}

/**
 * Does what a schedule is for. Each turn has a connection to the store of its own: one on which writing failed writes nothing
 * any more, and the next turn should.
 * @throws HsmfleetError, HsmfleetErrors when it could not be done, also because of the signal
 */
export async function runSchedule(run: ScheduledRun<ServeSchedule>, signal: AbortSignal, dependencies: RunDependencies): Promise<Outcome> {
  const { location, workers } = dependencies;
  const store = await openStore(location);
  let pool: WorkerPool | undefined;
  try {
    const { work } = run.schedule;
    if (workers !== undefined) pool = await openWorkerPool({ project: workers.project, live: false, url: databaseUrl(location) });
    const outcome = await (work.kind === 'profile' ? check(run, work.profile, store, signal, dependencies, pool) : dryRun(run, work.playbook, store, signal, dependencies, pool));
    await store.flush();
    const problem = store.problem();
    if (problem !== undefined) throw problem;
    await store.prune();
    return outcome;
  } finally {
    await pool?.close();
    await store.close();
  }
}

async function check(run: ScheduledRun<ServeSchedule>, profile: string, store: Store, signal: AbortSignal, { log, onAgentError, onRecorded }: RunDependencies, pool: WorkerPool | undefined): Promise<Outcome> {
  const { id, schedule, reason } = run;
  // the process may have been killed after the check was recorded: then there is nothing to make up for
  const recorded = reason === 'cut off' ? await store.check(id) : undefined;
  if (recorded !== undefined) return outcomeOf(recorded.counts);
  const { report } = await performCheck({
    profile, fleet: schedule.fleet, pattern: schedule.pattern, schedule: schedule.name, id, evidence: schedule.evidence, store, sinks: schedule.sinks, signal, gather: pool?.gather,
    // the scheduler's signal comes at the same time, but a check that knows of it beforehand can still say what it has
    timeoutMs: Math.max(1_000, schedule.timeoutMs - Math.min(15_000, schedule.timeoutMs / 4)),
    onEvent: (event) => { countError(event, onAgentError); },
    onNote: (text) => { log('warning', text.replace(/^warning: /, ''), { schedule: schedule.name, run: id }); },
  });
  onRecorded();
  return outcomeOf(report.counts);
}

async function dryRun({ id, schedule }: ScheduledRun<ServeSchedule>, playbook: string, store: Store, signal: AbortSignal, { log, onAgentError }: RunDependencies, pool: WorkerPool | undefined): Promise<Outcome> {
  const { summary } = await executePlaybook({
    playbook, fleet: schedule.fleet, limit: schedule.pattern, check: true, diff: true, store, run: id, signal, workers: pool?.engage,
    onEvent: (event) => { countError(event, onAgentError); },
    onNote: (text) => { log('warning', text.replace(/^warning: /, ''), { schedule: schedule.name, run: id }); },
  });
  if (signal.aborted) throw new HsmfleetError('TIMEOUT', 'it was told to stop: every host ended the task that it was at');
  const counts = Object.values(summary.counts);
  if (counts.some(({ failed, refused }) => failed + refused > 0)) return 'errors';
  if (counts.some(({ changed }) => changed > 0)) return 'findings';
  return counts.some(({ unreachable }) => unreachable > 0) ? 'unreachable' : 'pass';
}

function outcomeOf({ fail, error, unreachable }: CheckCounts): Outcome {
  if (fail > 0) return 'findings';
  if (error > 0) return 'errors';
  return unreachable > 0 ? 'unreachable' : 'pass';
}

function countError(event: RunEvent, onAgentError: (code: string) => void): void {
  if (event.type === 'host_unreachable') onAgentError(event.error.code);
  else if (event.type === 'task_finished' && event.error !== undefined && !event.ignored && event.rescued !== true) onAgentError(event.error.code);
}
