import { CONTROL_SEQ_BASE, type RunEvent } from '@hsmfleet/contract';
import type { Store } from '@hsmfleet/store';

/** Events of one look. */
const PAGE = 2_000;

/** What was told of one host. */
interface Told {
  seqs: Set<number>;
  /** Number of the agent's event that comes next. */
  next: number;
  /** An event is not seen yet that comes before others: the host waits until it is complete. */
  gap: boolean;
}

/**
 * Reads from the store what hosts of a run tell that others run: each event once, in order per host. While hosts are under
 * way it is a look at what is there by now; what several workers write at the same time may be seen out of order, so a host
 * with a gap is told to its end when it is complete. Keep one per run.
 */
export class RunFollower {
  readonly #store: Store;
  readonly #run: string;
  readonly #tell: (event: RunEvent) => void;
  readonly #hosts = new Map<string, Told>();
  #after = '0';

  constructor(store: Store, run: string, tell: (event: RunEvent) => void) {
    this.#store = store;
    this.#run = run;
    this.#tell = tell;
  }

  /** Tells what was stored since the last look. */
  async poll(): Promise<void> {
    const page = await this.#store.runEvents(this.#run, this.#after, { limit: PAGE });
    this.#after = page.at(-1)?.position ?? this.#after;
    for (const { event } of page) {
      const told = this.#of(event.host);
      if (event.host === '' || told.seqs.has(event.seq)) continue;
      if (event.seq < CONTROL_SEQ_BASE && event.seq !== told.next) told.gap = true;
      if (!told.gap) this.#once(event, told);
    }
  }

  /** Tells the rest of hosts that are done with a play. */
  async complete(hosts: readonly string[]): Promise<void> {
    if (hosts.length === 0) return;
    for (const { event } of await this.#store.runEvents(this.#run, '0', { hosts })) this.#once(event, this.#of(event.host));
    for (const host of hosts) this.#of(host).gap = false;
  }

  #once(event: RunEvent, told: Told): void {
    if (told.seqs.has(event.seq)) return;
    told.seqs.add(event.seq);
    if (event.seq < CONTROL_SEQ_BASE) told.next = event.seq + 1;
    this.#tell(event);
  }

  #of(host: string): Told {
    let told = this.#hosts.get(host);
    if (told === undefined) this.#hosts.set(host, (told = { seqs: new Set(), next: 0, gap: false }));
    return told;
  }
}
