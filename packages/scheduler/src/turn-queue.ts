import type { Reason } from './model.ts';

/** Something that waits to be run. */
export interface Turn {
  name: string;
  /** Of the run that it will be. */
  id: string;
  keys: readonly string[];
  dueAt: Date;
  reason: Reason;
}

/**
 * Who is next: first come, first served, as many at once as allowed, and never two at once that share a key. One that waits for
 * a key is not overtaken by a later one that wants the same key; others may.
 */
export class TurnQueue {
  concurrency: number;
  #waiting: Turn[] = [];
  readonly #taken = new Map<string, Turn>();

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }

  /** @param turn whose name does not wait yet */
  add(turn: Turn): Turn {
    this.#waiting.push(turn);
    return turn;
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  find(name: string): Turn | undefined {
    return this.#waiting.find((turn) => turn.name === name);
  }

  drop(name: string): void {
    this.#waiting = this.#waiting.filter((turn) => turn.name !== name);
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Those that may begin now; each keeps its place and its keys until {@link free}. */
  takeReady(): Turn[] {
    const ready: Turn[] = [];
    const blocked = new Set([...this.#taken.values()].flatMap(({ keys }) => keys));
    for (const turn of this.#waiting) {
      if (this.#taken.size >= this.concurrency) break;
      const may = !this.#taken.has(turn.name) && !turn.keys.some((key) => blocked.has(key));
      for (const key of turn.keys) blocked.add(key);
      if (!may) continue;
      ready.push(turn);
      this.#taken.set(turn.name, turn);
    }
    this.#waiting = this.#waiting.filter((turn) => !ready.includes(turn));
    return ready;
  }

  free(name: string): void {
    this.#taken.delete(name);
  }
}
