import type { CheckReport, ControlSummary } from '@hsmfleet/contract';
import type { DataStore } from './data-store.ts';

/** Heads of checks kept at most. */
const KEPT = 50;

/** Heads of checks (all but their results); a check never changes, so what was read once is kept. */
export class CheckHeads {
  readonly #store: DataStore;
  readonly #kept = new Map<string, CheckReport>();

  constructor(store: DataStore) {
    this.#store = store;
  }

  async get(id: string): Promise<CheckReport | undefined> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    const head = await this.#store.checkHead(id);
    if (head === undefined) return undefined;
    this.#kept.set(id, head);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    return head;
  }

  /** A control of a check; when its profile has no such control, one that says only its id. */
  async control(check: string, id: string): Promise<ControlSummary> {
    const head = await this.get(check);
    const control = head?.controls.find((candidate) => candidate.id === id);
    return control ?? { id, title: id, why: '', severity: 'low', fix: null, kind: 'query', position: { file: head?.profile.file ?? 'profile', line: 1, column: 1 } };
  }
}
