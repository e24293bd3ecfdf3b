import type { AgentFrame } from '@hsmfleet/contract';

const UNREACHABLE = 'the control host cannot be asked whether another host has it as well';

/** What the control host says to a host that claims a token. */
export type ClaimAnswer = { go: true } | { go: false; reason: string };

/** Asks the run's control host whether this host is the only one with a token. */
export interface CustodyClaims {
  /** @param manifest hex SHA-256 of the manifest that the token was found to be the one of */
  claim(manifest: string): Promise<ClaimAnswer>;
}

/** Claims as the agent makes them: a question out, an answer in. Everything is refused once the control host is gone. */
export class FrameCustodyClaims implements CustodyClaims {
  readonly #send: (frame: AgentFrame) => void;
  readonly #waiting = new Map<number, (answer: ClaimAnswer) => void>();
  #next = 1;
  #closed = false;

  constructor(send: (frame: AgentFrame) => void) {
    this.#send = send;
  }

  claim(manifest: string): Promise<ClaimAnswer> {
    if (this.#closed) return Promise.resolve({ go: false, reason: UNREACHABLE });
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.#send({ type: 'custody_claim', request, manifest });
    });
  }

  /** Hands in the control host's answer. Answers to what was not asked are passed over. */
  answer(request: number, go: boolean, reason: string | undefined): void {
    const settle = this.#waiting.get(request);
    this.#waiting.delete(request);
    settle?.(go ? { go } : { go, reason: reason ?? 'the control host refuses' });
  }

  /** The control host is gone: every claim, open or to come, is refused. */
  close(): void {
    this.#closed = true;
    for (const settle of this.#waiting.values()) settle({ go: false, reason: UNREACHABLE });
    this.#waiting.clear();
  }
}
