import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureSite, type LoadCommand, type LoadEnd } from '@hsmfleet/benchmark';
import type { ExecuteContext, MeasureSite, StepResult } from '@hsmfleet/resource';
import type { Accounts } from '../accounts.ts';
import { runCommand } from '../command.ts';
import { performHandshake } from '../network.ts';

/** Measures a site from this host. Nothing of it fails: what went wrong is in the points. */
export async function measureSiteStep(step: MeasureSite, loadClient: readonly string[], accounts: Accounts, context: ExecuteContext): Promise<StepResult> {
  const startedAt = new Date();
  const points = await measureSite(step, {
    probe: performHandshake,
    run: (command, deadlineMs) => runLoad(command, deadlineMs, accounts),
    loadClient,
    root: process.getuid?.() === 0,
    sleep: (ms) => sleep(ms),
    now: () => Date.now(),
    measured: (point) => { context.measured(point); },
    stopped: () => context.signal?.aborted === true,
  });
  return { step, points, startedAt: startedAt.toISOString(), durationMs: Date.now() - startedAt.getTime() };
}

async function runLoad(command: LoadCommand, deadlineMs: number, accounts: Accounts): Promise<LoadEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'hsmfleet-load-'));
  try {
    await chmod(folder, 0o700);
    for (const [name, text] of Object.entries(command.files)) await writeFile(join(folder, name), text);
    const fill = (word: string): string => word.replaceAll('{folder}', folder);
    return await runCommand(command.argv.map(fill), {
      timeoutMs: deadlineMs,
      cwd: folder,
      env: Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, fill(value)])),
      ...(command.stdin === undefined ? {} : { stdin: command.stdin }),
    }, accounts);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
