import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Secret, HsmfleetError } from '@hsmfleet/contract';
import { StepFailedError, type CommandResult, type ExecuteContext, type RunProgram, type StepResult } from '@hsmfleet/resource';
import type { Accounts } from '../accounts.ts';
import { runCommand } from '../command.ts';

const DEFAULT_TIMEOUT = 600_000;
/** flock's answer when it could not get the lock in time; no program in use here ends with it. */
const LOCK_BUSY = 213;
const FLOCK = ['/usr/bin/flock', '/bin/flock'];
/** In RAM, so that a secret never reaches a disk. */
const RAM = '/dev/shm';
const PREFIX = 'hsmfleet-secret-';
const STALE = 3_600_000;
/** Bytes of output in an error's message. */
const TAIL = 2_000;

/** What running a program needs to know of the host. */
export interface RunProgramDeps {
  accounts: Accounts;
  /** Root-only directory for secret files where there is no RAM file system. */
  stateDir: string;
}

/**
 * Runs a `run` step: under its lock, with its secrets in files that are gone afterwards, with owner and mode of the files
 * it must not change put back.
 * @throws StepFailedError COMMAND_FAILED (unexpected exit code), TIMEOUT
 * @throws HsmfleetError HOST_BUSY when the lock stays held
 */
export async function runProgramStep(step: RunProgram, deps: RunProgramDeps, context: ExecuteContext): Promise<StepResult> {
  const startedAt = new Date();
  const kept = await rememberAttributes(step.keepAttributes ?? []);
  const secrets = await writeSecretFiles(step, deps, context);
  if (step.stdin instanceof Secret) context.learn(step.stdin);
  let answer: CommandResult;
  try {
    const argv = step.argv.map((word) => secrets.replace(word));
    answer = await runCommand(argv, {
      timeoutMs: step.timeoutMs ?? DEFAULT_TIMEOUT,
      ...(step.env === undefined ? {} : { env: step.env }),
      ...(step.cwd === undefined ? {} : { cwd: step.cwd }),
      ...(step.stdin === undefined ? {} : { stdin: step.stdin }),
      ...(step.maxOutput === undefined ? {} : { maxOutput: step.maxOutput }),
      ...(step.user === undefined ? {} : { user: step.user }),
    }, deps.accounts, await lockPrefix(step));
  } finally {
    await secrets.remove();
    await restoreAttributes(kept);
    // the program may have made users or groups (a package's scripts do)
    deps.accounts.forget();
  }
  const result: StepResult = {
    step,
    code: answer.code,
    stdout: answer.stdout,
    stderr: answer.stderr,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
  };
  const program = step.argv[0] ?? '';
  if (answer.timedOut) {
    throw new StepFailedError('TIMEOUT', `${program} did not end within ${String(step.timeoutMs ?? DEFAULT_TIMEOUT)} ms and was killed: ${step.why}`, result);
  }
  if (step.lock !== undefined && answer.code === LOCK_BUSY) {
    throw new HsmfleetError('HOST_BUSY', `the lock ${step.lock} is held by another program: ${step.why}`, {
      hint: 'wait until the other program is done; fuser -v names it',
    });
  }
  if (!(step.okCodes ?? [0]).includes(answer.code)) {
    const said = tail(answer.stderr.trim() === '' ? answer.stdout : answer.stderr);
    throw new StepFailedError(
      'COMMAND_FAILED',
      // what could not be started says so itself
      answer.code === -1 ? said : `${program} ended with exit code ${String(answer.code)}${said === '' ? '' : `: ${said}`}`,
      result,
      { ...(answer.code === -1 ? { hint: 'is the program installed on the host, and its path right?' } : {}), details: { why: step.why, rc: answer.code } },
    );
  }
  return result;
}

function tail(text: string): string {
  const trimmed = text.trim();
  return trimmed.length <= TAIL ? trimmed : `…${trimmed.slice(-TAIL)}`;
}

/** util-linux's flock takes the lock and runs the program: the lock ends with it, whatever happens to the agent. */
async function lockPrefix(step: RunProgram): Promise<string[]> {
  if (step.lock === undefined) return [];
  const flock = FLOCK.find((path) => existsSync(path));
  if (flock === undefined) throw new HsmfleetError('TASK_FAILED', 'flock is missing on the host', { hint: 'install the package util-linux' });
  await mkdir(dirname(step.lock), { recursive: true });
  const seconds = Math.max(1, Math.floor((step.timeoutMs ?? DEFAULT_TIMEOUT) / 2_000));
  // without --no-fork flock would stay between; with it the program takes flock's place and keeps the lock
  return [flock, '--exclusive', '--wait', String(seconds), '--conflict-exit-code', String(LOCK_BUSY), '--no-fork', step.lock];
}

interface SecretFiles {
  replace(word: string): string;
  remove(): Promise<void>;
}

async function writeSecretFiles(step: RunProgram, deps: RunProgramDeps, context: ExecuteContext): Promise<SecretFiles> {
  const entries = Object.entries(step.secretFiles ?? {});
  if (entries.length === 0) return { replace: (word) => word, remove: () => Promise.resolve() };
  const parent = existsSync(RAM) ? RAM : deps.stateDir;
  await sweep(parent);
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, `${PREFIX}${String(process.pid)}-`));
  try {
    const user = step.user === undefined ? undefined : await deps.accounts.user(step.user);
    const paths = new Map<string, string>();
    for (const [name, secret] of entries) {
      context.learn(secret);
      const path = join(folder, `${String(paths.size)}`);
      await writeFile(path, secret.reveal(), { mode: 0o600, flag: 'wx' });
      await chmod(path, 0o600);
      if (user !== undefined) await chown(path, user.id, user.gid);
      paths.set(`{${name}}`, path);
    }
    if (user !== undefined) await chown(folder, user.id, user.gid);
    return {
      replace(word) {
        let out = word;
        for (const [placeholder, path] of paths) out = out.replaceAll(placeholder, path);
        return out;
      },
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
}

/** Removes what an agent that was killed left behind. Old ones only: /dev/shm may be shared with other PID namespaces. */
async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch((): string[] => []);
  for (const name of names) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats !== undefined && Date.now() - stats.mtimeMs > STALE) await rm(path, { recursive: true, force: true });
  }
}

type Kept = { path: string; uid: number; gid: number; mode: number }[];

async function rememberAttributes(paths: readonly string[]): Promise<Kept> {
  const kept: Kept = [];
  for (const path of paths) {
    const stats = await stat(path).catch(() => undefined);
    if (stats !== undefined) kept.push({ path, uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o7777 });
  }
  return kept;
}

async function restoreAttributes(kept: Kept): Promise<void> {
  for (const { path, uid, gid, mode } of kept) {
    const now = await stat(path).catch(() => undefined);
    if (now === undefined) continue;
    if (now.uid !== uid || now.gid !== gid) await chown(path, uid, gid);
    if ((now.mode & 0o7777) !== mode) await chmod(path, mode);
  }
}
