import type { ScheduleState } from '@hsmfleet/contract';
import { TurnQueue, type Turn } from './turn-queue.ts';
import { ENDINGS, type Reason, type Schedule, type ScheduleStatus, type SchedulerPort } from './model.ts';
import { parseWhen, type When } from './when.ts';

/** Sleeps are cut into pieces, so that a machine that slept, or whose clock was set, notices soon. */
const LONGEST_SLEEP_MS = 60_000;
/** How long a run that was told to stop may take until it is told of. */
const OVERDUE_AFTER_MS = 60_000;

export interface SchedulerLimits {
  /** Runs at once, of all schedules. */
  concurrency: number;
}

/** What somebody who asks for a run right now is told, and the id of the run that was asked for, or that is under way already. */
export type Asked = { answer: 'started' | 'waiting' | 'running'; id: string } | { answer: 'unknown' };

interface Entry<S extends Schedule> {
  schedule: S;
  when: When;
  state: ScheduleState;
  /** The time that it is due next, and when that begins; null when it never is. */
  next: { dueAt: Date; beginAt: number } | null;
  running: { id: string; since: Date; reason: Reason; controller: AbortController; ended: Promise<void> } | null;
  removed: boolean;
}

/**
 * Runs schedules when they are due: each never twice at once, not more of them at a time than allowed, and those that share a
 * key one after the other. What was due while nobody was there is run once on return, however often it was due.
 */
export class Scheduler<S extends Schedule = Schedule> {
  readonly #port: SchedulerPort<S>;
  readonly #entries = new Map<string, Entry<S>>();
  readonly #queue: TurnQueue;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(port: SchedulerPort<S>, limits: SchedulerLimits) {
    this.#port = port;
    this.#queue = new TurnQueue(limits.concurrency);
  }

  /**
   * Takes a list of schedules, at first and whenever it changes. Running ones go on, also those that are not in the list any
   * more; what waits and is not in the list is dropped.
   * @throws HsmfleetError USAGE for a cron expression or a time zone that is none: nothing has changed then
   * @throws what {@link SchedulerPort.states} throws
   */
  async load(schedules: readonly S[], limits?: SchedulerLimits): Promise<void> {
    const parsed = schedules.map((schedule) => ({ schedule, when: parseWhen(schedule.cron, schedule.timezone) }));
    const states = new Map((await this.#port.states()).map((state) => [state.name, state]));
    if (this.#stopped) return;
    if (limits !== undefined) this.#queue.concurrency = limits.concurrency;
    const names = new Set(schedules.map(({ name }) => name));
    for (const [name, entry] of this.#entries) if (!names.has(name)) this.#remove(name, entry);
    for (const { schedule, when } of parsed) {
      const known = this.#entries.get(schedule.name);
      if (known === undefined) await this.#add(schedule, when, states.get(schedule.name));
      else this.#change(known, schedule, when);
    }
    this.#startWaiting();
    this.#sleep();
  }

  /** Runs a schedule now; its regular times stay as they are. */
  ask(name: string): Asked {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.removed || this.#stopped) return { answer: 'unknown' };
    if (entry.running !== null) return { answer: 'running', id: entry.running.id };
    const { id } = this.#enqueue(entry, new Date(), 'asked');
    this.#startWaiting();
    return { answer: this.#queue.has(name) ? 'waiting' : 'started', id };
  }

  status(): ScheduleStatus<S>[] {
    return [...this.#entries.values()].map(({ schedule, state, next, running, removed }) => ({
      schedule, state, removed,
      nextAt: next === null || removed ? null : new Date(next.beginAt),
      running: running === null ? null : { id: running.id, since: running.since, reason: running.reason },
      waiting: this.#queue.has(schedule.name),
    }));
  }

  /**
   * Begins nothing any more; waits for what runs, tells it to stop after `patienceMs`, and waits `endMs` at most for it to do
   * so. What did not end by itself is run again on return.
   */
  async stop(limits: { patienceMs: number; endMs: number }): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#queue.clear();
    const running = [...this.#entries.values()].flatMap((entry) => entry.running ?? []);
    const ended = Promise.all(running.map((run) => run.ended));
    await within(ended, limits.patienceMs);
    for (const { controller } of running) controller.abort(ENDINGS.stopped);
    await within(ended, limits.endMs);
  }

  async #add(schedule: S, when: When, known: ScheduleState | undefined): Promise<void> {
    const now = new Date();
    const state = known ?? { name: schedule.name, lastDueAt: now.toISOString(), lastStartedAt: null, lastFinishedAt: null, running: null, outcome: null, error: null };
    const entry: Entry<S> = { schedule, when, state, next: null, running: null, removed: false };
    this.#entries.set(schedule.name, entry);
    this.#plan(entry, now);
    // what is to make up for a run makes up for everything else that was missed, too
    if (state.running !== null && (await this.#cutOff(entry, state.running, now))) return;
    if (known === undefined) await this.#save(entry, {});
    const latest = when.latest(now);
    if (entry.state.outcome === ENDINGS.stopped) this.#enqueue(entry, now, 'stopped');
    else if (latest !== null && state.lastDueAt !== null && latest.getTime() > Date.parse(state.lastDueAt)) {
      this.#port.tell({ type: 'missed', schedule: schedule.name, dueAt: latest });
      this.#enqueue(entry, latest, 'missed');
    }
  }

  /**
   * The process ended in the middle of a run, without a word. One that was itself to make up for such a run may be the cause.
   * @returns whether it will be run again
   */
  async #cutOff(entry: Entry<S>, id: string, now: Date): Promise<boolean> {
    const again = entry.state.outcome !== ENDINGS.cutOff;
    const error = 'the process ended in the middle of it';
    this.#port.tell({ type: 'cut_off', schedule: entry.schedule.name, id, again });
    if (!again) {
      await this.#save(entry, { running: null, outcome: ENDINGS.cutOffAgain, error });
      return false;
    }
    // saved when it begins anew: should the process be killed before, it is still known which run was cut off
    entry.state = { ...entry.state, running: null, outcome: ENDINGS.cutOff, error };
    this.#enqueue(entry, now, 'cut off', { id, startedAt: new Date(entry.state.lastStartedAt ?? now) });
    return true;
  }

  #change(entry: Entry<S>, schedule: S, when: When): void {
    const sameTimes = entry.schedule.cron === schedule.cron && entry.schedule.timezone === schedule.timezone && entry.schedule.jitterMs === schedule.jitterMs;
    entry.schedule = schedule;
    entry.when = when;
    if (!sameTimes || entry.removed) this.#plan(entry, new Date());
    entry.removed = false;
    const turn = this.#queue.find(schedule.name);
    if (turn !== undefined) turn.keys = schedule.keys;
  }

  #remove(name: string, entry: Entry<S>): void {
    this.#queue.drop(name);
    entry.removed = true;
    if (entry.running === null) this.#entries.delete(name);
  }

  #plan(entry: Entry<S>, after: Date): void {
    const dueAt = entry.when.next(after);
    const jitter = (this.#port.random ?? Math.random)() * entry.schedule.jitterMs;
    entry.next = dueAt === null ? null : { dueAt, beginAt: dueAt.getTime() + jitter };
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const times = [...this.#entries.values()].flatMap(({ next, removed }) => (next === null || removed ? [] : [next.beginAt]));
    const away = Math.min(...times) - Date.now();
    this.#timer = setTimeout(() => { this.#wake(); }, Math.max(0, Math.min(LONGEST_SLEEP_MS, away)));
  }

  #wake(): void {
    const now = new Date();
    for (const entry of this.#entries.values()) {
      if (entry.next === null || entry.removed || entry.next.beginAt > now.getTime()) continue;
      // after a long sleep of the machine, times in between are not made up for one by one
      const { dueAt } = entry.next;
      this.#plan(entry, dueAt > now ? dueAt : now);
      if (entry.running === null && !this.#queue.has(entry.schedule.name)) this.#enqueue(entry, dueAt, 'due');
      else this.#port.tell({ type: 'skipped', schedule: entry.schedule.name, dueAt });
    }
    this.#startWaiting();
    this.#sleep();
  }

  #enqueue(entry: Entry<S>, dueAt: Date, reason: Reason, cutOff: { id: string; startedAt: Date } | null = null): Turn {
    const { name, keys } = entry.schedule;
    return this.#queue.find(name) ?? this.#queue.add({ name, id: this.#port.newId(cutOff), keys, dueAt, reason });
  }

  #startWaiting(): void {
    if (this.#stopped) return;
    for (const turn of this.#queue.takeReady()) {
      const entry = this.#entries.get(turn.name);
      if (entry !== undefined) this.#start(entry, turn);
    }
  }

  #start(entry: Entry<S>, { id, dueAt, reason }: Turn): void {
    const controller = new AbortController();
    const since = new Date();
    const ended = this.#execute(entry, { id, dueAt, reason, since, controller }).then(() => {
      entry.running = null;
      this.#queue.free(entry.schedule.name);
      if (entry.removed) this.#entries.delete(entry.schedule.name);
      this.#startWaiting();
    });
    entry.running = { id, since, reason, controller, ended };
  }

  /** Never rejects. */
  async #execute(entry: Entry<S>, run: { id: string; dueAt: Date; reason: Reason; since: Date; controller: AbortController }): Promise<void> {
    const { id, dueAt, reason, since, controller } = run;
    const { schedule } = entry;
    // until it has ended, the outcome of the last one stays: by it a run that makes up for another is told
    const dealtWith = Math.max(dueAt.getTime(), entry.when.latest(since)?.getTime() ?? 0, Date.parse(entry.state.lastDueAt ?? '') || 0);
    const before = entry.state;
    const saved = await this.#save(entry, { running: id, lastStartedAt: since.toISOString(), ...(reason === 'asked' ? {} : { lastDueAt: new Date(dealtWith).toISOString() }) });
    if (!saved) {
      // what nobody would know of after a crash is not begun
      entry.state = { ...before, outcome: ENDINGS.failed, error: 'it was not begun: the store did not take down that it begins' };
      return;
    }
    this.#port.tell({ type: 'started', schedule: schedule.name, id, dueAt, reason });
    let overdue: NodeJS.Timeout | undefined;
    controller.signal.addEventListener('abort', () => {
      overdue = setTimeout(() => { this.#port.tell({ type: 'overdue', schedule: schedule.name, id }); }, OVERDUE_AFTER_MS).unref();
    });
    const timeout = setTimeout(() => { controller.abort(ENDINGS.timedOut); }, schedule.timeoutMs);
    let outcome: string;
    let error: string | null = null;
    try {
      outcome = await this.#port.run({ schedule, id, dueAt, reason }, controller.signal);
    } catch (thrown) {
      outcome = controller.signal.aborted ? String(controller.signal.reason) : ENDINGS.failed;
      error = thrown instanceof Error ? thrown.message : reasonText(thrown, schedule);
    }
    clearTimeout(timeout);
    clearTimeout(overdue);
    const finishedAt = new Date();
    await this.#save(entry, { running: null, lastFinishedAt: finishedAt.toISOString(), outcome, error });
    this.#port.tell({ type: 'finished', schedule: schedule.name, id, outcome, error, durationMs: finishedAt.getTime() - since.getTime() });
  }

  /** @returns whether it is saved */
  async #save(entry: Entry<S>, change: Partial<ScheduleState>): Promise<boolean> {
    entry.state = { ...entry.state, ...change };
    try {
      await this.#port.save(entry.state);
      return true;
    } catch (thrown) {
      this.#port.tell({ type: 'state_lost', schedule: entry.schedule.name, error: thrown instanceof Error ? thrown.message : String(thrown) });
      return false;
    }
  }
}

/** What was thrown, if it is no more than the signal's own reason. */
function reasonText(thrown: unknown, { timeoutMs }: Schedule): string {
  if (thrown === ENDINGS.timedOut) return `it took longer than ${String(timeoutMs / 1_000)} seconds`;
  return thrown === ENDINGS.stopped ? 'it was told to stop before it was done' : String(thrown);
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => { timer = setTimeout(resolve, ms); })]);
  clearTimeout(timer);
}
