import { countEvent, type Counts, type EventBody, type RunEvent } from '@hsmfleet/contract';

/**
 * Sequence numbers from here on belong to events that the control host itself tells about a host (it was reached,
 * it was lost); the agent's journal counts from 0 and never comes near.
 */
export const CONTROL_SEQ_BASE = 1_000_000_000;

/** Where all events of a run go through: stamped, counted, handed on. */
export interface EventSink {
  readonly counts: Record<string, Counts>;
  /** An event of the control host. `host` is empty for events of the run itself. */
  emit(host: string, body: EventBody): void;
  /** An event that an agent stamped. */
  forward(event: RunEvent): void;
}

/** @param base first number of events that the control host tells about a host */
export function createEventSink(run: string, onEvent: (event: RunEvent) => void, base = CONTROL_SEQ_BASE): EventSink {
  const counts: Record<string, Counts> = {};
  const next = new Map<string, number>();
  const forward = (event: RunEvent): void => {
    countEvent(counts, event);
    onEvent(event);
  };
  return {
    counts,
    forward,
    emit(host, body) {
      const seq = next.get(host) ?? (host === '' ? 0 : base);
      next.set(host, seq + 1);
      forward({ seq, at: new Date().toISOString(), run, host, ...body } as RunEvent);
    },
  };
}
