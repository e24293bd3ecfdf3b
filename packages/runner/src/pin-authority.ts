/** What the authority answers to a host that wants to log in. */
export type PinDecision = { decision: 'go' } | { decision: 'refused'; reason: string };

/** What a login with a PIN showed. */
export type PinOutcome = 'correct' | 'incorrect' | 'not_tried';

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
  state: 'waiting' | 'trying' | 'settled';
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
 */
export function createPinAuthority(): PinAuthority {
  const pins = new Map<string, PinState>();

  const go = (question: Question): void => {
    question.state = 'trying';
    question.answer({ decision: 'go' });
  };
  /** Lets the next one try, if nobody is trying an unproven PIN; settles all who wait for a PIN that is decided. */
  const advance = (pin: PinState): void => {
    const waiting = pin.questions.filter(({ state }) => state === 'waiting');
    if (pin.verdict === 'proven') waiting.forEach(go);
    else if (pin.verdict === 'frozen') {
      for (const question of waiting) {
        question.state = 'settled';
        question.answer({ decision: 'refused', reason: pin.reason });
      }
    } else if (!pin.questions.some(({ state }) => state === 'trying') && waiting[0] !== undefined) go(waiting[0]);
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
          advance(state);
        },
        abandon() {
          if (question.state === 'trying') freeze(state, `the connection to ${host} was lost while it tried this PIN on the token "${token}": what the token answered is not known`);
          else if (question.state === 'waiting') question.answer({ decision: 'refused', reason: 'the host is gone' });
          question.state = 'settled';
          advance(state);
        },
      };
    },
  };
}
