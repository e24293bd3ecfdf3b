import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top folder of the workspace. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FLEET = join(ROOT, 'tools/test-fleet/test-fleet');

/** The read-only module of the test hosts and how to reach it. */
export const READ_ONLY_MODULE = '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so';
export const READ_ONLY_ENV = { P11_KIT_SERVER_ADDRESS: 'unix:path=/run/p11-kit-ro/pkcs11' };
/** The same token, writable. */
export const WRITABLE_MODULE = '/usr/lib/softhsm/libsofthsm2.so';
/** User PIN of every test token. */
export const PIN = '648219';

/** What a program answered. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; never throws for its exit code. */
export function run(argv: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number; input?: string } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      argv[0] as string,
      argv.slice(1),
      { cwd: options.cwd, env: options.env, timeout: options.timeoutMs ?? 180_000, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    if (options.input !== undefined) child.stdin?.on('error', () => undefined).end(options.input);
  });
}

/** Test hosts of one spec file. */
export class Fleet {
  readonly hosts: string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #net: string;

  /** @param name two or three letters, unique per spec file: they end up in interface names */
  constructor(name: string, index: number, hosts: number, ...flags: string[]) {
    this.#net = `10.${String(100 + index)}.0`;
    this.#env = {
      ...process.env,
      FLEET_DIR: join(ROOT, '.cache/e2e', name),
      FLEET_NET: this.#net,
      FLEET_BRIDGE: `hf${name}0`,
      FLEET_PREFIX: `h${name}`,
    };
    execFileSync(FLEET, ['down'], { env: this.#env, stdio: 'ignore' });
    execFileSync(FLEET, ['up', String(hosts), ...flags], { env: this.#env, stdio: ['ignore', 'ignore', 'inherit'] });
    this.hosts = Array.from({ length: hosts }, (_, index) => `web${String(index + 1).padStart(2, '0')}`);
  }

  down(): void {
    execFileSync(FLEET, ['down'], { env: this.#env, stdio: 'ignore' });
  }

  /** Address of a host by its name. */
  address(host: string): string {
    return `${this.#net}.${String(10 + Number(host.slice(3)))}`;
  }

  /** Network interface of a host on this machine's side. */
  link(host: string): string {
    return `${this.#env.FLEET_PREFIX ?? ''}${host}`;
  }

  hostsFile(): string {
    return execFileSync(FLEET, ['hosts'], { env: this.#env, encoding: 'utf8' });
  }

  /** Runs a program on a host, past SSH. */
  exec(host: string, ...argv: string[]): Promise<Ended> {
    return run([FLEET, 'exec', host, '--', ...argv], { env: this.#env });
  }

  /** The same, with text at its standard input. */
  execWith(input: string, host: string, ...argv: string[]): Promise<Ended> {
    return run([FLEET, 'exec', host, '--', ...argv], { env: this.#env, input });
  }

  /** The same; an exit code other than 0 is an error. */
  async must(host: string, ...argv: string[]): Promise<string> {
    const ended = await this.exec(host, ...argv);
    if (ended.code !== 0) throw new Error(`${host}: ${argv.join(' ')} ended with ${String(ended.code)}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }
}

/** A folder with a hosts file, group variables, a PIN, and the program run in it. */
export class Desk {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(fleet: Fleet, variables: Record<string, unknown> = {}, pin = PIN) {
    this.folder = mkdtempSync(join(tmpdir(), 'hsmfleet-e2e-'));
    this.env = { ...process.env, XDG_STATE_HOME: join(this.folder, 'state'), NO_COLOR: '1' };
    mkdirSync(join(this.folder, 'secrets'), { mode: 0o700 });
    mkdirSync(join(this.folder, 'group_vars'));
    this.write('hosts.yml', fleet.hostsFile());
    this.pin(pin);
    const all = {
      hsm_module: READ_ONLY_MODULE,
      hsm_module_env: READ_ONLY_ENV,
      hsm_token: 'fleet-{{ inventory_hostname }}',
      hsm_key_id: '03',
      server_name: '{{ inventory_hostname }}.fleet.test',
      ...variables,
    };
    this.write('group_vars/webservers.yml', `${Object.entries(all).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join('\n')}\ntoken_pin: !secret file:../secrets/token-pin\n`);
  }

  /** Replaces the PIN that the playbooks use. */
  pin(pin: string): void {
    writeFileSync(join(this.folder, 'secrets/token-pin'), `${pin}\n`, { mode: 0o600 });
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** `hsmfleet WORDS`, in this folder. */
  hsmfleet(...words: string[]): Promise<Ended> {
    return run([join(ROOT, 'apps/cli/bin/hsmfleet'), ...words], { cwd: this.folder, env: this.env, timeoutMs: 300_000 });
  }

  /** `hsmfleet apply PLAYBOOK -i hosts.yml WORDS`. */
  apply(playbook: string, ...words: string[]): Promise<Ended> {
    return this.hsmfleet('apply', playbook, '-i', 'hosts.yml', ...words);
  }

  /** Starts it and leaves it running. */
  start(...words: string[]): ChildProcess {
    return spawn(join(ROOT, 'apps/cli/bin/hsmfleet'), words, { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /**
   * `hsmfleet WORDS` on a terminal, by somebody who answers each question that shows, in this order; what both streams said
   * is in `stdout`.
   */
  typed(answers: readonly (readonly [question: string, answer: string])[], ...words: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const command = [join(ROOT, 'apps/cli/bin/hsmfleet'), ...words].map((word) => `'${word}'`).join(' ');
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: this.folder, env: { ...this.env, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'ignore'] });
      const open = [...answers];
      let stdout = '';
      let unanswered = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        unanswered += chunk.toString();
        if (open[0] === undefined || !unanswered.includes(open[0][0])) return;
        unanswered = '';
        child.stdin.write(`${open.shift()?.[1] ?? ''}\r`);
      });
      child.on('close', (code) => { resolve({ code: code ?? -1, stdout, stderr: '' }); });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The playbook that the project ships. */
export const SITE = join(ROOT, 'playbooks/site.yml');

/** Recap of a run by host, as printed. */
export function recap(output: string): Record<string, Record<string, number>> {
  const hosts: Record<string, Record<string, number>> = {};
  for (const match of output.matchAll(/^(\S+)\s*:\s*((?:\w+=\d+\s*)+)$/gm)) {
    hosts[match[1] as string] = Object.fromEntries(
      [...(match[2] as string).matchAll(/(\w+)=(\d+)/g)].map((pair) => [pair[1] as string, Number(pair[2])]),
    );
  }
  return hosts;
}

/** Events of a run with `--json`. */
export function events(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
