import { createColors, formatTable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { openStore, type RunControl, type RunSummaryRow } from '@hsmfleet/store';
import { countOption } from '../count-option.ts';
import { isHeld, type KeptRequest } from '../run-control.ts';

const COLUMNS = ['run', 'started', 'by', 'playbook', 'outcome', 'hosts', 'changed', 'failed'];

/**
 * Prints the newest runs.
 * @returns 0
 * @throws HsmfleetError USAGE, STORE
 */
export async function listRuns({ limit, json }: { limit: string; json?: true }): Promise<number> {
  const store = await openStore();
  try {
    const runs = await store.runs(countOption('--limit', limit));
    const controls = new Map((await store.runControls(runs.map(({ id }) => id))).map((control) => [control.run, control]));
    if (json === true) {
      process.stdout.write(`${printableJson(runs.map((run) => ({ ...run, outcome: outcomeOf(run, controls.get(run.id)), retryOf: (controls.get(run.id)?.request as KeptRequest | undefined)?.retryOf ?? null })))}\n`);
      return 0;
    }
    if (runs.length === 0) process.stderr.write('there is no run yet: hsmfleet apply makes one\n');
    else process.stdout.write(formatTable(COLUMNS, runs.map((run) => [run.id, run.startedAt.slice(0, 19).replace('T', ' '), run.user, `${run.playbook}${run.check ? ' (check)' : ''}`, outcomeOf(run, controls.get(run.id)), run.hosts, run.changed, run.failed]), createColors(wantsColor(process.stdout))));
    return 0;
  } finally {
    await store.close();
  }
}

/** How a run ended, in words. */
export function outcomeOf({ finishedAt, exitCode }: Pick<RunSummaryRow, 'finishedAt' | 'exitCode'>, control: RunControl | undefined): string {
  if (finishedAt === undefined) return control !== undefined && isHeld(control) ? (control.cancel === undefined ? 'running' : 'stopping') : 'cut off';
  if (control?.cancel !== undefined) return `stopped by ${control.cancel.by}`;
  switch (exitCode) {
    case 0: return 'ok';
    case 2: return 'failed';
    case 4: return 'unreachable';
    case 6: return 'failed, unreachable';
    default: return `exit code ${String(exitCode)}`;
  }
}
