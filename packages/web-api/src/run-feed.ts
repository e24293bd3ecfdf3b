import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api-error.ts';
import type { Identity } from './auth/guard.ts';
import type { DashboardData } from './data-port.ts';
import { toLiveEvent } from './live-event.ts';

/** Bounds of event streams; times in milliseconds. */
export interface FeedLimits {
  /** Streams at the same time, of everybody and of one user. */
  streams: number;
  perUser: number;
  /** Between two looks at the store. */
  pollMs: number;
  /** A comment is sent after this time of silence, so that proxies keep the connection and dead ones are noticed. */
  heartbeatMs: number;
  /** A stream ends after this time; browsers come back by themselves and go on where they were. */
  longestMs: number;
}

export const FEED_LIMITS: FeedLimits = { streams: 100, perUser: 12, pollMs: 500, heartbeatMs: 15_000, longestMs: 15 * 60_000 };

/** Events read from the store at a time. */
const BATCH = 200;

/**
 * Streams of a run's events, read from the store: so a run is followed whoever runs it, this process, a worker or a person at
 * a terminal. A client that reads slowly slows its own stream down only.
 */
export class RunFeed {
  readonly #data: DashboardData;
  readonly #limits: FeedLimits;
  readonly #stillIn: (identity: Identity) => Promise<boolean>;
  readonly #open = new Map<Readable, string>();

  constructor(data: DashboardData, limits: FeedLimits, stillIn: (identity: Identity) => Promise<boolean>) {
    this.#data = data;
    this.#limits = limits;
    this.#stillIn = stillIn;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** @throws ApiError BUSY when there are too many */
  open(run: string, after: string | undefined, identity: Identity): Readable {
    const own = [...this.#open.values()].filter((user) => user === identity.user).length;
    if (this.#open.size >= this.#limits.streams || own >= this.#limits.perUser) {
      throw new ApiError('BUSY', 'too many runs are followed at the same time', { hint: 'close other pages', headers: { 'retry-after': '10' } });
    }
    const stop = new AbortController();
    const stream = Readable.from(this.#messages(run, after, identity, stop.signal), { objectMode: false, highWaterMark: 65_536 });
    this.#open.set(stream, identity.user);
    stream.once('close', () => {
      stop.abort();
      this.#open.delete(stream);
    });
    return stream;
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of this.#open.keys()) stream.destroy();
  }

  async *#messages(run: string, after: string | undefined, identity: Identity, signal: AbortSignal): AsyncGenerator<string> {
    const end = Date.now() + this.#limits.longestMs;
    let position = after;
    let silentSince = Date.now();
    let first = true;
    yield 'retry: 2000\n\n';
    while (!signal.aborted && Date.now() < end) {
      const events = await this.#data.runEvents(run, position, BATCH);
      let text = '';
      let over = false;
      for (const { position: at, event } of events) {
        position = at;
        const live = toLiveEvent(event);
        if (live !== undefined) text += `id: ${at}\nevent: event\ndata: ${JSON.stringify(live)}\n\n`;
        over ||= event.type === 'run_finished';
      }
      if (first && events.length === 0) over = await this.#isOver(run);
      first = false;
      if (over && events.length < BATCH) {
        yield `${text}event: end\ndata: {}\n\n`;
        return;
      }
      if (text === '' && Date.now() - silentSince >= this.#limits.heartbeatMs) {
        if (!(await this.#stillIn(identity))) return;
        text = ': still here\n\n';
      }
      if (text !== '') {
        silentSince = Date.now();
        yield text;
      }
      if (events.length < BATCH) await sleep(this.#limits.pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #isOver(run: string): Promise<boolean> {
    const detail = await this.#data.run(run);
    return detail === undefined || !detail.live;
  }
}
