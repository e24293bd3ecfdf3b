import type { StateChange } from '@hsmfleet/contract';
import type { NotificationQueue, QueuedChange } from '../delivery.ts';

interface Entry extends QueuedChange {
  state: 'waiting' | 'sent' | 'given up';
  nextAt: string | null;
  error: string | null;
}

/** A queue with the rules of the store's, kept in memory: what is tried here are delivery's own rules. The store's is tried in crash.integration.spec.ts. */
export interface MemoryQueue extends NotificationQueue {
  entries: Entry[];
  add(sink: string, changes: readonly StateChange[], queuedAt?: string): void;
  states(): string[];
}

export function createMemoryQueue(): MemoryQueue {
  const entries: Entry[] = [];
  return {
    entries,
    add(sink, changes, queuedAt = new Date().toISOString()) {
      for (const change of changes) entries.push({ id: entries.length + 1, sink, change, attempts: 0, queuedAt, state: 'waiting', nextAt: null, error: null });
    },
    states: () => entries.map(({ state }) => state),
    async pending(now, limit) {
      return entries.filter(({ state, nextAt }) => state === 'waiting' && (nextAt === null || nextAt <= now.toISOString())).slice(0, limit).map((entry) => ({ ...entry }));
    },
    async settle(ids, result) {
      for (const entry of entries.filter(({ id, state }) => ids.includes(id) && state === 'waiting')) {
        entry.attempts += 1;
        if (result.ok) entry.state = 'sent';
        else {
          entry.error = result.error;
          entry.nextAt = result.retryAt;
          if (result.retryAt === null) entry.state = 'given up';
        }
      }
    },
  };
}
