import { HsmfleetError } from '@hsmfleet/contract';
import { openStore } from '@hsmfleet/store';
import type { RunRequest } from './run-playbook.ts';
import { retryRun, takeUpRun, type ApplyWords, type TakenUp } from './take-up-run.ts';

/**
 * `apply --resume` and `apply --retry`.
 * @param perform runs a playbook with options as they were parsed
 * @returns the exit code
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function takeUpPlaybook(
  playbook: string | undefined, options: ApplyWords,
  perform: (given: TakenUp, more: Pick<RunRequest, 'store' | 'run' | 'keep' | 'resume'>) => Promise<number>,
): Promise<number> {
  const { resume, retry } = options as { resume?: string; retry?: string };
  if (resume !== undefined && retry !== undefined) throw new HsmfleetError('USAGE', '--resume and --retry do not go together', { hint: '--resume ends the run first; --retry runs what failed again' });
  const store = await openStore();
  try {
    if (resume !== undefined) {
      const taken = await takeUpRun(store, resume, playbook, options);
      return await perform(taken, { store, run: taken.run, resume: taken.resume });
    }
    const { taken, run, unfinished } = await retryRun(store, retry ?? '', playbook, options);
    if (unfinished > 0) process.stderr.write(`${String(unfinished)} ${unfinished === 1 ? 'host' : 'hosts'} of run ${run} did not come to an end: hsmfleet apply --resume ${run} goes on there\n`);
    if (taken !== undefined) return await perform(taken, { store, keep: taken.keep });
    process.stderr.write(`no host of run ${run} failed, refused or was unreachable: there is nothing to run again\n`);
    return 0;
  } finally {
    await store.close();
  }
}
