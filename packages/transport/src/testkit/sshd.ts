import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const SSHD = '/usr/sbin/sshd';

/** Why tests against a real sshd cannot run here; undefined when they can. */
export function sshdMissing(): string | undefined {
  if (!existsSync(SSHD)) return 'there is no /usr/sbin/sshd (Debian: openssh-server)';
  return userInfo().uid === 0 ? undefined : 'sshd for other users needs root';
}

/** An OpenSSH server on loopback with keys and configuration of its own. */
export interface TestSshd {
  port: number;
  /** Its host key files by type: ed25519, ecdsa, rsa. */
  hostKeys: Record<string, string>;
  /** The known_hosts line for a key type, under any host name. */
  knownHostsLine(type: string, name?: string): string;
  /** Its log so far. */
  log(): string;
  /** Kills the server and the sessions it started. */
  stop(): Promise<void>;
}

/** A temporary directory that goes away with `remove`. */
export function makeTestDir(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'hsmfleet-ssh-'));
  return { path, remove: () => { rmSync(path, { recursive: true, force: true }); } };
}

/** Makes a key pair with ssh-keygen. */
export function makeKey(file: string, type: string, passphrase = '', format: 'RFC4716' | 'PEM' = 'RFC4716'): string {
  // the passphrase of a key made for one test is no secret
  execFileSync('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-m', format, '-N', passphrase, '-f', file]);
  return file;
}

/** Starts an sshd and waits until it listens. */
export async function startSshd(dir: string, settings: { authorized: string[]; hostKeyTypes?: string[]; extra?: string[] }): Promise<TestSshd> {
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const home = join(dir, `sshd-${String(port)}`);
  mkdirSync(home);
  const hostKeys = Object.fromEntries((settings.hostKeyTypes ?? ['ed25519']).map((type) => [type, makeKey(join(home, `host_${type}`), type)]));
  writeFileSync(join(home, 'authorized_keys'), settings.authorized.map((file) => readFileSync(`${file}.pub`, 'utf8')).join(''), { mode: 0o644 });
  writeFileSync(join(home, 'config'), [
    // first, since sshd takes the first value
    ...(settings.extra ?? []),
    `Port ${String(port)}`, 'ListenAddress 127.0.0.1', 'PidFile none', 'UsePAM no', 'StrictModes no', 'LogLevel VERBOSE',
    'PermitRootLogin yes', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no',
    `AuthorizedKeysFile ${home}/authorized_keys`,
    ...Object.values(hostKeys).map((file) => `HostKey ${file}`),
  ].join('\n'));
  const server: ChildProcess = spawn(SSHD, ['-D', '-e', '-f', join(home, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => { log += chunk.toString(); });
  await waitForPort(port, () => log);
  return {
    port,
    hostKeys,
    knownHostsLine: (type, name = `[127.0.0.1]:${String(port)}`) => `${name} ${readFileSync(`${hostKeys[type] ?? ''}.pub`, 'utf8')}`,
    log: () => log,
    async stop() {
      for (const pid of childrenOf(server.pid ?? -1)) killIfThere(pid);
      const ended = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill('SIGKILL')) await ended;
    },
  };
}

/** A session may end by itself between being seen and being killed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

/** Process ids of a process's children, from /proc. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitForPort(port: number, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => { socket.destroy(); resolve(true); });
      socket.once('error', () => { resolve(false); });
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`sshd does not listen on ${String(port)}: ${log()}`);
}
