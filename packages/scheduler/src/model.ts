import type { ScheduleState } from '@hsmfleet/contract';

/** Something that is to be run again and again. */
export interface Schedule {
  name: string;
  /** See {@link parseWhen}. */
  cron: string;
  /** IANA name. */
  timezone: string;
  /** A run begins this much after its time at most, milliseconds, by chance: so that not everything begins at full hours. */
  jitterMs: number;
  /** After this time a run is told to stop, milliseconds; timers count 24 days at most. */
  timeoutMs: number;
  /** Two schedules that share one are never run at the same time: names of hosts, say. */
  keys: readonly string[];
}

/** How runs end that have no outcome of their own. */
export const ENDINGS = {
  /** It threw. */
  failed: 'failed',
  /** It took longer than {@link Schedule.timeoutMs}. */
  timedOut: 'timed out',
  /** The process was told to end in the middle of it: it is run again on return. */
  stopped: 'stopped',
  /** The process was killed in the middle of it: it is run again on return, once. */
  cutOff: 'cut off',
  /** So was the one that was to make up for it: the next one is run when it is due. */
  cutOffAgain: 'cut off again',
} as const;

/** Why something is run: it is due; it was due while nobody was there; it is to make up for one that did not end; somebody asked. */
export type Reason = 'due' | 'missed' | 'cut off' | 'stopped' | 'asked';

/** One run of a schedule. */
export interface ScheduledRun<S extends Schedule = Schedule> {
  schedule: S;
  /** Unique, from {@link SchedulerPort.newId}. */
  id: string;
  dueAt: Date;
  reason: Reason;
}

/** What happens, for logs and metrics. */
export type SchedulerEvent =
  | { type: 'started'; schedule: string; id: string; dueAt: Date; reason: Reason }
  | { type: 'finished'; schedule: string; id: string; outcome: string; error: string | null; durationMs: number }
  /** It was due, and the one before is still running or waiting. */
  | { type: 'skipped'; schedule: string; dueAt: Date }
  | { type: 'missed'; schedule: string; dueAt: Date }
  /** `again`: whether it will be run again. */
  | { type: 'cut_off'; schedule: string; id: string; again: boolean }
  /** It was told to stop and did not within a minute: its place stays taken until it does. */
  | { type: 'overdue'; schedule: string; id: string }
  /** The state could not be saved or read. */
  | { type: 'state_lost'; schedule: string; error: string };

/** What the scheduler needs of the world. */
export interface SchedulerPort<S extends Schedule = Schedule> {
  /**
   * Runs it to its end and answers its outcome in a word. Has to end soon after the signal, and to throw when it could not do
   * its work because of it.
   */
  run(run: ScheduledRun<S>, signal: AbortSignal): Promise<string>;
  /** States of schedules by name, also of those that are not there any more. */
  states(): Promise<ScheduleState[]>;
  save(state: ScheduleState): Promise<void>;
  /** Id of the next run of a schedule. `cutOff`: the run that it is to make up for, which may still be under way on hosts. */
  newId(cutOff: { id: string; startedAt: Date } | null): string;
  /** Must not throw. */
  tell(event: SchedulerEvent): void;
  /** From 0 up to 1; Math.random by default. */
  random?(): number;
}

/** How a schedule is doing, for people. */
export interface ScheduleStatus<S extends Schedule = Schedule> {
  schedule: S;
  state: ScheduleState;
  /** When it will begin next, jitter included; null when it never will, or was removed. */
  nextAt: Date | null;
  running: { id: string; since: Date; reason: Reason } | null;
  /** It is due and waits for its turn. */
  waiting: boolean;
  /** It was removed from the list and is only let finish. */
  removed: boolean;
}
