import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Database } from './src/database.ts';
import { Usage } from './src/usage.ts';

/*
 * Measures how fast workers sweep a simulated fleet, and what each part of it takes:
 *   node tools/simulate-fleet/sweep.ts --hosts 10000 --workers 1,2,4 --dir /tmp/sweep
 * For each number of workers: a new database, a new simulator, new workers; then `hsmfleet apply inventory.yml --workers`.
 * Prints a table, writes DIR/sweep.json.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TEST_POSTGRES = join(ROOT, 'tools/test-postgres/test-postgres');

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '500' },
    workers: { type: 'string', default: '1,2,4' },
    forks: { type: 'string', default: '64' },
    latency: { type: 'string', default: '0' },
    dir: { type: 'string', default: '/tmp/hsmfleet-sweep' },
    program: { type: 'string', default: join(ROOT, 'apps/cli/dist/main.mjs') },
  },
});
const PROGRAM = [join(ROOT, 'node_modules/node/bin/node'), values.program] as const;
const hosts = Number(values.hosts);
const folder = resolve(values.dir);
mkdirSync(folder, { recursive: true });
execFileSync(TEST_POSTGRES, ['up'], { stdio: ['ignore', 'ignore', 'inherit'] });
const server = execFileSync(TEST_POSTGRES, ['url'], { encoding: 'utf8' }).trim();

interface Figures {
  workers: number;
  hosts: number;
  /** Hosts that ended well. */
  ok: number;
  /** From the command to its end, seconds: compiling, reporting and the recap included. */
  wallSeconds: number;
  /** From the first batch taken to the last one done, seconds. */
  sweepSeconds: number;
  hostsPerSecond: number;
  /** Processor time while batches were under way, in milliseconds for one host. */
  cpuMsPerHost: { workers: number; postgres: number; coordinator: number; simulator: number };
  /** Share of the machine's processors in use meanwhile. */
  busy: number;
  /** Largest resident memory, MiB. */
  memory: { worker: number; coordinator: number; postgres: number; simulator: number };
  databaseMiB: number;
  executed: number;
  replayed: number;
}

const results: Figures[] = [];
for (const count of values.workers.split(',').map(Number)) {
  results.push(await sweep(count));
  writeFileSync(join(folder, 'sweep.json'), `${JSON.stringify(results, undefined, 2)}\n`);
}
process.stdout.write(`${table(results)}\n`);

async function sweep(count: number): Promise<Figures> {
  const place = join(folder, `workers-${String(count)}`);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const database = await Database.make(server, `sweep_${String(count)}`);
  const env = { ...process.env, HSMFLEET_DATABASE_URL: database.url, XDG_STATE_HOME: join(place, 'state'), NO_COLOR: '1' };
  const simulator = start('simulator', [PROGRAM[0], join(ROOT, 'tools/simulate-fleet/main.ts'), '--hosts', String(hosts), '--latency', values.latency, '--dir', place], place, env);
  await simulator.says('ready');
  const project = join(place, 'project');
  const workers = Array.from({ length: count }, (_, index) => start(`worker-${String(index + 1)}`, [...PROGRAM, 'worker', '--project', project, '--forks', values.forks], place, env));
  for (const worker of workers) await worker.says(' takes hosts of ');
  const began = Date.now();
  const coordinator = start('coordinator', [...PROGRAM, 'apply', join(project, 'inventory.yml'), '-i', join(project, 'hosts.yml'), '--workers', '--project', project], place, env);
  const usage = new Usage({ simulator: [pidOf(simulator.child)], workers: workers.map(({ child }) => pidOf(child)), coordinator: [pidOf(coordinator.child)] }, 'postgres', database.postmaster);
  const code = await coordinator.ended;
  const wallSeconds = (Date.now() - began) / 1_000;
  const span = await database.span();
  const spent = usage.stop(span);
  const ok = await database.number("select count(*) from hsmfleet.hosts where last_status = 'ok'");
  const databaseMiB = (await database.number('select pg_database_size(current_database())')) / 2 ** 20;
  await Promise.all(workers.map((worker) => worker.stop()));
  const tally = JSON.parse((await simulator.stop()).trim().split('\n').at(-1) ?? '{}') as { executed: number; replayed: number };
  await database.drop();
  // 4: some hosts could not be reached; the figures say how many were
  if (code !== 0 && code !== 4) throw new Error(`the sweep ended with ${String(code)}: see ${place}/coordinator.log`);
  const sweepSeconds = (span.to - span.from) / 1_000;
  const each = (ms: number): number => Math.round((ms / hosts) * 100) / 100;
  const figures: Figures = {
    workers: count, hosts, ok, wallSeconds, sweepSeconds, hostsPerSecond: hosts / sweepSeconds,
    cpuMsPerHost: { workers: each(spent.cpuMs.workers), postgres: each(spent.cpuMs.postgres), coordinator: each(spent.cpuMs.coordinator), simulator: each(spent.cpuMs.simulator) },
    busy: spent.busy, memory: { worker: Math.max(...workers.map(({ child }) => usage.largest(pidOf(child)))), coordinator: usage.largest(pidOf(coordinator.child)), postgres: spent.postgresMiB, simulator: usage.largest(pidOf(simulator.child)) },
    databaseMiB, executed: tally.executed, replayed: tally.replayed,
  };
  process.stderr.write(`${JSON.stringify(figures)}\n`);
  return figures;
}

interface Started {
  child: ChildProcess;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  says(text: string): Promise<void>;
  /** Ends it the friendly way; resolves with what it wrote to standard output. */
  stop(): Promise<string>;
}

function start(name: string, argv: readonly string[], place: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(argv[0] as string, argv.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(place, `${name}.log`));
  let text = '';
  let stdout = '';
  let heard: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log.write(chunk);
      // a recap of many hosts is in the log
      if (text.length < 100_000) text += chunk.toString();
      if (stream === child.stdout && stdout.length < 100_000) stdout += chunk.toString();
      heard();
    });
  }
  const ended = new Promise<number | null>((resolve) => { child.once('exit', (code) => { resolve(code); heard(); }); });
  return {
    child, ended,
    async says(wanted) {
      while (!text.includes(wanted)) {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${text}`);
        await new Promise<void>((resolve) => { heard = resolve; });
      }
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      return stdout;
    },
  };
}

function pidOf(child: ChildProcess): number {
  return child.pid ?? -1;
}

function table(all: readonly Figures[]): string {
  const rows = all.map((each) => [
    String(each.workers), each.hosts.toLocaleString('en'), each.sweepSeconds.toFixed(1), each.hostsPerSecond.toFixed(0), each.cpuMsPerHost.workers.toFixed(1), each.cpuMsPerHost.postgres.toFixed(1),
    each.cpuMsPerHost.coordinator.toFixed(1), each.cpuMsPerHost.simulator.toFixed(1), `${(each.busy * 100).toFixed(0)} %`, each.memory.worker.toFixed(0), each.memory.coordinator.toFixed(0), each.databaseMiB.toFixed(0),
  ]);
  const head = ['workers', 'hosts', 'sweep, s', 'hosts/s', 'worker ms/host', 'PostgreSQL ms/host', 'coordinator ms/host', 'simulator ms/host', `busy of ${String(cpus().length)} CPUs`, 'worker MiB', 'coordinator MiB', 'database MiB'];
  return [head, head.map(() => '--:'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
