import type { RunEvent } from '@hsmfleet/contract';
import { createReporter, wantsColor, type Reporter } from '@hsmfleet/reporter';
import { openStore, type Store } from '@hsmfleet/store';
import { catchInterrupts } from './catch-interrupts.ts';
import { confirmTasks } from './confirm-task.ts';
import { executePlaybook, type EngageWorkers, type ExecuteRequest, type PlaybookRequest } from './execute-playbook.ts';

/** A playbook to run, as the command line gives it. */
export interface RunRequest extends PlaybookRequest {
  /** Where results go; standard output when absent. */
  results?: NodeJS.WritableStream & { isTTY?: boolean };
  /** Has workers run the hosts. */
  workers?: EngageWorkers | undefined;
  /** The store to use, which the caller closes; one of its own when absent. */
  store?: Store | undefined;
  /** Id of the run; a new one when absent. */
  run?: string | undefined;
  /** Asks a person before each task. */
  step?: boolean;
  yes?: boolean | undefined;
  keep?: ExecuteRequest['keep'];
  resume?: ExecuteRequest['resume'];
  /** What else is to be done with the hosts, events and the store of the run, after it. */
  afterwards?: (run: FinishedRun) => Promise<void> | void;
}

export interface FinishedRun {
  store: Store;
  /** Hosts of all plays, in order. */
  hosts: string[];
  events: readonly RunEvent[];
}

/**
 * Runs a playbook on its hosts, prints and stores what happens.
 * @returns the exit code
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function runPlaybook(request: RunRequest): Promise<number> {
  const store = request.store ?? (await openStore());
  try {
    const reporter = reporterFor(request);
    const interrupt = catchInterrupts((text) => { reporter.note(text); });
    const events: RunEvent[] = [];
    const { hosts, summary, cancelled } = await executePlaybook({
      ...request, store, signal: interrupt.signal,
      ...(request.step === true ? { confirm: confirmTasks() } : {}),
      onStart: interrupt.listen,
      onNote(text) { reporter.note(text); },
      onEvent(event) {
        reporter.event(event);
        if (request.afterwards !== undefined) events.push(event);
      },
    }).finally(() => { interrupt.release(); });
    reporter.finish();
    await finish(store, reporter, request, { hosts, events });
    return interrupt.signal.aborted || cancelled ? 130 : summary.exitCode;
  } finally {
    if (request.store === undefined) await store.close();
  }
}

function reporterFor({ fleet, diff, step, results = process.stdout }: RunRequest): Reporter {
  // a line that is drawn again and again would wipe out the questions
  const live = step !== true && process.stderr.isTTY && process.env.TERM !== 'dumb' && process.env.CI === undefined;
  return createReporter({
    format: fleet.json === true ? 'ndjson' : live ? 'live' : 'plain',
    stdout: fleet.json === true ? process.stdout : results, stderr: process.stderr,
    color: wantsColor(results), verbosity: fleet.verbose ?? 0, diff,
  });
}

async function finish(store: Store, reporter: Reporter, request: RunRequest, run: Omit<FinishedRun, 'store'>): Promise<void> {
  await store.flush();
  const problem = store.problem();
  if (problem !== undefined) reporter.note(`warning: the history of this run is incomplete: ${problem.message}`);
  else await store.prune();
  await request.afterwards?.({ ...run, store });
}
