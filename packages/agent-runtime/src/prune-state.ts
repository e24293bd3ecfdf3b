import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a host keeps. */
export interface StateLimits {
  /** Newest runs kept. */
  runs: number;
  /** Bytes of blobs kept; the least recently used go first. */
  blobBytes: number;
}

/** 20 runs and 1 GiB of blobs. */
export const STATE_LIMITS: StateLimits = { runs: 20, blobBytes: 1024 * 1024 * 1024 };

/**
 * Deletes old runs and blobs beyond the limits. To be called by the holder of the host lock when its run is through:
 * no other run can then be using them. Errors are passed over, since the next run tries again.
 */
export function pruneState(stateDir: string, limits: StateLimits = STATE_LIMITS): void {
  for (const entry of newestFirst(join(stateDir, 'runs')).slice(limits.runs)) remove(entry.path);
  let kept = 0;
  for (const entry of newestFirst(join(stateDir, 'blobs'))) {
    kept += entry.size;
    if (kept > limits.blobBytes) remove(entry.path);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // the next run tries again
  }
}

function newestFirst(directory: string): { path: string; size: number; mtimeMs: number }[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const path = join(directory, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ path, size: stat.size, mtimeMs: stat.mtimeMs }];
    })
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
}
