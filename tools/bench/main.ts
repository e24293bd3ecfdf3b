import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/*
 * Speed against the peers, as ratios within one run: the same 20 light tasks, the same hosts, cold connections, in
 * turn. A run counts only when every host reports no change and no failure.
 *
 *   npm run bench -- --hosts 8 [--runs 5] [--json] [--only hsmfleet,ssh_true]
 */
const { values: options } = parseArgs({
  options: {
    hosts: { type: 'string', default: '8' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const HOSTS = Number(options.hosts);
const RUNS = Number(options.runs);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FLEET = join(ROOT, 'tools/test-fleet/test-fleet');
const ENV = {
  ...process.env,
  FLEET_DIR: join(ROOT, '.cache/bench-fleet'),
  FLEET_NET: '10.92.0',
  FLEET_BRIDGE: 'hfbench0',
  FLEET_PREFIX: 'hb',
};
const MITOGEN = '/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy';

/** One timed run: seconds, and what the program printed. */
interface Timing {
  seconds: number;
  output: string;
  /** Peak resident memory of the program itself, MB. */
  rssMb: number;
}

interface Contender {
  name: string;
  run(): Promise<Timing>;
  /** Throws when the run was not converged. */
  check(timing: Timing): void;
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

/** Runs a program to its end and watches its peak memory; a non-zero exit code is an error. */
function time(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(argv[0] as string, argv.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let rssMb = 0;
    const sample = setInterval(() => {
      try {
        const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'));
        rssMb = Math.max(rssMb, Number(peak?.[1] ?? 0) / 1024);
      } catch {
        // the process has ended
      }
    }, 10);
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(sample);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      if (code !== 0) reject(new Error(`${argv.join(' ')} ended with ${String(code)}:\n${output.slice(-3000)}`));
      else resolve({ seconds, output, rssMb });
    });
  });
}

function fleet(...words: string[]): string {
  return execFileSync(FLEET, words, { env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function installPeers(): void {
  if (existsSync('/usr/bin/ansible-playbook') && existsSync(MITOGEN)) return;
  say('installing ansible and ansible-mitogen');
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'ansible', 'ansible-mitogen'], {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** The playbook looks after the files of an NSS database: give every host one. */
function makeDatabases(): void {
  for (const host of hostNames()) {
    fleet('exec', host, '--', 'sh', '-c', 'mkdir -p /etc/nss/db; [ -e /etc/nss/db/cert9.db ] || certutil -N -d sql:/etc/nss/db --empty-password');
  }
}

function hostNames(): string[] {
  return [...fleet('ssh-config').matchAll(/^Host (\w+)$/gm)].map((match) => match[1] as string).slice(0, HOSTS);
}

/** A folder with the playbook, its blob and the hosts file. */
function makeWorkFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-bench-'));
  cpSync(join(ROOT, 'tools/bench/light'), folder, { recursive: true });
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/blob100k.bin'), Buffer.alloc(100 * 1024, 'hsmfleet'));
  writeFileSync(join(folder, 'hosts.yml'), fleet('hosts'));
  writeFileSync(join(folder, 'ssh_config'), fleet('ssh-config'));
  return folder;
}

function ansible(name: string, folder: string, settings: Record<string, string>): Contender {
  return {
    name,
    run() {
      // a control path of its own makes every connection a cold one
      const control = mkdtempSync(join(tmpdir(), 'cp-'));
      const env = {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: folder,
        LANG: 'C.UTF-8',
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_FORKS: String(HOSTS),
        ANSIBLE_PIPELINING: '1',
        ANSIBLE_SSH_CONTROL_PATH_DIR: control,
        ANSIBLE_DEPRECATION_WARNINGS: '0',
        ...settings,
      };
      return time(['/usr/bin/ansible-playbook', '-i', 'hosts.yml', 'light.yml'], folder, env).finally(() => {
        rmSync(control, { recursive: true, force: true });
      });
    },
    check: checkRecap,
  };
}

function hsmfleet(folder: string): Contender {
  const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state'), NO_COLOR: '1' };
  return {
    name: 'hsmfleet',
    run: () => time([join(ROOT, 'apps/cli/bin/hsmfleet'), 'apply', 'light.yml', '-i', 'hosts.yml', '-f', String(HOSTS)], folder, env),
    check: checkRecap,
  };
}

function plainSsh(folder: string): Contender {
  const names = hostNames();
  return {
    name: 'ssh_true',
    async run() {
      const started = process.hrtime.bigint();
      await Promise.all(
        names.map((host) => time(['ssh', '-F', 'ssh_config', '-o', 'KexAlgorithms=curve25519-sha256', host, 'true'], folder, process.env)),
      );
      return { seconds: Number(process.hrtime.bigint() - started) / 1e9, output: '', rssMb: 0 };
    },
    check() {
      if (names.length !== HOSTS) throw new Error(`${String(names.length)} hosts in ssh_config, not ${String(HOSTS)}`);
    },
  };
}

/** Both recaps have one line a host with `changed=` and `failed=`. */
function checkRecap({ output }: Timing): void {
  const lines = output.split('\n').filter((line) => /\bok=\d+.*changed=\d+.*unreachable=\d+.*failed=\d+/.test(line));
  const bad = lines.filter((line) => !/changed=0\b.*unreachable=0\b.*failed=0\b/.test(line));
  if (lines.length !== HOSTS || bad.length > 0) {
    throw new Error(`not converged: ${String(lines.length)} recap lines\n${bad.join('\n')}\n${output.slice(-2000)}`);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

async function main(): Promise<void> {
  installPeers();
  say(`bringing up ${String(HOSTS)} hosts`);
  fleet('up', String(HOSTS));
  let folder: string | undefined;
  const tearDown = (): void => {
    if (options.keep) return;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    fleet('down');
  };
  // test hosts are namespaces and mounts: they must not outlive a run that is interrupted
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      tearDown();
      process.exit(1);
    });
  }
  const seconds = new Map<string, number[]>();
  let rssMb = 0;
  try {
    makeDatabases();
    folder = makeWorkFolder();
    const contenders = [
      plainSsh(folder),
      hsmfleet(folder),
      ansible('ansible_tuned', folder, {}),
      ansible('mitogen', folder, { ANSIBLE_STRATEGY_PLUGINS: MITOGEN, ANSIBLE_STRATEGY: 'mitogen_linear' }),
    ].filter(({ name }) => options.only === undefined || options.only.split(',').includes(name));
    for (const { name, run } of contenders) {
      say(`converging with ${name}`);
      seconds.set(name, []);
      await run();
    }
    for (let round = 1; round <= RUNS; round += 1) {
      for (const contender of contenders) {
        const timing = await contender.run();
        contender.check(timing);
        seconds.get(contender.name)?.push(timing.seconds);
        if (contender.name === 'hsmfleet') rssMb = Math.max(rssMb, timing.rssMb);
        say(`run ${String(round)}/${String(RUNS)} ${contender.name}: ${timing.seconds.toFixed(2)} s`);
      }
    }
  } finally {
    tearDown();
  }
  report(seconds, rssMb);
}

function report(seconds: ReadonlyMap<string, number[]>, rssMb: number): void {
  const medians = Object.fromEntries([...seconds].map(([name, values]) => [name, round(median(values), 3)]));
  const ours = medians.hsmfleet ?? Number.NaN;
  const ratio = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : round(value));
  const ratios = {
    ansible_tuned: ratio((medians.ansible_tuned ?? Number.NaN) / ours),
    mitogen: ratio((medians.mitogen ?? Number.NaN) / ours),
    ssh_true: ratio(ours / (medians.ssh_true ?? Number.NaN)),
  };
  process.stdout.write(`${String(HOSTS)} hosts, 20 light tasks, converged, medians of ${String(RUNS)}\n`);
  for (const [name, values] of seconds) {
    const low = Math.min(...values).toFixed(2);
    const high = Math.max(...values).toFixed(2);
    process.stdout.write(`  ${name.padEnd(14)} ${median(values).toFixed(2).padStart(7)} s   (${low} to ${high})\n`);
  }
  const said = [['ansible_tuned', 'x faster than tuned Ansible'], ['mitogen', 'x faster than Mitogen'], ['ssh_true', 'x the time of plain ssh']] as const;
  // with --only some were not measured
  const compared = said.flatMap(([name, text]) => (ratios[name] === null ? [] : [`${String(ratios[name])} ${text}`]));
  if (compared.length > 0) process.stdout.write(`  ${compared.join('; ')}\n`);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ hosts: HOSTS, medians_s: medians, ratios, controller_rss_mb: round(rssMb, 1) })}\n`);
  }
}

await main();
