import { createHmac, randomBytes } from 'node:crypto';
import type { Secret } from '@hsmfleet/contract';

/** Hosts that may refuse a password before it is held back from all others. */
const REFUSALS = 3;

/**
 * Guards accounts that many hosts share (a directory) against being locked by a mistyped password: until one host took
 * it, it is tried on one host at a time, and after three refusals nowhere any more.
 */
export interface PasswordTrial {
  /** Waits for the turn. @returns why the password is not to be sent to this host; undefined when it may be */
  enter(host: string): Promise<string | undefined>;
  leave(host: string, outcome: 'granted' | 'refused' | 'unclear'): void;
}

/** By a keyed hash of the value: each host of a hosts file brings an instance of its own. */
const trials = new Map<string, PasswordTrial>();
const HASH_KEY = randomBytes(32);

/** The trial of a password, the same one for as long as the program runs. */
export function trialOf(password: Secret): PasswordTrial {
  const id = createHmac('sha256', HASH_KEY).update(password.reveal()).digest('hex');
  let trial = trials.get(id);
  if (trial === undefined) {
    trial = createTrial();
    trials.set(id, trial);
  }
  return trial;
}

function createTrial(): PasswordTrial {
  const refusedBy: string[] = [];
  const waiting: (() => void)[] = [];
  let taken = false;
  let granted = false;
  const verdict = (): string | undefined =>
    granted || refusedBy.length < REFUSALS ? undefined : `${refusedBy.join(', ')} refused the password, and no host took it`;
  return {
    async enter() {
      while (taken && !granted && verdict() === undefined) await new Promise<void>((resolve) => { waiting.push(resolve); });
      const why = verdict();
      if (why === undefined && !granted) taken = true;
      return why;
    },
    leave(host, outcome) {
      if (outcome === 'granted') granted = true;
      if (outcome === 'refused') refusedBy.push(host);
      taken = false;
      for (const go of waiting.splice(0)) go();
    },
  };
}
