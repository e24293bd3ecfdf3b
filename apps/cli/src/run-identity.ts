import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';

/** Id of a new run: sorts by time, unique, 22 characters of [0-9a-f-]: "20260102-030405-1a2b3c". */
export function newRunId(now = new Date()): string {
  const digits = now.toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${randomBytes(3).toString('hex')}`;
}

/** Who starts the run, for locks, journals and history: "anna@desk", behind sudo the person who called it. */
export function runUser(env: NodeJS.ProcessEnv = process.env): string {
  return `${env.SUDO_USER ?? userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // no entry in the user database
    return String(process.getuid?.() ?? 'unknown');
  }
}
