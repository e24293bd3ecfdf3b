import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Who holds a host. */
export interface LockOwner extends ProcessIdentity {
  run: string;
  user: string;
  /** ISO 8601. */
  since: string;
  /** It lets go of its control host at {@link LET_GO}; agents of older programs do not. */
  letsGo?: boolean;
}

/** Tells an agent that its control host is gone although the connection does not look like it: another agent of the same run is here. */
export const LET_GO = 'SIGUSR2';

/** `replaced`: the owner of the lock that was taken over, whose process is gone. */
export type LockAnswer = { held: false; owner: LockOwner } | { held: true; replaced?: LockOwner; release(): void };

const ATTEMPTS = 5;

/**
 * Takes the host's lock for a run: one file with its owner in it, that appears whole or not at all. A lock whose
 * process is gone is taken over. Answers the owner when another run holds it.
 * @throws Error of the file system when the state directory cannot be written
 */
export function acquireHostLock(stateDir: string, run: string, user: string): LockAnswer {
  const path = join(stateDir, 'lock');
  const draft = join(stateDir, `lock.${String(process.pid)}`);
  const own: LockOwner = { ...ownIdentity(), run, user, since: new Date().toISOString(), letsGo: true };
  const text = JSON.stringify(own);
  writeFileSync(draft, text, { mode: 0o600 });
  let replaced: LockOwner | undefined;
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      // a hard link to a complete file: O_EXCL, and nobody ever reads a half-written owner
      if (linkExclusively(draft, path)) {
        return { held: true, ...(replaced === undefined ? {} : { replaced }), release: () => release(path, text) };
      }
      const found = readOrUndefined(path);
      if (found === undefined) continue;
      const owner = parseOwner(found);
      if (owner !== undefined && isAlive(owner)) return { held: false, owner };
      replaced = owner ?? { ...own, run: 'unknown', user: 'unknown' };
      removeStale(path, found);
    }
    const owner = parseOwner(readOrUndefined(path) ?? '');
    return { held: false, owner: owner ?? { ...own, run: 'unknown', user: 'unknown' } };
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Who holds the host now; undefined when nobody that is alive does. */
export function readHostLock(stateDir: string): LockOwner | undefined {
  const owner = parseOwner(readOrUndefined(join(stateDir, 'lock')) ?? '');
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

/**
 * Sends a signal to the agent of a run, when another process than this one is it: `LET_GO`, or SIGTERM to stop after the task
 * that runs. False when there is none.
 */
export function signalRun(stateDir: string, run: string, signal: typeof LET_GO | 'SIGTERM'): boolean {
  const owner = readHostLock(stateDir);
  if (owner?.run !== run || owner.pid === process.pid || (signal === LET_GO && owner.letsGo !== true)) return false;
  try {
    process.kill(owner.pid, signal);
    return true;
  } catch {
    return false; // it ended this very moment, or is another user's
  }
}

/** Moves a dead owner's lock aside; what turns out to be another one by now (a faster rival's) is put back. */
function removeStale(path: string, expected: string): void {
  const aside = `${path}.stale.${String(process.pid)}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // a rival was faster
  }
  if (readOrUndefined(aside) !== expected) linkExclusively(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, text: string): void {
  if (readOrUndefined(path) === text) unlinkSync(path);
}

function linkExclusively(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner>;
    return typeof owner.pid === 'number' && typeof owner.startTime === 'string' ? (owner as LockOwner) : undefined;
  } catch {
    return undefined;
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
