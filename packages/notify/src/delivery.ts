import type { StateChange } from '@hsmfleet/contract';
import { createFileSink } from './file-sink.ts';
import { composeMessage } from './message.ts';
import type { Sink } from './sink.ts';
import type { NotifySinks } from './sinks.ts';
import { createSmtpSink } from './smtp.ts';
import { createWebhookSink } from './webhook.ts';

/** Something that a sink is to be told. */
export interface QueuedChange {
  /** Its place in the queue: settled by this. */
  id: number;
  sink: string;
  change: StateChange;
  /** How often it was tried. */
  attempts: number;
  /** ISO 8601. */
  queuedAt: string;
}

/** The durable queue. What was not settled comes again, after a crash too. */
export interface NotificationQueue {
  /** What is due, the oldest first, at most `limit`. */
  pending(now: Date, limit: number): Promise<QueuedChange[]>;
  /** How a try ended; `retryAt` (ISO 8601) null: given up. */
  settle(ids: number[], result: { ok: true } | { ok: false; error: string; retryAt: string | null }): Promise<void>;
}

/** What delivery tells whoever runs it. Texts are one line, without secrets. */
export type DeliveryLog = (level: 'info' | 'warning' | 'error', text: string) => void;

export interface DeliveryOptions {
  sinks: NotifySinks;
  queue: NotificationQueue;
  log: DeliveryLog;
  now?: () => Date;
  /** Milliseconds between two looks into the queue when nobody kicks (default 15 s). */
  pollMs?: number;
  /** Milliseconds before the first retry (default 10 s); it doubles with every further one, up to an hour. */
  firstRetryMs?: number;
  /** Milliseconds that stopping waits for tries under way before it cuts them off (default 3 s). */
  stopMs?: number;
  /** Where sinks with `stdout: true` write. */
  stdout?: NodeJS.WritableStream;
}

export interface Delivery {
  /** Something was queued: look at once. */
  kick(): void;
  /** Takes nothing more from the queue and waits a little for what is under way; what does not end in time stays queued. */
  stop(): Promise<void>;
}

/** Changes that go into one message at most: what is left waits for the next one. */
const MOST_CHANGES = 500;
const LONGEST_RETRY_MS = 3_600_000;

/** A sink and what delivery knows of it. */
interface Lane {
  sink: Sink;
  /** Nothing is sent before: interval after a message, or back-off after a failure. Milliseconds of the clock. */
  notBefore: number;
  busy: Promise<void> | undefined;
  /** Tries that failed in a row. */
  failures: number;
}

/**
 * Delivers what waits in a queue, everything that waits for a sink in one message, each sink for itself. At least once: a
 * change leaves the queue when its sink took it, so that a crash in between sends it again. A message that is tried again has
 * the same changes and so the same id; every change has an id that is equal wherever it appears. One process delivers a queue.
 */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { queue, log, now = () => new Date(), pollMs = 15_000, firstRetryMs = 10_000, stopMs = 3_000 } = options;
  const lanes = new Map(createSinks(options, now).map((sink): [string, Lane] => [sink.name, { sink, notBefore: 0, busy: undefined, failures: 0 }]));
  const stopping = new AbortController();
  /** Results that the queue did not take: told again before anything else. */
  const unsettled = new Map<number, Parameters<NotificationQueue['settle']>[1]>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let queueFails = false;

  function kick(): void {
    if (stopped) return;
    clearTimeout(timer);
    if (looking !== undefined) {
      again = true;
      return;
    }
    looking = look().catch((thrown: unknown) => {
      if (!queueFails) log('error', `the queue of notifications does not answer: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      queueFails = true;
    }).finally(() => {
      looking = undefined;
      if (stopped) return;
      if (again) {
        again = false;
        kick();
      } else timer = setTimeout(kick, pause());
    });
  }

  /** Until a lane is open again, or somebody else may have queued something. */
  function pause(): number {
    const at = now().getTime();
    const opening = [...lanes.values()].filter(({ busy, notBefore }) => busy === undefined && notBefore > at).map(({ notBefore }) => notBefore - at);
    return Math.min(pollMs, ...opening);
  }

  async function look(): Promise<void> {
    for (const [id, result] of [...unsettled]) {
      await queue.settle([id], result);
      unsettled.delete(id);
    }
    const at = now();
    const open = [...lanes.values()].filter(({ busy, notBefore }) => busy === undefined && notBefore <= at.getTime());
    // without a sink there may still be something to give up
    if (open.length === 0 && lanes.size > 0) return;
    const waiting = await readQueue(at, open);
    queueFails = false;
    await dropUnknown(waiting);
    for (const lane of open) {
      const batch = batchOf(waiting.filter(({ sink }) => sink === lane.sink.name));
      if (batch.length > 0 && !stopped) lane.busy = deliver(lane, batch).finally(() => { lane.busy = undefined; kick(); });
    }
  }

  /** What is due. Sinks that wait may fill what one look takes, so it looks further until those that are open have something. */
  async function readQueue(at: Date, open: readonly Lane[]): Promise<QueuedChange[]> {
    for (let limit = 1_000; ; limit *= 4) {
      const waiting = await queue.pending(at, limit);
      if (waiting.length < limit || limit > 100_000 || open.every(({ sink }) => waiting.some((item) => item.sink === sink.name))) return waiting;
    }
  }

  async function dropUnknown(waiting: readonly QueuedChange[]): Promise<void> {
    const unknown = waiting.filter(({ sink }) => !lanes.has(sink));
    if (unknown.length === 0) return;
    log('error', `${unknown.length === 1 ? '1 notification is' : `${String(unknown.length)} notifications are`} given up: there is no sink named ${[...new Set(unknown.map(({ sink }) => sink))].join(', ')} any more`);
    await settle(unknown.map(({ id }) => id), { ok: false, error: 'there is no such sink any more', retryAt: null });
  }

  async function deliver(lane: Lane, batch: readonly QueuedChange[]): Promise<void> {
    const { sink } = lane;
    const ids = batch.map(({ id }) => id);
    try {
      const warnings = await sink.send(composeMessage(batch.map(({ change }) => change)), stopping.signal);
      lane.failures = 0;
      lane.notBefore = now().getTime() + sink.intervalMs;
      for (const warning of warnings) log('warning', `notification by ${sink.name}: ${warning}`);
      log('info', `told ${sink.name} of ${changesText(batch.length)}`);
      await settle(ids, { ok: true });
    } catch (thrown) {
      // cut off by stopping: it stays queued as it is, and comes again after the next start
      if (stopping.signal.aborted) return;
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      const asked = (thrown as { retryAfterMs?: number }).retryAfterMs ?? 0;
      const attempts = Math.max(lane.failures, ...batch.map((item) => item.attempts));
      lane.failures += 1;
      const at = now().getTime();
      lane.notBefore = at + Math.max(asked, backOff(attempts, firstRetryMs));
      const givenUp = lane.notBefore - Math.max(...batch.map(({ queuedAt }) => Date.parse(queuedAt))) > sink.giveUpMs;
      if (givenUp) {
        // the next message is another one, and may fare better
        lane.notBefore = at + Math.max(asked, sink.intervalMs);
        log('error', `${sink.name} could not be told of ${changesText(batch.length)}, given up after ${String(attempts + 1)} tries: ${error}`);
      } else log('warning', `${sink.name} could not be told of ${changesText(batch.length)}, again at ${new Date(lane.notBefore).toISOString()}: ${error}`);
      await settle(ids, { ok: false, error, retryAt: givenUp ? null : new Date(lane.notBefore).toISOString() });
    }
  }

  /** Never rejects: what the queue does not take is kept and told again, and not delivered twice while this process lives. */
  async function settle(ids: number[], result: Parameters<NotificationQueue['settle']>[1]): Promise<void> {
    try {
      await queue.settle(ids, result);
    } catch (thrown) {
      for (const id of ids) unsettled.set(id, result);
      log('error', `the queue of notifications did not take a result: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  kick();
  return {
    kick,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      const patience = setTimeout(() => { stopping.abort(); }, stopMs);
      await looking;
      await Promise.all([...lanes.values()].map(({ busy }) => busy));
      clearTimeout(patience);
    },
  };
}

function createSinks({ sinks, stdout }: DeliveryOptions, now: () => Date): Sink[] {
  return [
    ...sinks.webhook.map((config) => createWebhookSink(config, now)),
    ...sinks.smtp.map((config) => createSmtpSink(config)),
    ...sinks.file.map((config) => createFileSink(config, stdout)),
  ];
}

/**
 * What goes into the next message: what was tried before alone, as it was, so that its id is the same; otherwise all that waits.
 */
function batchOf(waiting: readonly QueuedChange[]): QueuedChange[] {
  const most = waiting.reduce((attempts, item) => Math.max(attempts, item.attempts), 0);
  return waiting.filter(({ attempts }) => attempts === most).slice(0, MOST_CHANGES);
}

/** Doubles with every try; a tenth up or down keeps several senders from returning at once. */
function backOff(attempts: number, first: number): number {
  return Math.min(LONGEST_RETRY_MS, first * 2 ** Math.min(attempts, 20)) * (0.9 + Math.random() * 0.2);
}

function changesText(count: number): string {
  return `${String(count)} change${count === 1 ? '' : 's'}`;
}
