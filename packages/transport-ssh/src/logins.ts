import type { SshOptions } from '@hsmfleet/ssh-config';
import { isPasswordQuestion, type HostTarget, type Prompts } from '@hsmfleet/transport';
import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveAuthMethod, NextAuthHandler, Prompt } from 'ssh2';
import type { PreparedKeys } from './identities.ts';

/** Stops the connection's clock while a person answers. */
export interface Clock {
  pause(): void;
  resume(): void;
}

/** The logins to try on one host, one after the other, as the host says what it takes. */
export interface Logins {
  next(left: readonly AuthenticationType[] | null, partial: boolean | null, go: NextAuthHandler): void;
  /** What was tried, for messages. */
  tried(): string[];
  /** The host refused the password that was given: it is not tried again. */
  passwordRefused(): boolean;
}

type Kind = 'publickey' | 'keyboard-interactive' | 'password';
const DEFAULT_ORDER: readonly Kind[] = ['publickey', 'keyboard-interactive', 'password'];

/**
 * A wrong password is told to a host once: keyboard-interactive and password logins check the same one, and some
 * directories lock an account after three.
 */
export function createLogins(target: HostTarget, options: SshOptions, keys: PreparedKeys, prompts: Prompts | undefined, clock: Clock): Logins {
  const { logins } = options;
  const order = (logins.preferred ?? DEFAULT_ORDER).filter((kind): kind is Kind => (DEFAULT_ORDER as readonly string[]).includes(kind));
  const open = [...keys.methods];
  const names = [...keys.names];
  const done = new Set<Kind>();
  let probed = false;
  let given = false;
  let refused = false;

  const ask = async (question: string): Promise<string | undefined> => {
    clock.pause();
    try {
      return (await prompts?.secret(`${target.name}: ${question.trim().replace(/:$/, '')}`))?.reveal();
    } finally {
      clock.resume();
    }
  };
  const answer = async ({ prompt, echo }: Prompt): Promise<string | undefined> => {
    if (target.password !== undefined && echo !== true && isPasswordQuestion(prompt) && !given) {
      given = true;
      return target.password.reveal();
    }
    return ask(prompt);
  };
  const keyboard: KeyboardInteractiveAuthMethod = {
    type: 'keyboard-interactive',
    username: options.user,
    prompt: (_name, _instructions, _language, questions, finish) => {
      void (async () => {
        const answers: string[] = [];
        for (const question of questions) answers.push((await answer(question)) ?? '');
        finish(answers);
      })().catch(() => { finish([]); });
    },
  };
  /** Without a password, a person is asked where the host wants a second factor, takes nothing else, or the configuration says so. */
  const mayAsk = (left: readonly string[], partial: boolean): boolean =>
    prompts !== undefined && (partial || !left.includes('publickey') || logins.preferred?.includes('keyboard-interactive') === true);

  const pick = (left: readonly string[] | null, partial: boolean): AnyAuthMethod | 'probe' | undefined => {
    for (const kind of order) {
      if (kind === 'publickey') {
        if (left?.includes('publickey') === false) continue;
        const key = open.shift();
        if (key !== undefined) return key;
        continue;
      }
      if (done.has(kind) || refused) continue;
      const allowed = kind === 'password' ? logins.password && target.password !== undefined && !given : logins.keyboardInteractive;
      if (!allowed) continue;
      if (left === null) {
        if (!probed && (target.password !== undefined || prompts !== undefined)) return 'probe';
        continue;
      }
      if (!left.includes(kind) || (kind === 'keyboard-interactive' && target.password === undefined && !mayAsk(left, partial))) continue;
      done.add(kind);
      names.push(kind === 'password' ? 'the password' : 'keyboard-interactive');
      if (kind === 'keyboard-interactive') return keyboard;
      given = true;
      return { type: 'password', username: options.user, password: target.password?.reveal() ?? '' };
    }
    return undefined;
  };

  return {
    next(left, partial, go) {
      if (given && partial !== true) refused = true;
      // one factor was taken: the next may be of the same kind
      if (partial === true) done.clear();
      const chosen = pick(left, partial === true);
      if (chosen !== 'probe') {
        go(chosen ?? false as unknown as AnyAuthMethod);
        return;
      }
      probed = true;
      go({ type: 'none', username: options.user });
    },
    tried: () => names,
    passwordRefused: () => refused,
  };
}
