import { CONTROL_SEQ_BASE, countEvent, type Counts, type EventBody, type RunEvent } from '@hsmfleet/contract';

/** Where all events of a run go through: stamped, counted, handed on. */
export interface EventSink {
  readonly counts: Record<string, Counts>;
  /** An event of the control host. `host` is empty for events of the run itself. */
  emit(host: string, body: EventBody): void;
  /** An event that an agent stamped. */
  forward(event: RunEvent): void;
}

/**
 * @param base first number of events that the control host tells about a host
 * @param runBase first number of events of the run itself
 */
export function createEventSink(run: string, onEvent: (event: RunEvent) => void, base = CONTROL_SEQ_BASE, runBase = 0): EventSink {
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
      const seq = next.get(host) ?? (host === '' ? runBase : base);
      next.set(host, seq + 1);
      forward({ seq, at: new Date().toISOString(), run, host, ...body } as RunEvent);
    },
  };
}
