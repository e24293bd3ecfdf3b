import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { measureSite, type LoadCommand, type LoadEnd } from '@hsmfleet/benchmark';
import { HsmfleetError, type RunEvent, type RunEventOf, type SiegePoint } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { createColors, pointText, printable, wantsColor } from '@hsmfleet/reporter';
import type { MeasureSite } from '@hsmfleet/resource';
import { probeSite } from '@hsmfleet/tls-load';
import type { FleetOptions } from './fleet-options.ts';
import { addressOf } from './list-hosts.ts';
import type { FinishedRun } from './run-playbook.ts';

/** Numbers of events that the control host adds after a run, beyond those of agents and of the run itself. */
const SEQ_BASE = 2_000_000_000;
const MAX_OUTPUT = 1024 * 1024;
/** Between SIGTERM, at which siege prints what it counted, and SIGKILL. */
const TERM_GRACE_MS = 2_000;

/** @throws HsmfleetError USAGE when siege is not on this machine */
export async function needSiege(): Promise<void> {
  const ended = await runLoad({ argv: ['siege', '--version'], env: { HOME: '{folder}' }, files: {} }, 5_000);
  if (ended.code === -1) throw new HsmfleetError('USAGE', 'siege is not installed here, and --from control needs it', { hint: 'install the package siege, or measure --from webserver, or --resumption resumed' });
}

/** Loads from here what hosts told that there is; one site after the other. Points are stored and printed as they come. */
export async function loadFromControl(run: FinishedRun, fleet: FleetOptions): Promise<SiegePoint[]> {
  const hosts = await loadHosts(fleet.hosts);
  const colors = createColors(wantsColor(process.stdout));
  const points: SiegePoint[] = [];
  for (const event of run.events.filter(isTold)) {
    const address = addressOf(event.host, hosts.find(event.host)?.vars ?? {}) ?? event.host;
    for (const site of (event.result as { sites: MeasureSite[] }).sites) {
      const measured = await measureSite({ ...site, target: { ...site.target, address } }, {
        probe: probeSite,
        run: runLoad,
        loadClient: [process.execPath, loadClient()],
        root: process.getuid?.() === 0,
        sleep: (ms) => sleep(ms),
        now: () => Date.now(),
        measured(found) {
          const told: RunEventOf<'benchmark'> = {
            type: 'benchmark', seq: SEQ_BASE + points.length, at: new Date().toISOString(), run: event.run, host: event.host, point: { ...found, host: event.host },
          };
          points.push(told.point as SiegePoint);
          run.store.appendEvent(told);
          process.stdout.write(fleet.json === true ? `${JSON.stringify(told)}\n` : `[${printable(event.host)}] ${pointText(told.point, colors)}\n`);
        },
      });
      if (measured.length === 0) process.stderr.write(`${printable(event.host)}: nothing to measure on ${printable(site.of.site)}\n`);
    }
  }
  run.store.flush();
  return points;
}

function isTold(event: RunEvent): event is RunEventOf<'task_finished'> {
  return event.type === 'task_finished' && event.resource === 'tls_benchmark' && typeof event.result === 'object' && event.result !== null && 'sites' in event.result;
}

/** Our own load client as a program: it lies next to this file, as source or, bundled, under the same name. */
function loadClient(): string {
  return fileURLToPath(new URL(`./tls-load.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url));
}

/** Runs a load program in a process group of its own, with its files in a private folder; all of it ends at the deadline. */
async function runLoad(command: LoadCommand, deadlineMs: number): Promise<LoadEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'hsmfleet-load-'));
  const fill = (word: string): string => word.replaceAll('{folder}', folder);
  try {
    for (const [name, text] of Object.entries(command.files)) await writeFile(join(folder, name), text);
    return await runGroup(command.argv.map(fill), {
      PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, fill(value)])),
    }, command.stdin ?? '', deadlineMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runGroup([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv, stdin: string, deadlineMs: number): Promise<LoadEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, env, stdio: ['pipe', 'pipe', 'pipe'] });
    const end: LoadEnd = { stdout: '', stderr: '', code: -1, timedOut: false };
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // the group is gone already
      }
    };
    let killer: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => {
      end.timedOut = true;
      kill('SIGTERM');
      killer = setTimeout(() => { kill('SIGKILL'); }, TERM_GRACE_MS);
    }, deadlineMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => { end.stdout = (end.stdout + text).slice(-MAX_OUTPUT); });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { end.stderr = (end.stderr + text).slice(0, MAX_OUTPUT); });
    // a program that does not read its input is in its right
    child.stdin.on('error', () => undefined).end(stdin);
    const done = (): void => {
      clearTimeout(deadline);
      clearTimeout(killer);
      resolve(end);
    };
    child.on('error', (thrown) => { end.stderr = `cannot start ${program}: ${thrown.message}`; done(); });
    child.on('close', (code) => { end.code = code ?? 1; if (end.timedOut) kill('SIGKILL'); done(); });
  });
}
