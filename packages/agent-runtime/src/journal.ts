import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EventBody, Rendered, RunEvent } from '@hsmfleet/contract';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import type { PlayStatus } from './run-plan.ts';

/** What `meta.json` of a run says. `running` with a dead process means that the run was killed. */
export interface RunMeta {
  run: string;
  user: string;
  host: string;
  check: boolean;
  /** The play that runs or ran last. */
  play: { index: number; name: string };
  /** ISO 8601. */
  started: string;
  finished?: string;
  status: 'running' | PlayStatus;
  process: ProcessIdentity;
}

/** Directory of a run. The run id's pattern (letters, digits, dashes) is part of the plan's schema. */
export function runDirectory(stateDir: string, run: string): string {
  return join(stateDir, 'runs', run);
}

/**
 * The journal of one run on this host: every event as a line of `journal.ndjson`, in the order of `seq`. It goes
 * on where an earlier process of the same run stopped.
 */
export class Journal {
  readonly #directory: string;
  readonly #file: number;
  readonly #run: string;
  readonly #host: string;
  #seq: number;
  #meta: RunMeta | undefined;
  #lines = '';

  /** Opens or creates a run's journal. @throws Error of the file system */
  constructor(stateDir: string, run: string, host: string) {
    this.#directory = runDirectory(stateDir, run);
    this.#run = run;
    this.#host = host;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#seq = nextSeq(join(this.#directory, 'journal.ndjson'));
    this.#file = openSync(join(this.#directory, 'journal.ndjson'), 'a', 0o600);
  }

  /** Writes down that a play begins. */
  begin(play: { index: number; name: string }, user: string, check: boolean): void {
    const started = new Date().toISOString();
    this.#writeMeta({ run: this.#run, user, host: this.#host, check, play, started, status: 'running', process: ownIdentity() });
  }

  /** Writes down how the play ended. */
  end(status: PlayStatus): void {
    this.flush();
    const meta = this.#meta ?? this.#earlierMeta();
    if (meta !== undefined) this.#writeMeta({ ...meta, status, finished: new Date().toISOString() });
  }

  /** Keeps variables for a later process of this run. They must hold no secret. */
  saveVars(vars: Record<string, Rendered>): void {
    this.#replace('vars.json', JSON.stringify(vars));
  }

  /** Variables that an earlier process of this run kept; none when there was none. */
  loadVars(): Record<string, Rendered> {
    const path = join(this.#directory, 'vars.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Rendered>) : {};
  }

  /** Stamps an event; {@link Journal.flush} writes it down. The body must be redacted already. */
  append(body: EventBody): RunEvent {
    const event = { seq: this.#seq, at: new Date().toISOString(), run: this.#run, host: this.#host, ...body } as RunEvent;
    this.#seq += 1;
    this.#lines += `${JSON.stringify(event)}\n`;
    return event;
  }

  /** Writes down what was appended: one call of the system for many events. */
  flush(): void {
    const bytes = Buffer.from(this.#lines, 'utf8');
    this.#lines = '';
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  /** What an earlier process of this run wrote. */
  #earlierMeta(): RunMeta | undefined {
    const path = join(this.#directory, 'meta.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunMeta) : undefined;
  }

  #writeMeta(meta: RunMeta): void {
    this.#meta = meta;
    this.#replace('meta.json', JSON.stringify(meta));
  }

  #replace(name: string, text: string): void {
    const path = join(this.#directory, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Was a play begun that no agent brought to its end: it was told to stop in the middle, or its agent was killed? */
export function isUnfinished(meta: RunMeta): boolean {
  return meta.status === 'stopped' || (meta.status === 'running' && !isAlive(meta.process));
}

/** Who asked that the run ends on this host, and why; undefined when nobody did. */
export function readCancel(stateDir: string, run: string): { by: string; reason: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(runDirectory(stateDir, run), 'cancel.json'), 'utf8')) as { by: string; reason: string };
  } catch {
    return undefined;
  }
}

/** Writes down who asked that the run ends on this host. @throws Error of the file system when the host does not know the run */
export function writeCancel(stateDir: string, run: string, cancel: { by: string; reason: string }): void {
  writeFileSync(join(runDirectory(stateDir, run), 'cancel.json'), JSON.stringify(cancel), { mode: 0o600 });
}

/** Forgets that a run was to end: it is taken up again. */
export function clearCancel(stateDir: string, run: string): void {
  rmSync(join(runDirectory(stateDir, run), 'cancel.json'), { force: true });
}

/** What is known of a run; undefined when this host does not know it. */
export function readRunMeta(stateDir: string, run: string): RunMeta | undefined {
  try {
    return JSON.parse(readFileSync(join(runDirectory(stateDir, run), 'meta.json'), 'utf8')) as RunMeta;
  } catch {
    return undefined;
  }
}

/**
 * The number after the last event of a journal. A half-written last line (its writer was killed) is cut off, for it
 * would spoil the next line.
 */
function nextSeq(path: string): number {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return 0;
  }
  const end = bytes.lastIndexOf(0x0a);
  if (end + 1 < bytes.length) truncateSync(path, end + 1);
  if (end === -1) return 0;
  const start = bytes.lastIndexOf(0x0a, end - 1) + 1;
  return (JSON.parse(bytes.toString('utf8', start, end)) as { seq: number }).seq + 1;
}
