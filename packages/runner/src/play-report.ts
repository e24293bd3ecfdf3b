import { createRedactor, outcomeOf, type ErrorShape, type Plan, type Redactor, type RunEvent, type RunEventOf } from '@hsmfleet/contract';
import type { EventSink } from './event-sink.ts';

/** How a play ended on one host, in the agent's words. */
export type PlayStatus = RunEventOf<'host_finished'>['status'];

const RUN_THE_PLAY = 'run the play on the host';

/**
 * What is told of one play on one host. It sees to it that everything that keeps a host from being fine is told once
 * as an event that counts: the recap has no other source.
 */
export class PlayReport {
  readonly #host: string;
  readonly #plan: Plan;
  readonly #events: EventSink;
  readonly #redactor: Redactor;
  #failureTold = false;
  #finishTold = false;
  #startTold = false;

  constructor(host: string, plan: Plan, events: EventSink) {
    this.#host = host;
    this.#plan = plan;
    this.#events = events;
    this.#redactor = createRedactor(Object.values(plan.secrets).map(({ value }) => value));
  }

  /** Text of the host without the plan's secrets: the agent redacts as well, this is the second line. */
  redact(text: string): string {
    return this.#redactor.text(text);
  }

  /** Further secrets came to the host in the middle of the play. */
  learn(secrets: Plan['secrets']): void {
    for (const { value } of Object.values(secrets)) this.#redactor.add(value);
  }

  /** The agent is up. A second greeting in the same play (after a lost connection) is not told. */
  started(agent: string, node: string, uploaded: string[]): void {
    if (this.#startTold) return;
    this.#startTold = true;
    this.#events.emit(this.#host, { type: 'host_started', agent, node, uploaded });
  }

  /** Hands on an event of the agent. */
  forward(event: RunEvent): void {
    const told = this.#redactor.value(event);
    if (told.type === 'task_finished' && !told.ignored && told.rescued !== true && (told.outcome === 'failed' || told.outcome === 'refused')) this.#failureTold = true;
    if (told.type === 'host_finished') {
      if (told.play !== this.#plan.play.index || this.#finishTold) return;
      this.#ensureFailureTold(told.status, told.error);
      this.#finishTold = true;
    }
    this.#events.forward(told);
  }

  /** The agent is done with the play. */
  done(status: PlayStatus): PlayStatus {
    this.#ensureFailureTold(status, undefined);
    this.#finish(status);
    return status;
  }

  /** The play was not begun or not waited for. */
  stopped(): PlayStatus {
    this.#finish('stopped');
    return 'stopped';
  }

  /** Something outside of any task went wrong. @param doing what was being done, for people */
  failed(error: ErrorShape, doing = RUN_THE_PLAY): PlayStatus | 'unreachable' {
    const told = this.#redactor.value(error);
    const outcome = outcomeOf(told.code);
    if (outcome === 'unreachable') {
      this.#events.emit(this.#host, { type: 'host_unreachable', error: told });
      return 'unreachable';
    }
    this.#ensureFailureTold(outcome, told, doing);
    this.#finish(outcome, told);
    return outcome;
  }

  #finish(status: PlayStatus, error?: ErrorShape): void {
    if (this.#finishTold) return;
    this.#finishTold = true;
    this.#events.emit(this.#host, { type: 'host_finished', play: this.#plan.play.index, status, ...(error === undefined ? {} : { error }) });
  }

  /** A failure without a failed task still has to count: it is told as a task of its own. */
  #ensureFailureTold(status: PlayStatus, error: ErrorShape | undefined, doing = RUN_THE_PLAY): void {
    if (this.#failureTold || (status !== 'failed' && status !== 'refused')) return;
    this.#failureTold = true;
    this.#events.emit(this.#host, {
      type: 'task_finished',
      task: `${String(this.#plan.play.index)}.agent`,
      name: doing,
      resource: 'agent',
      handler: false,
      outcome: status,
      ignored: false,
      durationMs: 0,
      changes: [],
      warnings: [],
      diffs: [],
      error: error ?? { code: 'AGENT', message: `the agent on ${this.#host} says that the play ${status}, but not why`, host: this.#host },
    });
  }
}
