import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '@hsmfleet/contract';
import { createColors, printable, printableJson, wantsColor, type Colors } from '@hsmfleet/reporter';
import { openStore } from '@hsmfleet/store';
import { findRun } from '../find-run.ts';
import { isHeld } from '../run-control.ts';

/** Milliseconds between two looks at a run that goes on. */
const LOOK_MS = 300;
const PAGE = 2_000;

export interface LogRunOptions {
  host?: string[];
  follow?: true;
  json?: true;
}

/**
 * Prints the events of a run in the order in which they were stored; with `follow` until it ends, or the process that controls
 * it is gone.
 * @returns 0
 * @throws HsmfleetError USAGE, STORE
 */
export async function logRun(given: string, { host, follow, json }: LogRunOptions): Promise<number> {
  const store = await openStore();
  try {
    const { id } = await findRun(store, given);
    const colors = createColors(wantsColor(process.stdout));
    for (let after = '0', over = false; ;) {
      const page = await store.runEvents(id, after, { limit: PAGE, ...(host === undefined ? {} : { hosts: ['', ...host] }) });
      after = page.at(-1)?.position ?? after;
      for (const { event } of page) {
        const line = json === true ? printableJson(event) : lineOf(event, colors);
        if (line !== undefined) process.stdout.write(`${line}\n`);
      }
      if (page.length === PAGE) continue;
      if (follow !== true || over) return 0;
      const [control] = await store.runControls([id]);
      // its last events may have been stored since the look before
      over = (await store.run(id))?.finishedAt !== undefined || control === undefined || !isHeld(control);
      if (!over) await sleep(LOOK_MS);
    }
  } finally {
    await store.close();
  }
}

/** An event as a person reads it; undefined for what is of no interest there. */
function lineOf(event: RunEvent, colors: Colors): string | undefined {
  const text = words(event, colors);
  if (text === undefined) return undefined;
  return `${colors.dim(event.at.slice(11, 23))} ${event.host === '' ? '' : `[${printable(event.host)}] `}${text}`;
}

function words(event: RunEvent, colors: Colors): string | undefined {
  switch (event.type) {
    case 'run_started': return colors.bold(`${printable(event.user)} runs ${printable(event.playbook)}${event.check ? ' in check mode' : ''} on ${String(event.hosts.length)} hosts`);
    case 'run_resumed': return colors.bold(`${printable(event.user)} takes the run up again`);
    case 'play_started': return colors.bold(`play "${printable(event.name)}"`);
    case 'batch_started': return event.of === 1 ? undefined : `batch ${String(event.batch + 1)} of ${String(event.of)}: ${event.hosts.map(printable).join(' ')}`;
    case 'host_started': return `reached: agent ${printable(event.agent)}, node ${printable(event.node)}${event.uploaded.length === 0 ? '' : `, sent ${event.uploaded.map(printable).join(', ')}`}`;
    case 'task_finished': {
      const failed = event.outcome === 'failed' || event.outcome === 'refused';
      const why = event.error?.message ?? (event.changes.length > 0 ? event.changes.join('; ') : event.message ?? '');
      const told = `${event.outcome}${event.ignored ? ' (ignored)' : ''}: ${event.handler ? 'handler ' : ''}${printable(event.name === '' ? event.resource : event.name)}${why === '' ? '' : ` – ${printable(why)}`} (${String(Math.round(event.durationMs))} ms)`;
      return failed ? colors.red(told) : told;
    }
    case 'warning': return `${colors.magenta('warning:')} ${printable(event.message)}`;
    case 'progress': return colors.dim(printable(event.message));
    case 'host_finished': return event.status === 'ok' ? 'done' : colors.red(`${event.status}${event.error === undefined ? '' : `: ${printable(event.error.message)}`}`);
    case 'host_unreachable': return colors.red(`unreachable: ${printable(event.error.message)}`);
    case 'play_stopped': return colors.red(`play stopped: ${printable(event.reason)}`);
    case 'run_finished': return colors.bold(`ended with exit code ${String(event.exitCode)} after ${(event.durationMs / 1_000).toFixed(1)} s`);
    default: return undefined;
  }
}
