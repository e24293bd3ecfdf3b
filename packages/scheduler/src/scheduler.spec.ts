import type { ScheduleState } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENDINGS, type Schedule, type ScheduledRun, type SchedulerEvent } from './model.ts';
import { Scheduler } from './scheduler.ts';

/** A state that outlives schedulers, as the store does, and runs that end when the test says so. */
class World {
  readonly states = new Map<string, ScheduleState>();
  readonly runs: { run: ScheduledRun; signal: AbortSignal; finish(outcome?: string): void; fail(error: unknown): void }[] = [];
  readonly events: SchedulerEvent[] = [];
  readonly schedulers: Scheduler[] = [];
  saveFails = false;
  #ids = 0;

  scheduler(concurrency = 4, random = 0): Scheduler {
    const scheduler = new Scheduler({
      run: (run, signal) => new Promise<string>((resolve, reject) => {
        this.runs.push({ run, signal, finish: (outcome = 'pass') => { resolve(outcome); }, fail: reject });
      }),
      states: () => Promise.resolve([...this.states.values()]),
      save: (state) => {
        if (this.saveFails) return Promise.reject(new Error('the disk is full'));
        this.states.set(state.name, state);
        return Promise.resolve();
      },
      // as a fleet does it whose hosts may still be at work for the run that was cut off
      newId: (cutOff) => cutOff?.id ?? `run-${String(++this.#ids)}`,
      tell: (event) => { this.events.push(event); },
      random: () => random,
    }, { concurrency });
    this.schedulers.push(scheduler);
    return scheduler;
  }

  of<T extends SchedulerEvent['type']>(type: T): Extract<SchedulerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<SchedulerEvent, { type: T }> => event.type === type);
  }

  /** `hourly asked` for every run that was begun. */
  begun(): string[] {
    return this.runs.map(({ run }) => `${run.schedule.name} ${run.reason}`);
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const schedule = (name: string, change: Partial<Schedule> = {}): Schedule => ({
  name, cron: '0 * * * *', timezone: 'UTC', jitterMs: 0, timeoutMs: 20 * 24 * HOUR, keys: [], ...change,
});
const NO_PATIENCE = { patienceMs: 0, endMs: 0 };

let world: World;

// schedules are about hours and days, which no test can wait for: the clock is a fake one, all else is real
beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T00:30:00Z') });
  world = new World();
});
afterEach(async () => {
  vi.useRealTimers();
  for (const scheduler of world.schedulers) await scheduler.stop(NO_PATIENCE);
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a schedule', () => {
  it('is run when it is due, and its state is kept', async () => {
    await world.scheduler().load([schedule('hourly')]);
    await pass(29 * MINUTE);
    expect(world.begun()).toEqual([]);
    await pass(MINUTE);
    expect(world.begun()).toEqual(['hourly due']);
    expect(world.states.get('hourly')).toMatchObject({ running: 'run-1', lastDueAt: '2026-03-01T01:00:00.000Z', lastStartedAt: '2026-03-01T01:00:00.000Z', lastFinishedAt: null, outcome: null });
    world.runs[0]?.finish('fail');
    await pass(2 * MINUTE);
    expect(world.states.get('hourly')).toMatchObject({ running: null, outcome: 'fail', error: null });
    await pass(HOUR);
    expect(world.begun()).toEqual(['hourly due', 'hourly due']);
  });

  it('begins later by chance within its jitter', async () => {
    await world.scheduler(4, 0.5).load([schedule('hourly', { jitterMs: 20 * MINUTE })]);
    await pass(39 * MINUTE);
    expect(world.begun()).toEqual([]);
    await pass(MINUTE);
    expect(world.runs[0]?.run.dueAt.toISOString()).toBe('2026-03-01T01:00:00.000Z');
    expect(world.states.get('hourly')?.lastStartedAt).toBe('2026-03-01T01:10:00.000Z');
  });

  it('is never run twice at once', async () => {
    await world.scheduler().load([schedule('hourly')]);
    await pass(3 * HOUR);
    expect(world.begun()).toEqual(['hourly due']);
    expect(world.of('skipped').map(({ dueAt }) => dueAt.toISOString())).toEqual(['2026-03-01T02:00:00.000Z', '2026-03-01T03:00:00.000Z']);
    world.runs[0]?.finish();
    await pass(HOUR);
    expect(world.begun()).toHaveLength(2);
  });

  it('that threw has failed, and is run again when it is due', async () => {
    await world.scheduler().load([schedule('hourly')]);
    await pass(HOUR);
    world.runs[0]?.fail(new Error('no hosts file'));
    await pass(0);
    expect(world.states.get('hourly')).toMatchObject({ running: null, outcome: ENDINGS.failed, error: 'no hosts file' });
    await pass(HOUR);
    expect(world.begun()).toHaveLength(2);
  });

  it('is told to stop when it takes too long, and keeps its place until it does', async () => {
    await world.scheduler().load([schedule('hourly', { timeoutMs: 5 * MINUTE })]);
    await pass(30 * MINUTE + 5 * MINUTE - 1);
    expect(world.runs[0]?.signal.aborted).toBe(false);
    await pass(1);
    expect(world.runs[0]?.signal.aborted).toBe(true);
    await pass(MINUTE);
    expect(world.of('overdue')).toEqual([{ type: 'overdue', schedule: 'hourly', id: 'run-1' }]);
    await pass(2 * HOUR);
    expect(world.begun()).toEqual(['hourly due']);
    world.runs[0]?.fail(world.runs[0].signal.reason);
    await pass(HOUR);
    expect(world.of('finished')[0]).toMatchObject({ outcome: ENDINGS.timedOut, error: 'it took longer than 300 seconds' });
    expect(world.begun()).toHaveLength(2);
  });

  it('that the store does not know of is not begun', async () => {
    await world.scheduler().load([schedule('hourly')]);
    world.saveFails = true;
    await pass(HOUR);
    expect(world.begun()).toEqual([]);
    expect(world.of('state_lost')[0]?.error).toBe('the disk is full');
    world.saveFails = false;
    await pass(HOUR);
    expect(world.begun()).toEqual(['hourly due']);
  });

  it('is run when somebody asks, and at its own time all the same', async () => {
    const scheduler = world.scheduler();
    await scheduler.load([schedule('hourly')]);
    expect(scheduler.ask('hourly')).toEqual({ answer: 'started', id: 'run-1' });
    await pass(0);
    expect(scheduler.ask('hourly')).toEqual({ answer: 'running', id: 'run-1' });
    expect(scheduler.ask('other')).toEqual({ answer: 'unknown' });
    world.runs[0]?.finish();
    await pass(30 * MINUTE);
    expect(world.begun()).toEqual(['hourly asked', 'hourly due']);
  });

  it('that waits weeks for its time needs no timer that cannot count that far', async () => {
    await world.scheduler().load([schedule('late', { cron: '0 0 27 3 *' })]);
    await pass(26 * 24 * HOUR);
    expect(world.begun()).toEqual(['late due']);
  });

  it('is due on time after the machine slept', async () => {
    await world.scheduler().load([schedule('hourly')]);
    vi.setSystemTime(new Date('2026-03-01T07:10:00Z'));
    await pass(MINUTE);
    expect(world.begun()).toEqual(['hourly due']);
    expect(world.states.get('hourly')?.lastDueAt).toBe('2026-03-01T07:00:00.000Z');
  });
});

describe('several schedules', () => {
  it('are run as many at once as allowed, the others in order', async () => {
    const scheduler = world.scheduler(2);
    await scheduler.load(['a', 'b', 'c', 'd'].map((name) => schedule(name)));
    await pass(30 * MINUTE);
    expect(world.begun()).toEqual(['a due', 'b due']);
    expect(scheduler.status().map(({ waiting }) => waiting)).toEqual([false, false, true, true]);
    world.runs[1]?.finish();
    await pass(0);
    expect(world.begun()).toEqual(['a due', 'b due', 'c due']);
  });

  it('that share a host are run one after the other, and others need not wait for them', async () => {
    await world.scheduler(4).load([
      schedule('a', { keys: ['web01', 'web02'] }), schedule('b', { keys: ['web02', 'web03'] }), schedule('c', { keys: ['web03'] }), schedule('d', { keys: ['web04'] }),
    ]);
    await pass(30 * MINUTE);
    // c waits although web03 is free: it would overtake b
    expect(world.begun()).toEqual(['a due', 'd due']);
    world.runs[0]?.finish();
    await pass(0);
    expect(world.begun()).toEqual(['a due', 'd due', 'b due']);
  });
});

describe('what was missed', () => {
  it('is run once on return, however often it was due', async () => {
    const before = world.scheduler();
    await before.load([schedule('hourly')]);
    await before.stop(NO_PATIENCE);
    await pass(5 * HOUR);
    const after = world.scheduler();
    await after.load([schedule('hourly')]);
    await pass(0);
    expect(world.begun()).toEqual(['hourly missed']);
    expect(world.runs[0]?.run.dueAt.toISOString()).toBe('2026-03-01T05:00:00.000Z');
    world.runs[0]?.finish();
    await pass(0);
    await after.stop(NO_PATIENCE);
    await world.scheduler().load([schedule('hourly')]);
    await pass(0);
    expect(world.begun()).toHaveLength(1);
  });

  it('is nothing for a schedule that was not there then', async () => {
    await world.scheduler().load([schedule('new')]);
    await pass(0);
    expect(world.begun()).toEqual([]);
  });

  it('was within the jitter when the process ended', async () => {
    const before = world.scheduler(4, 0.9);
    await before.load([schedule('hourly', { jitterMs: 20 * MINUTE })]);
    await pass(40 * MINUTE);
    await before.stop(NO_PATIENCE);
    await world.scheduler().load([schedule('hourly', { jitterMs: 20 * MINUTE })]);
    await pass(0);
    expect(world.begun()).toEqual(['hourly missed']);
  });
});

describe('a run that was cut off', () => {
  /** The process is killed: what it still does is of no consequence. */
  const killed = async (): Promise<void> => {
    const saved = new Map([...world.states].map(([name, state]) => [name, { ...state }]));
    const stopped = world.schedulers.splice(0).map((scheduler) => scheduler.stop(NO_PATIENCE));
    await pass(1);
    await Promise.all(stopped);
    world.states.clear();
    for (const [name, state] of saved) world.states.set(name, state);
  };

  it('is told and run again once', async () => {
    await world.scheduler().load([schedule('hourly')]);
    await pass(HOUR);
    await killed();
    await world.scheduler().load([schedule('hourly')]);
    await pass(0);
    expect(world.of('cut_off')).toEqual([{ type: 'cut_off', schedule: 'hourly', id: 'run-1', again: true }]);
    expect(world.begun()).toEqual(['hourly due', 'hourly cut off']);
    // whatever it is that kills the process, it does not do so for ever
    await killed();
    await world.scheduler().load([schedule('hourly')]);
    await pass(0);
    expect(world.of('cut_off')[1]).toEqual({ type: 'cut_off', schedule: 'hourly', id: 'run-1', again: false });
    expect(world.begun()).toHaveLength(2);
    expect(world.states.get('hourly')).toMatchObject({ running: null, outcome: ENDINGS.cutOffAgain });
    await pass(HOUR);
    expect(world.begun().at(-1)).toBe('hourly due');
    await killed();
    await world.scheduler().load([schedule('hourly')]);
    await pass(0);
    expect(world.begun().at(-1)).toBe('hourly cut off');
  });

  it('is run again also when the process was killed before it could begin anew', async () => {
    await world.scheduler().load([schedule('hourly')]);
    await pass(HOUR);
    await killed();
    // no place is free for it
    const blocked = world.scheduler(0);
    await blocked.load([schedule('hourly')]);
    await pass(0);
    await killed();
    await world.scheduler().load([schedule('hourly')]);
    await pass(0);
    expect(world.runs.map(({ run }) => `${run.id} ${run.reason}`)).toEqual(['run-1 due', 'run-1 cut off']);
  });
});

describe('a new list', () => {
  it('lets running ones go on, also those that are gone, and drops what waits', async () => {
    const scheduler = world.scheduler(1);
    await scheduler.load([schedule('gone'), schedule('waits')]);
    await pass(30 * MINUTE);
    await scheduler.load([schedule('new', { cron: '5 * * * *' })], { concurrency: 2 });
    expect(scheduler.status().map(({ schedule: { name }, removed, running, waiting }) => [name, removed, running?.id, waiting])).toEqual([
      ['gone', true, 'run-1', false], ['new', false, undefined, false],
    ]);
    expect(world.runs[0]?.signal.aborted).toBe(false);
    await pass(5 * MINUTE);
    expect(world.begun()).toEqual(['gone due', 'new due']);
    world.runs[0]?.finish();
    await pass(2 * HOUR);
    expect(world.states.get('gone')).toMatchObject({ running: null, outcome: 'pass' });
    expect(scheduler.status().map((status) => status.schedule.name)).toEqual(['new']);
    expect(world.begun()).toEqual(['gone due', 'new due']);
  });

  it('brings one back that is still running without running it twice', async () => {
    const scheduler = world.scheduler();
    await scheduler.load([schedule('hourly')]);
    await pass(30 * MINUTE);
    await scheduler.load([]);
    await scheduler.load([schedule('hourly', { cron: '*/10 * * * *' })]);
    await pass(10 * MINUTE);
    expect(world.begun()).toEqual(['hourly due']);
    world.runs[0]?.finish();
    await pass(10 * MINUTE);
    expect(world.begun()).toEqual(['hourly due', 'hourly due']);
    expect(world.of('cut_off')).toEqual([]);
  });

  it('with a mistake changes nothing', async () => {
    const scheduler = world.scheduler();
    await scheduler.load([schedule('hourly')]);
    await expect(scheduler.load([schedule('other'), schedule('bad', { cron: '61 * * * *' })])).rejects.toThrow('no cron expression');
    expect(scheduler.status().map((status) => status.schedule.name)).toEqual(['hourly']);
    await pass(30 * MINUTE);
    expect(world.begun()).toEqual(['hourly due']);
  });

  it('leaves a time alone that is near, unless it is another', async () => {
    const scheduler = world.scheduler(4, 0.5);
    await scheduler.load([schedule('hourly', { jitterMs: 20 * MINUTE })]);
    await pass(35 * MINUTE);
    await scheduler.load([schedule('hourly', { jitterMs: 20 * MINUTE, timeoutMs: 1 })]);
    await pass(5 * MINUTE);
    expect(world.begun()).toEqual(['hourly due']);
  });
});

describe('the end', () => {
  it('waits for what runs, begins nothing, and is over when that is over', async () => {
    const scheduler = world.scheduler(1);
    await scheduler.load([schedule('a'), schedule('b')]);
    await pass(30 * MINUTE);
    const stopped = scheduler.stop({ patienceMs: 10 * MINUTE, endMs: MINUTE });
    await pass(5 * MINUTE);
    expect(world.runs[0]?.signal.aborted).toBe(false);
    world.runs[0]?.finish();
    await stopped;
    expect(world.begun()).toEqual(['a due']);
    expect(world.states.get('a')).toMatchObject({ running: null, outcome: 'pass' });
    await world.scheduler().load([schedule('a'), schedule('b')]);
    await pass(0);
    expect(world.begun()).toEqual(['a due', 'b missed']);
  });

  it('tells what runs to stop when patience is over; that is run again on return', async () => {
    const scheduler = world.scheduler();
    await scheduler.load([schedule('a')]);
    await pass(30 * MINUTE);
    const stopped = scheduler.stop({ patienceMs: MINUTE, endMs: MINUTE });
    await pass(MINUTE);
    expect(world.runs[0]?.signal.reason).toBe(ENDINGS.stopped);
    world.runs[0]?.fail(new Error('every host ended its task'));
    await stopped;
    expect(world.states.get('a')).toMatchObject({ running: null, outcome: ENDINGS.stopped });
    await world.scheduler().load([schedule('a')]);
    await pass(0);
    expect(world.begun()).toEqual(['a due', 'a stopped']);
  });

  it('does not wait for ever; what is left is known as cut off on return', async () => {
    const scheduler = world.scheduler();
    await scheduler.load([schedule('a')]);
    await pass(30 * MINUTE);
    const stopped = scheduler.stop({ patienceMs: 1_000, endMs: 1_000 });
    await pass(2_000);
    await stopped;
    expect(world.states.get('a')?.running).toBe('run-1');
  });
});

it('keeps time by a real clock', async () => {
  vi.useRealTimers();
  const scheduler = world.scheduler();
  await scheduler.load([schedule('every second', { cron: '* * * * * *' })]);
  await vi.waitFor(() => { expect(world.runs).toHaveLength(1); }, { timeout: 2_500 });
  world.runs[0]?.finish();
  await vi.waitFor(() => { expect(world.runs).toHaveLength(2); }, { timeout: 2_500 });
  const [first, second] = world.runs.map(({ run }) => run.dueAt.getTime());
  expect((second ?? 0) - (first ?? 0)).toBe(1_000);
});
