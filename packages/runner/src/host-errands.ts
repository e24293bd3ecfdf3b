import { HsmfleetError, type DelegatedReport, type ErrorShape, type PlannedTask } from '@hsmfleet/contract';
import type { AgentLink } from './agent-link.ts';
import { notDone, type DelegateFrame } from './cross-host.ts';

interface Errand {
  frame: DelegateFrame;
  /** Over which it was sent; absent: not yet. */
  link?: AgentLink;
  settle: (report: DelegatedReport) => void;
}

/** Tasks that other hosts have done on one host, until each is answered. */
export class HostErrands {
  readonly #host: string;
  readonly #open = new Map<string, Errand>();

  constructor(host: string) {
    this.#host = host;
  }

  /** Takes one on; it is sent with the next {@link HostErrands.send}. */
  add(frame: DelegateFrame): Promise<DelegatedReport> {
    return new Promise((settle) => { this.#open.set(frame.request, { frame, settle }); });
  }

  /** Sends what was not sent yet. */
  send(link: AgentLink): void {
    for (const errand of this.#open.values()) {
      if (errand.link !== undefined) continue;
      errand.link = link;
      link.send(errand.frame);
    }
  }

  settle(request: string, report: DelegatedReport): void {
    const errand = this.#open.get(request);
    this.#open.delete(request);
    errand?.settle(report);
  }

  /** @param link what was sent over it is lost; undefined: what was not sent yet cannot be */
  fail(link: AgentLink | undefined, why?: ErrorShape): void {
    for (const [request, errand] of this.#open) {
      if (errand.link !== link) continue;
      const lost = new HsmfleetError('CONNECTION_LOST', `the connection to ${this.#host} was lost while it did a task for ${errand.frame.from}: whether it was done is not known`, { host: this.#host, hint: 'look there before you run it again' });
      this.settle(request, notDone(why ?? lost.toShape(), link !== undefined));
    }
  }

  /** What the agent may ask files for. */
  get tasks(): PlannedTask[] {
    return [...this.#open.values()].map(({ frame }) => frame.task);
  }
}
