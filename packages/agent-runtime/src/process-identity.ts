import { readFileSync } from 'node:fs';

/** Tells one process from a later one that got the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks between the boot and the process's start, from /proc/PID/stat; empty when there is no such process. */
  startTime: string;
  /** The boot in which it runs. */
  boot: string;
}

/** Identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid), boot: bootId() };
}

/** True while the very process (not another with its number) exists. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.startTime !== '' && identity.boot === bootId() && startTimeOf(identity.pid) === identity.startTime;
}

function startTimeOf(pid: number): string {
  const text = readOrEmpty(`/proc/${String(pid)}/stat`);
  // the second field is the program's name in parentheses and may hold anything; start time is field 22
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // a zombie holds nothing any more
  return fields[0] === 'Z' ? '' : (fields[19] ?? '');
}

function bootId(): string {
  return readOrEmpty('/proc/sys/kernel/random/boot_id').trim();
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
