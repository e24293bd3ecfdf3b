/** What the authority answers to a host that wants to log in. */
export type PinDecision = { decision: 'go' } | { decision: 'refused'; reason: string };

/** What a login with a PIN showed. */
export type PinOutcome = 'correct' | 'incorrect' | 'not_tried';

/**
 * What further runners of the same run have to say: a PIN that is not proven is tried by one host of the whole run at a
 * time, whoever runs it, and a wrong one stops all of them. Neither method may reject.
 */
export interface PinGuard {
  /**
   * Resolves when the host may log in, or must not. Without `proven` it waits until no other runner tries a PIN.
   * @param proven did this runner see a token accept this PIN, in this run?
   */
  ask(host: string, token: string, proven: boolean): Promise<PinDecision>;
  /** What came of a login that was let go; `unknown` when the host was lost meanwhile. @param reason why PINs are frozen, when they are */
  told(host: string, outcome: PinOutcome | 'unknown', reason: string): Promise<void>;
}

/** Refuses every login: a PIN was wrong before. @param reason which, and where */
export function frozenPins(reason: string): PinGuard {
  return {
    ask: () => Promise.resolve({ decision: 'refused', reason: `${reason}: none is tried again in it` }),
    told: () => Promise.resolve(),
  };
}

/** A host's permission to try; it owes the authority an outcome. */
export interface PinTicket {
  decided: Promise<PinDecision>;
  /** Tells what came of it. Only the first call counts. */
  report(outcome: PinOutcome): void;
  /**
   * The host is gone. A question that was not answered yet passes on to the next host; a login that may have
   * happened freezes the PIN, for nobody knows what the token said.
   */
  abandon(): void;
}

/** One per run. */
export interface PinAuthority {
  /**
   * May this host log in with this PIN?
   * @param pin keyed hash of the PIN: equal PINs are one across the fleet
   * @param token label, for messages
   */
  ask(host: string, pin: string, token: string): PinTicket;
}

interface Question {
  host: string;
  token: string;
  /** `asking`: no host of this runner is before it, and the guard is asked. */
  state: 'waiting' | 'asking' | 'trying' | 'settled';
  answer(decision: PinDecision): void;
}

interface PinState {
  verdict: 'unproven' | 'proven' | 'frozen';
  reason: string;
  questions: Question[];
}

/**
 * Decides who may try a PIN. A PIN not proven in this run is tried by one host first, the canary; the others wait.
 * `correct` lets all of them go. The first `incorrect` refuses that PIN to everybody for the rest of the run, so
 * that a wrong PIN costs the fleet one try on one token.
 * @param guard speaks for the other runners of the run, where there are some
 */
export function createPinAuthority(guard?: PinGuard): PinAuthority {
  const pins = new Map<string, PinState>();

  const go = (question: Question, pin: PinState): void => {
    if (guard === undefined) {
      question.state = 'trying';
      question.answer({ decision: 'go' });
      return;
    }
    question.state = 'asking';
    void guard.ask(question.host, question.token, pin.verdict === 'proven').then((decision) => {
      if (question.state !== 'asking') {
        // the host went while it waited: what it was granted is given back
        if (decision.decision === 'go') void guard.told(question.host, 'not_tried', '');
        return;
      }
      if (decision.decision === 'refused') {
        question.state = 'settled';
        freeze(pin, decision.reason);
        question.answer(decision);
        advance(pin);
        return;
      }
      question.state = 'trying';
      question.answer(decision);
    });
  };
  /** Lets the next one try, if nobody is trying an unproven PIN; settles all who wait for a PIN that is decided. */
  const advance = (pin: PinState): void => {
    const waiting = pin.questions.filter(({ state }) => state === 'waiting');
    if (pin.verdict === 'proven') for (const question of waiting) go(question, pin);
    else if (pin.verdict === 'frozen') {
      for (const question of waiting) {
        question.state = 'settled';
        question.answer({ decision: 'refused', reason: pin.reason });
      }
    } else if (!pin.questions.some(({ state }) => state === 'trying' || state === 'asking') && waiting[0] !== undefined) go(waiting[0], pin);
    pin.questions = pin.questions.filter(({ state }) => state !== 'settled');
  };
  const freeze = (pin: PinState, reason: string): void => {
    // the first reason stays: it names where the PIN was found wrong
    if (pin.verdict !== 'frozen') pin.reason = reason;
    pin.verdict = 'frozen';
  };

  return {
    ask(host, hash, token) {
      let pin = pins.get(hash);
      if (pin === undefined) {
        pin = { verdict: 'unproven', reason: '', questions: [] };
        pins.set(hash, pin);
      }
      const state = pin;
      let answer: Question['answer'] = () => undefined;
      const decided = new Promise<PinDecision>((resolve) => { answer = resolve; });
      const question: Question = { host, token, state: 'waiting', answer };
      state.questions.push(question);
      advance(state);
      return {
        decided,
        report(outcome) {
          if (question.state !== 'trying') return;
          question.state = 'settled';
          if (outcome === 'incorrect') freeze(state, `the token "${token}" on ${host} answered that this PIN is wrong: it is not tried again in this run`);
          else if (outcome === 'correct' && state.verdict === 'unproven') state.verdict = 'proven';
          void guard?.told(host, outcome, state.reason);
          advance(state);
        },
        abandon() {
          if (question.state === 'trying') {
            freeze(state, `the connection to ${host} was lost while it tried this PIN on the token "${token}": what the token answered is not known`);
            void guard?.told(host, 'unknown', state.reason);
          } else if (question.state !== 'settled') question.answer({ decision: 'refused', reason: 'the host is gone' });
          question.state = 'settled';
          advance(state);
        },
      };
    },
  };
}
