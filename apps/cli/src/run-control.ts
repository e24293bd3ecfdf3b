import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { HsmfleetError } from '@hsmfleet/contract';
import type { RunnerPlay } from '@hsmfleet/runner';
import type { RunCancel, RunControl, Store } from '@hsmfleet/store';

/** What is kept of an `apply` beside its events. It holds no secret: values of `-e` are not in it, just their names. */
export interface KeptRequest {
  version: 1;
  /** As it was given; relative to the folder. */
  playbook: string;
  /** Folder in which the command was given. */
  folder: string;
  /** Options of the command line by their camel-cased names, those of {@link GIVEN_ANEW} aside. */
  options: Record<string, unknown>;
  /** `@FILE` of `-e`, in order. */
  extraFiles: string[];
  /** Names of variables whose values stood on the command line. */
  extraNames: string[];
  /** What each play came to, and which user it acts as through sudo. */
  plays: { name: string; digest: string; become?: string | undefined }[];
  /** Version of the program. */
  program: string;
  /** The run whose hosts are tried again. */
  retryOf?: string;
}

/** Options that belong to the person at the keyboard rather than to the run. */
export const GIVEN_ANEW: ReadonlySet<string> = new Set(['step', 'resume', 'retry', 'extraVars', 'askBecomePass', 'askPass', 'vaultId', 'vaultPasswordFile', 'yes', 'verbose', 'json', 'debug', 'forks', 'workers', 'project']);

/** The process that controls a run, told from others of its machine by the time it started. */
export interface RunHolder {
  machine: string;
  pid: number;
  /** From /proc, empty where there is none. */
  started: string;
  /** "anna@desk" */
  user: string;
}

export function ownHolder(user: string): RunHolder {
  return { machine: hostname(), pid: process.pid, started: startOf(process.pid), user };
}

/** After so many milliseconds without a sign of life the process of a run on another machine counts as gone. */
const SILENT_MS = 20_000;

/** Does the process that controls the run still live, as far as can be told from here? */
export function isHeld({ holder, heardAt }: Pick<RunControl, 'holder' | 'heardAt'>, now = Date.now()): boolean {
  const { machine, pid, started } = holder as RunHolder;
  if (machine === hostname() && started !== '') return startOf(pid) === started;
  return now - Date.parse(heardAt) < SILENT_MS;
}

/** Clock ticks from the boot to a process's start, and the boot; empty when there is no such process. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : `${fields[19] ?? ''} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return '';
  }
}

/**
 * What a play comes to on its hosts, as a digest of all its plans: another playbook, variable, file or list of hosts gives
 * another one. Values of secrets have no part in it, since a digest of a PIN can be turned back into the PIN.
 */
export function playDigest(play: RunnerPlay): string {
  const hash = createHash('sha256').update(JSON.stringify([play.index, play.name, play.batches]));
  for (const [host, plan] of play.plans) {
    const origins = Object.entries(plan.secrets).map(([name, { origin }]) => [name, origin]);
    hash.update(JSON.stringify([host, origins, { ...plan, run: undefined, user: undefined, secrets: undefined }]));
  }
  return hash.digest('hex').slice(0, 32);
}

/** Throws when what is asked for now is not what the run was. @throws HsmfleetError USAGE */
export function checkUnchanged(run: string, kept: KeptRequest, plays: readonly RunnerPlay[], program: string): void {
  const changed = plays.find((play, at) => kept.plays[at]?.digest !== playDigest(play));
  if (changed === undefined && plays.length === kept.plays.length) return;
  const what = changed === undefined ? `the playbook has ${String(plays.length)} plays now, and had ${String(kept.plays.length)}` : `the play "${changed.name}" is not what it was`;
  throw new HsmfleetError('USAGE', `run ${run} cannot be taken up again: ${what} (${kept.playbook}, a file, a variable or a hosts file that it uses has changed${program === kept.program ? '' : `, or hsmfleet, which was ${kept.program} and is ${program}`})`, {
    hint: `put it back as it was; or begin anew: hsmfleet apply --retry ${run} runs what is there now on the hosts that failed, hsmfleet apply ${kept.playbook} on all`,
  });
}

/** How often the process of a run looks whether somebody wants the run to end, milliseconds. */
const LOOK_MS = 1_500;

/** Tells that the process of a run lives, and hears when the run is to end. */
export class RunWatch {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #cancel: RunCancel | undefined;

  constructor(store: Store, run: string, note: (text: string) => void) {
    this.#timer = setInterval(() => {
      // a store that cannot be written to is told of at the end of the run
      store.touchRun(run).then((cancel) => {
        if (cancel === undefined || this.#cancel !== undefined) return;
        this.#cancel = cancel;
        note(`${cancelText(cancel)}: every host ends its current task`);
        this.#abort.abort(cancelText(cancel));
      }, () => undefined);
    }, LOOK_MS);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Who ended the run, if anybody did. */
  get cancel(): RunCancel | undefined {
    return this.#cancel;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** "stopped by anna@desk: the wrong hosts" */
export function cancelText({ by, reason }: Pick<RunCancel, 'by' | 'reason'>): string {
  return `stopped by ${by}${reason === '' ? '' : `: ${reason}`}`;
}
