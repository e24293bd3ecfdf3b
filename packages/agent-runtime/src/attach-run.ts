import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError, type AgentFrame, type RunEvent } from '@hsmfleet/contract';
import { readRunMeta, runDirectory, type RunMeta } from './journal.ts';
import { isAlive } from './process-identity.ts';

/** Milliseconds between two looks at the journal of a run that goes on. */
const POLL_MS = 50;
const CHUNK = 256 * 1024;

export interface AttachOptions {
  stateDir: string;
  run: string;
  /** Number of the last event that the control host has; -1 for none. */
  afterSeq: number;
  send: (frame: AgentFrame) => void;
  /** Awaited between chunks: lets a slow reader catch up. */
  ready: () => Promise<void>;
  signal: AbortSignal;
  /** Just the events until here, without `done`: the run goes on in this process. */
  eventsOnly?: boolean;
  /** Just to the end of this play, when the host is in a later one or through with it. */
  untilPlay?: number;
}

/**
 * Replays a run's journal and reads on until the play that it is in has ended; then `done` with its status. When the
 * process of the run died in the middle, an `error` frame says so.
 * @throws HsmfleetError AGENT when this host does not know the run
 */
export async function attachRun(options: AttachOptions): Promise<void> {
  const { stateDir, run, send } = options;
  const known = readRunMeta(stateDir, run);
  if (known === undefined) {
    throw new HsmfleetError('AGENT', `this host knows no run ${run}`, { hint: 'its plan never arrived here: start it again' });
  }
  const file = openSync(join(runDirectory(stateDir, run), 'journal.ndjson'), 'r');
  try {
    const reader = new JournalReader(file, options.afterSeq);
    for (;;) {
      // the status is read before the events: an end that it tells has all of its events in the journal
      const meta = readRunMeta(stateDir, run) ?? known;
      const over = meta.status !== 'running' || !isAlive(meta.process);
      for (let events = reader.next(); events !== undefined; events = reader.next()) {
        for (const event of events) {
          send({ type: 'event', event });
          if (event.type !== 'host_finished' || event.play !== options.untilPlay) continue;
          send({ type: 'done', play: event.play, status: event.status });
          return;
        }
        await options.ready();
      }
      if (options.signal.aborted) return;
      if (over) {
        if (options.eventsOnly !== true) finish(meta, run, send);
        return;
      }
      await sleep(POLL_MS);
    }
  } finally {
    closeSync(file);
  }
}

function finish(meta: RunMeta, run: string, send: AttachOptions['send']): void {
  if (meta.status !== 'running') {
    send({ type: 'done', play: meta.play.index, status: meta.status });
    return;
  }
  const error = new HsmfleetError('CONNECTION_LOST', `the agent of run ${run} ended in the middle of play "${meta.play.name}"`, {
    hint: `look for what killed it (memory, a reboot), then take the run up again: hsmfleet apply --resume ${run}`,
  });
  send({ type: 'error', error: error.toShape() });
}

/** Reads complete lines of a growing journal. */
class JournalReader {
  readonly #file: number;
  readonly #afterSeq: number;
  readonly #chunk = Buffer.alloc(CHUNK);
  #rest = Buffer.alloc(0);

  constructor(file: number, afterSeq: number) {
    this.#file = file;
    this.#afterSeq = afterSeq;
  }

  /** The next events; undefined when there is nothing more for now. */
  next(): RunEvent[] | undefined {
    const count = readSync(this.#file, this.#chunk, 0, CHUNK, null);
    if (count === 0) return undefined;
    const bytes = Buffer.concat([this.#rest, this.#chunk.subarray(0, count)]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#rest = bytes.subarray(end);
    return bytes
      .toString('utf8', 0, end)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RunEvent)
      .filter((event) => event.seq > this.#afterSeq);
  }
}
