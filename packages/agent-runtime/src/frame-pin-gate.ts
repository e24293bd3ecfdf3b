import { createHmac } from 'node:crypto';
import type { AgentFrame, Secret } from '@hsmfleet/contract';
import type { PinGate, PinPermit } from '@hsmfleet/resource';

const UNREACHABLE = 'the control host cannot be asked';

/**
 * The run's PIN authority as the agent reaches it: a question out, an answer in. A PIN that a token called wrong is
 * refused from then on without asking, and so is everything once the control host is gone.
 */
export class FramePinGate implements PinGate {
  readonly #run: string;
  readonly #send: (frame: AgentFrame) => void;
  readonly #waiting = new Map<number, (go: boolean, reason: string) => void>();
  readonly #incorrect = new Set<string>();
  #next = 1;
  #closed = false;

  constructor(run: string, send: (frame: AgentFrame) => void) {
    this.#run = run;
    this.#send = send;
  }

  ask(pin: Secret, token: string): Promise<PinPermit> {
    const hash = createHmac('sha256', this.#run).update(pin.reveal()).digest('hex');
    if (this.#incorrect.has(hash)) {
      return Promise.resolve({ go: false, reason: 'this PIN was answered incorrect before in this run' });
    }
    if (this.#closed) return Promise.resolve({ go: false, reason: UNREACHABLE });
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(request, (go, reason) => {
        resolve(go ? { go: true, report: this.#reporter(request, hash) } : { go: false, reason });
      });
      this.#send({ type: 'pin_request', request, pin: hash, token });
    });
  }

  /** Hands in the control host's answer. Answers to what was not asked are passed over. */
  answer(request: number, go: boolean, reason: string | undefined): void {
    const settle = this.#waiting.get(request);
    this.#waiting.delete(request);
    settle?.(go, reason ?? 'the control host refuses');
  }

  /** The control host is gone: every question, open or to come, is answered no. */
  close(): void {
    this.#closed = true;
    for (const settle of this.#waiting.values()) settle(false, UNREACHABLE);
    this.#waiting.clear();
  }

  #reporter(request: number, hash: string): (outcome: 'correct' | 'incorrect' | 'not_tried') => void {
    let told = false;
    return (outcome) => {
      if (outcome === 'incorrect') this.#incorrect.add(hash);
      if (told) return;
      told = true;
      this.#send({ type: 'pin_result', request, outcome });
    };
  }
}
