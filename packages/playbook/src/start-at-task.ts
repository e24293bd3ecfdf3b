import { HsmfleetError, type PlannedStep } from '@hsmfleet/contract';
import { suggestion } from '@hsmfleet/yaml-source';

/** Leaves out what stands before the task that a run begins with. */
export class StartAtTask {
  readonly #wanted: string;
  readonly #pattern: RegExp;
  /** Hosts that have come to it in an earlier play. */
  readonly #begun = new Set<string>();
  readonly #seen = new Set<string>();
  #found = false;

  constructor(wanted: string) {
    this.#wanted = wanted;
    this.#pattern = new RegExp(`^${wanted.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);
  }

  /** The steps of one host in one play, from the task on. Handlers that are run between stay. */
  cut(steps: PlannedStep[], host: string): PlannedStep[] {
    if (this.#begun.has(host)) return steps;
    return steps.flatMap((step) => this.#step(step, host) ?? []);
  }

  #step(step: PlannedStep, host: string): PlannedStep | undefined {
    if (this.#begun.has(host)) return step;
    if (step.kind === 'meta') return step.implicit === true ? step : undefined;
    if (step.kind === 'block') {
      const block = this.cut(step.block, host);
      if (this.#begun.has(host)) return { ...step, block };
      const always = this.cut(step.always, host);
      return this.#begun.has(host) ? { ...step, block: [], rescue: [], always } : undefined;
    }
    const bare = step.name.replace(/^[^:]+ : /, '');
    this.#seen.add(bare);
    if (step.name !== this.#wanted && !this.#pattern.test(step.name) && !this.#pattern.test(bare)) return undefined;
    this.#begun.add(host);
    this.#found = true;
    return step;
  }

  /** @throws HsmfleetError USAGE when no task has the name */
  check(): void {
    if (this.#found || this.#seen.size === 0) return;
    throw new HsmfleetError('USAGE', `no task is called "${this.#wanted}"`, { hint: suggestion(this.#wanted, this.#seen) ?? 'hsmfleet apply --list-tasks shows the names; tasks of files that hosts choose cannot be the first' });
  }
}
