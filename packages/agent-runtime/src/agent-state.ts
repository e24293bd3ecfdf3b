import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentState } from '@hsmfleet/resource';
import type { LockOwner } from './host-lock.ts';
import { readRunMeta, type RunMeta } from './journal.ts';
import { isAlive } from './process-identity.ts';

/** Files counted; a state directory with more is not what an agent leaves, and counting on would take long. */
const MAX_FILES = 5_000;
/** Runs looked at for the last one; an agent keeps twenty. */
const MAX_RUNS = 200;

/** What the run that asks knows of itself. */
export interface AskingRun {
  stateDir: string;
  run: string;
  version: string;
  /** The lock of a dead process that this run took over. */
  staleLock?: LockOwner;
}

/** The agent's own state: of its directory, its lock and its journals. Never throws for what cannot be read. */
export function describeAgentState({ stateDir, run, version, staleLock }: AskingRun): AgentState {
  const stat = statSync(stateDir, { throwIfNoEntry: false });
  return {
    version,
    node: process.version,
    stateDir,
    stateMode: stat === undefined ? null : (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    stateUid: stat?.uid ?? null,
    stateBytes: bytesBelow(stateDir),
    staleLock: staleLock === undefined ? null : { run: staleLock.run, user: staleLock.user, since: staleLock.since },
    lastRun: lastRunBefore(stateDir, run),
  };
}

/** Bytes of all files; null when there are too many to count. */
function bytesBelow(top: string): number | null {
  let bytes = 0;
  let files = 0;
  const waiting = [top];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const name of namesIn(folder)) {
      files += 1;
      if (files > MAX_FILES) return null;
      const path = join(folder, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory() === true) waiting.push(path);
      else bytes += stat?.size ?? 0;
    }
  }
  return bytes;
}

function lastRunBefore(stateDir: string, run: string): AgentState['lastRun'] {
  const names = namesIn(join(stateDir, 'runs')).filter((name) => name !== run).slice(-MAX_RUNS);
  const newest = names
    .flatMap((name) => readRunMeta(stateDir, name) ?? [])
    .reduce<RunMeta | undefined>((best, meta) => (best === undefined || meta.started > best.started ? meta : best), undefined);
  if (newest === undefined) return null;
  const killed = newest.status === 'running' && !isAlive(newest.process);
  return { run: newest.run, startedAt: newest.started, finishedAt: newest.finished ?? null, status: killed ? 'interrupted' : newest.status };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there is none, or it was just removed
  }
}
