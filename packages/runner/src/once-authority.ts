import type { AgentFrame, ControlFrame } from '@hsmfleet/contract';

type Told = Omit<Extract<AgentFrame, { type: 'once_result' }>, 'type' | 'request'>;
type Reply = Extract<ControlFrame, { type: 'once_reply' }>;

interface Question {
  /** The host that runs it for all. */
  runner?: string;
  told?: Told;
  waiting: Map<string, (reply: Reply) => void>;
}

/**
 * Decides which host of a batch runs what one host does for all: the first one that has not ended. Hosts that come to it
 * before wait, and are told what came of it. A host that is lost after it was chosen may have done it: then it fails for all,
 * and is not done a second time.
 */
export class OnceAuthority {
  readonly #batch: readonly string[];
  readonly #ended = new Set<string>();
  readonly #questions = new Map<string, Question>();

  /** @param batch in order */
  constructor(batch: readonly string[]) {
    this.#batch = batch;
  }

  /** A host came to it. Asking again, after a cut, gets the same answer. */
  ask(host: string, request: string, answer: (reply: Reply) => void): void {
    let question = this.#questions.get(request);
    if (question === undefined) this.#questions.set(request, (question = { waiting: new Map() }));
    if (question.runner === host && question.told === undefined) {
      answer({ type: 'once_reply', request, run: true });
      return;
    }
    question.waiting.set(host, answer);
    this.#advance(request, question);
  }

  /** What came of it. Word of a host that was not chosen is passed over. */
  tell(host: string, request: string, told: Told): void {
    const question = this.#questions.get(request);
    if (question?.runner !== host || question.told !== undefined) return;
    question.told = told;
    this.#advance(request, question);
  }

  /** The play is over on a host, or it was lost. */
  end(host: string): void {
    this.#ended.add(host);
    for (const [request, question] of this.#questions) {
      if (question.runner === host) question.told ??= lost(host);
      question.waiting.delete(host);
      this.#advance(request, question);
    }
  }

  #advance(request: string, question: Question): void {
    if (question.told !== undefined) {
      for (const answer of question.waiting.values()) answer({ type: 'once_reply', request, run: false, told: question.told });
      question.waiting.clear();
      return;
    }
    if (question.runner !== undefined) return;
    const first = this.#batch.find((host) => !this.#ended.has(host));
    const answer = first === undefined ? undefined : question.waiting.get(first);
    if (first === undefined || answer === undefined) return;
    question.runner = first;
    question.waiting.delete(first);
    answer({ type: 'once_reply', request, run: true });
  }
}

function lost(host: string): Told {
  const msg = `${host} ran this for all hosts and was lost: whether it was done is not known`;
  return { outcome: 'failed', ignored: false, result: { failed: true, changed: false, msg }, vars: {}, secrets: {} };
}
