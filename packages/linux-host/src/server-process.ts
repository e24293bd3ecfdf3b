import { readFile, stat } from 'node:fs/promises';
import type { ServerProcess, ServingProcess } from '@hsmfleet/resource';
import type { Accounts } from './accounts.ts';

/** Clock ticks a second in /proc: the kernel's ABI says 100 on every platform that Node runs on. */
const TICKS = 100;
/** A PID file is written after its process began; clocks and file systems round. */
const SLACK = 2_000;

const WEB_SERVERS: ReadonlySet<string> = new Set(['apache2', 'httpd', 'httpd.worker', 'httpd.event']);

/**
 * The process whose PID a file names. A PID that now belongs to another program, younger than the file, was taken after
 * the server died: then none runs. (Age alone would not do: setting the clock moves start times, not those of files.)
 */
export async function findServerProcess(pidFile: string): Promise<ServerProcess | undefined> {
  try {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    const [status, { mtimeMs }, boot] = await Promise.all([readFile(`/proc/${String(pid)}/stat`, 'utf8'), stat(pidFile), bootTime()]);
    const { name, state, startTicks } = parseProcessStatus(status);
    if (state === 'Z' || state === 'X' || !Number.isFinite(startTicks)) return undefined;
    const startedAtMs = boot + (startTicks * 1000) / TICKS;
    return startedAtMs > mtimeMs + SLACK && !WEB_SERVERS.has(name) ? undefined : { pid, startedAtMs };
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH') return undefined;
    throw thrown;
  }
}

function parseProcessStatus(text: string): { name: string; state: string; startTicks: number } {
  // the program's name stands in parentheses and may hold blanks
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return { name: text.slice(text.indexOf('(') + 1, end), state: fields[0] ?? '', startTicks: Number(fields[19]) };
}

/** Children looked at: a server with more is described well enough by these. */
const MAX_CHILDREN = 1_024;

/**
 * Children of the server's first process that run the same program. User and group are the effective ones: /proc's own
 * owner will not do, for it is root for every process that gave up root.
 */
export async function findServingProcesses(server: ServerProcess, accounts: Accounts): Promise<ServingProcess[]> {
  const proc = `/proc/${String(server.pid)}`;
  const [children, program, boot] = await Promise.all([readOrEmpty(`${proc}/task/${String(server.pid)}/children`), readOrEmpty(`${proc}/comm`), bootTime()]);
  const found: ServingProcess[] = [];
  for (const pid of children.trim().split(/\s+/).filter((word) => /^\d+$/.test(word)).slice(0, MAX_CHILDREN)) {
    const [stat, status] = await Promise.all([readOrEmpty(`/proc/${pid}/stat`), readOrEmpty(`/proc/${pid}/status`)]);
    const { name, state, startTicks } = parseProcessStatus(stat);
    // real, effective, saved and that for files
    const [uid, gid] = ['Uid', 'Gid'].map((field) => new RegExp(`^${field}:\\s*\\d+\\s+(\\d+)`, 'm').exec(status)?.[1]);
    if (name !== program.trim() || state === 'Z' || uid === undefined || gid === undefined) continue;
    found.push({
      pid: Number(pid),
      user: await accounts.userName(Number(uid)),
      group: await accounts.groupName(Number(gid)),
      startedAtMs: boot + (startTicks * 1000) / TICKS,
    });
  }
  return found;
}

/** A process that ended meanwhile has nothing to tell. */
function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Milliseconds since 1970 at which the machine started. */
async function bootTime(): Promise<number> {
  const seconds = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1];
  return Number(seconds ?? 0) * 1000;
}
