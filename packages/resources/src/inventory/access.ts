import type { ReadHost } from '@hsmfleet/resource';

/** Paths asked about in one go; a host has a handful. */
const MAX_PATHS = 200;

/** Answers what a user may do: read a file, go into a directory, connect to a socket. Null when it could not be asked. */
export type Access = (path: string) => boolean | null;

/**
 * Asks the system as that user, for owner and mode alone do not tell: access control lists and directories above count
 * too. One program for all paths, which opens none of them.
 */
export async function askAccess(host: ReadHost, user: string | null, paths: readonly string[]): Promise<Access> {
  const asked = [...new Set(paths)].slice(0, MAX_PATHS);
  if (user === null || asked.length === 0) return () => null;
  const tests = ['(', '-type', 'd', '-executable', '-o', '-type', 's', '-writable', '-o', '!', '-type', 'd', '!', '-type', 's', '-readable', ')'];
  const answer = await host
    .query(['find', '-L', ...asked, '-maxdepth', '0', ...tests, '-print0'], { user, timeoutMs: 5_000 })
    .catch(() => undefined); // there is no such user
  // find ends with 1 when it may not look at one of them: that is an answer too
  if (answer === undefined || answer.timedOut || (answer.code !== 0 && !/^find: ['"`\u2018]/m.test(answer.stderr))) return () => null;
  const allowed = new Set(answer.stdout.split('\0'));
  const known = new Set(asked);
  return (path) => (known.has(path) ? allowed.has(path) : null);
}
