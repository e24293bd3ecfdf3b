import { resolve } from 'node:path';
import { createReporter, wantsColor } from '@hsmfleet/reporter';
import { openStore } from '@hsmfleet/store';
import { ADHOC_FILE, tellAdhoc, type AdhocPlay } from './adhoc-play.ts';
import { AdhocPrinter } from './adhoc-printer.ts';
import { catchInterrupts } from './catch-interrupts.ts';
import { executePrepared, preparePlaybook, type ExecuteRequest } from './execute-playbook.ts';
import type { FleetOptions } from './fleet-options.ts';

/** One task on hosts, without a playbook. */
export interface AdhocRequest {
  play: AdhocPlay;
  fleet: FleetOptions;
  limit?: string | undefined;
  check: boolean;
  diff: boolean;
  /** Folder with group_vars and host_vars that count besides those of the hosts files. */
  playbookDir?: string | undefined;
  /** A program and what it writes, rather than a resource and what it comes to. */
  program: boolean;
}

/**
 * Runs a play of one task as a playbook would be run: the same checks, the same safety, the same history.
 * @returns the exit code
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function runAdhoc({ play, fleet, program, ...request }: AdhocRequest): Promise<number> {
  const store = await openStore();
  try {
    const events = fleet.json === true && !program;
    const view = { program, json: fleet.json === true, diff: request.diff, verbosity: fleet.verbose ?? 0, color: wantsColor(process.stdout) };
    const reporter = events
      ? createReporter({ format: 'ndjson', stdout: process.stdout, stderr: process.stderr, color: false, verbosity: 0, diff: request.diff })
      : new AdhocPrinter(view);
    const note = (text: string): void => { process.stderr.write(`${text}\n`); };
    const interrupt = catchInterrupts(note);
    const playbook = resolve(ADHOC_FILE);
    const given: ExecuteRequest = {
      ...request, playbook, text: play.text, fleet, store, signal: interrupt.signal, onNote: note,
      onStart: interrupt.listen,
      onEvent(event) { reporter.event(event); },
    };
    const prepared = await preparePlaybook(given).catch((thrown: unknown) => { throw tellAdhoc(thrown, play, playbook); });
    const { summary, cancelled } = await executePrepared(prepared).finally(() => { interrupt.release(); });
    reporter.finish();
    await store.flush();
    const problem = store.problem();
    if (problem === undefined) await store.prune();
    else note(`warning: the history of this run is incomplete: ${problem.message}`);
    return interrupt.signal.aborted || cancelled ? 130 : summary.exitCode;
  } finally {
    await store.close();
  }
}
