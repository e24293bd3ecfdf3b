import { closeSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Rendered } from '@hsmfleet/contract';
import { runDirectory } from './journal.ts';
import type { TaskEnd } from './run-context.ts';

/** What a later agent needs to know of a task that ended, so that it goes on as if it had run it itself. */
export interface TaskRecord {
  task: string;
  end: TaskEnd;
  /** Variables that the task left behind. One into which a secret went is not among them. */
  vars: Record<string, Rendered>;
}

/**
 * The tasks of one play that began and ended on this host, as lines of a file beside the journal. A run that was stopped or
 * killed in the middle of a play is taken up from it: the play is walked through again, and what is written here is not done
 * a second time. Each line is handed to the system before the next task begins.
 */
export class TaskLog {
  readonly #file: number;
  readonly #ended = new Map<string, TaskRecord>();
  /** Ended before changes of the web server were put back. */
  readonly #doubtful = new Set<string>();
  readonly #begun = new Set<string>();
  /** Asked for elsewhere, and the answer was lost. */
  readonly #waiting = new Set<string>();

  /** Opens or creates the log of a play. @throws Error of the file system */
  constructor(stateDir: string, run: string, play: number) {
    const path = join(runDirectory(stateDir, run), `tasks-${String(play)}.ndjson`);
    this.#file = openSync(path, 'a+', 0o600);
    let end = 0;
    for (const line of readFileSync(path, 'utf8').split(/(?<=\n)/)) {
      // the writer was killed in the middle of it
      if (!line.endsWith('\n')) break;
      end += Buffer.byteLength(line);
      if (line === '\n') continue;
      const entry = JSON.parse(line) as { begun: string } | { waits: string; asked: boolean } | { putBack: true } | TaskRecord;
      if ('begun' in entry) this.#begun.add(entry.begun);
      else if ('waits' in entry) {
        this.#begun.delete(entry.waits);
        if (entry.asked) this.#waiting.add(entry.waits);
      } else if ('putBack' in entry) this.#doubtAll();
      else {
        this.#ended.set(entry.task, entry);
        this.#doubtful.delete(entry.task);
      }
    }
    if (end < statSync(path).size) truncateSync(path, end);
  }

  /** How a task ended in an earlier agent of this run; undefined when it did not. */
  recall(task: string): TaskRecord | undefined {
    return this.#ended.get(task);
  }

  /** Did a task begin in an earlier agent that was killed before the task ended? */
  wasCutOff(task: string): boolean {
    return this.#begun.has(task) && !this.#ended.has(task);
  }

  /** May what a task did be undone, so that it has to be looked at again? */
  isDoubtful(task: string): boolean {
    return this.#doubtful.has(task);
  }

  /** Changes of the web server were put back: whoever made them has to look again when the play goes on. */
  putBack(): void {
    this.#doubtAll();
    writeSync(this.#file, `${JSON.stringify({ putBack: true })}\n`);
  }

  begin(task: string): void {
    writeSync(this.#file, `${JSON.stringify({ begun: task })}\n`);
  }

  /** A task needs the control host, which is gone: it has done nothing here. @param asked another host may have done its work */
  wait(task: string, asked: boolean): void {
    writeSync(this.#file, `${JSON.stringify({ waits: task, asked })}\n`);
  }

  /** Did an earlier agent have another host do the task, without hearing what came of it? */
  wasWaiting(task: string): boolean {
    return this.#waiting.has(task);
  }

  /** The record must hold no secret. */
  end(record: TaskRecord): void {
    writeSync(this.#file, `${JSON.stringify(record)}\n`);
  }

  #doubtAll(): void {
    for (const task of this.#ended.keys()) this.#doubtful.add(task);
  }

  close(): void {
    closeSync(this.#file);
  }
}
