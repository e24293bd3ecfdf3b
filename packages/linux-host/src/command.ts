import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { CommandOptions, CommandResult } from '@hsmfleet/resource';
import type { Accounts } from './accounts.ts';

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_OUTPUT = 1024 * 1024;
/** A program that writes on far beyond what is kept of its output has run wild (certutil -N does, for ever). */
const RUNAWAY_FACTOR = 64;
/** Between SIGTERM and SIGKILL at the deadline, so that a package manager can let go of its locks. */
const TERM_GRACE = 2_000;
/** After the program ended: what it left in the pipes is read, but a daemon that kept them open is not waited for. */
const DRAIN = 250;
/** Where programs are looked for. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];

/**
 * Runs one program in a process group of its own, in a minimal environment, with its output bounded; the whole group is
 * killed at the deadline. Never through a shell.
 * @param outer words put before everything, run as the agent's own user (`flock` and its arguments)
 * @throws HsmfleetError TASK_FAILED when `options.user` is unknown on the host
 */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions,
  accounts: Accounts,
  outer: readonly string[] = [],
): Promise<CommandResult> {
  const identity = await identityOf(options.user, accounts);
  const [program = '', ...args] = [...outer, ...identity.prefix, ...argv];
  const env = { PATH, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', HOME: identity.home, ...options.env };
  // loaded on first use: the agent's start-up is counted in milliseconds
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: options.cwd ?? '/',
        env,
        detached: true,
        stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        ...identity.ids,
      });
    } catch (thrown) {
      resolve(notStarted(argv, thrown));
      return;
    }
    const limit = options.maxOutput ?? DEFAULT_OUTPUT;
    const out = collect(limit, () => { killGroup(child, 'SIGKILL'); });
    const err = collect(limit, () => { killGroup(child, 'SIGKILL'); });
    child.stdout?.on('data', out.push);
    child.stderr?.on('data', err.push);
    let timedOut = false;
    let killer: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => {
      timedOut = true;
      killGroup(child, 'SIGTERM');
      killer = setTimeout(() => { killGroup(child, 'SIGKILL'); }, TERM_GRACE);
    }, options.timeoutMs ?? DEFAULT_TIMEOUT);
    let settled = false;
    const finish = (result: CommandResult): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      clearTimeout(killer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(result);
    };
    const done = (code: number | null, signal: NodeJS.Signals | null): void => {
      // members of the group that outlived a timed-out leader
      if (timedOut) killGroup(child, 'SIGKILL');
      finish({ argv, code: code ?? 128 + signalNumber(signal), stdout: out.text(), stderr: err.text(), timedOut });
    };
    child.on('error', (thrown) => { finish(notStarted(argv, thrown)); });
    child.on('close', done);
    child.on('exit', (code, signal) => { setTimeout(() => { done(code, signal); }, DRAIN); });
    if (child.stdin !== null) {
      // a program that does not read its input closes the pipe: that is its right
      child.stdin.on('error', () => undefined);
      child.stdin.end(options.stdin instanceof Secret ? options.stdin.reveal() : options.stdin);
    }
  });
}

/** How a program is made to run as a user. */
export interface Identity {
  /** Words put before the program's. */
  prefix: string[];
  home: string;
  ids: { uid?: number; gid?: number };
}

/**
 * What runs a program as `user`, by default the agent's own. setpriv gives the user's supplementary groups too; without it
 * there is only the primary group.
 * @throws HsmfleetError TASK_FAILED when the host has no such user
 */
export async function identityOf(user: string | undefined, accounts: Accounts): Promise<Identity> {
  if (user === undefined) return { prefix: [], home: process.getuid?.() === 0 ? '/root' : (process.env.HOME ?? '/'), ids: {} };
  const account = await accounts.user(user);
  if (account === undefined) {
    throw new HsmfleetError('TASK_FAILED', `there is no user ${user} on the host`, { hint: 'create the user first, or name another one' });
  }
  if (account.id === process.getuid?.()) return { prefix: [], home: account.home, ids: {} };
  const setpriv = SETPRIV.find((path) => existsSync(path));
  if (setpriv === undefined) return { prefix: [], home: account.home, ids: { uid: account.id, gid: account.gid } };
  return {
    prefix: [setpriv, `--reuid=${String(account.id)}`, `--regid=${String(account.gid)}`, '--init-groups', '--'],
    home: account.home,
    ids: {},
  };
}

function notStarted(argv: readonly string[], thrown: unknown): CommandResult {
  const stderr = `cannot start ${argv[0] ?? 'nothing'}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  return { argv, code: -1, stdout: '', stderr, timedOut: false };
}

function collect(limit: number, runaway: () => void): { push(chunk: Buffer): void; text(): string } {
  const chunks: Buffer[] = [];
  let kept = 0;
  let seen = 0;
  return {
    push(chunk) {
      seen += chunk.length;
      if (kept < limit) {
        const part = chunk.subarray(0, limit - kept);
        chunks.push(part);
        kept += part.length;
      }
      if (seen > limit * RUNAWAY_FACTOR) runaway();
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** Sends a signal to all of a program's process group; a group that is gone is fine. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // the group is gone already
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
