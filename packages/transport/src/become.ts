import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { Become, Channel } from './port.ts';
import { quoteShellWord } from './shell-words.ts';

/** Longest part of sudo's own words that is kept for a message. */
const SUDO_TEXT_LIMIT = 2000;
/** How long sudo may take to ask or to let us in (PAM modules sleep after a wrong password). */
const SUDO_TIMEOUT_MS = 30_000;

/** A command wrapped in sudo, and the two lines by which its progress is known. */
export interface BecomeCommand {
  command: string;
  /** sudo prints it on stderr when it wants the password; the password may be sent then and only then. */
  prompt: string;
  /** The wrapped command's first words on stderr: sudo let us in. */
  granted: string;
}

/**
 * Wraps a command line in sudo. Both marker words hold a nonce, so that nothing a host prints can pass for them.
 * The password is not part of the command: see {@link enterBecome}.
 */
export function becomeCommand(command: string, become: Become): BecomeCommand {
  const nonce = randomBytes(9).toString('hex');
  const prompt = `hsmfleet-sudo-${nonce}:`;
  const granted = `hsmfleet-granted-${nonce}:`;
  const mode = become.password === undefined ? '-n' : `-S -p ${quoteShellWord(prompt)}`;
  const script = `printf %s ${granted} >&2; ${command}`;
  return {
    // LC_ALL: the hints below are chosen by sudo's English words
    command: `env LC_ALL=C sudo ${mode} -u ${quoteShellWord(become.user)} -- /bin/sh -c ${quoteShellWord(script)}`,
    prompt,
    granted,
  };
}

/**
 * Gets a channel that runs a {@link BecomeCommand} past sudo. The password goes to sudo's standard input only after
 * sudo asked: without the question (NOPASSWD) it would end up in the program's input.
 * @returns the channel without sudo's own words on stderr
 * @throws HsmfleetError SUDO when sudo refuses or asks twice, CONNECTION_LOST when the connection ends
 */
export async function enterBecome(channel: Channel, wrapped: BecomeCommand, become: Become, host: string): Promise<Channel> {
  let asked = false;
  const text = await readUntil(channel, (seen) => {
    if (seen.includes(wrapped.granted)) return wrapped.granted;
    const questions = seen.split(wrapped.prompt).length - 1;
    if (questions > 0 && !asked && become.password !== undefined) {
      asked = true;
      channel.stdin.write(`${become.password.reveal()}\n`);
    }
    return questions > 1 ? wrapped.prompt : undefined;
  });
  if (text.end === wrapped.granted) {
    // a stream of its own: the host's was paused by hand, and would not start flowing for a new listener
    const stderr = new PassThrough();
    stderr.write(text.rest);
    channel.stderr.pipe(stderr);
    return { ...channel, stderr };
  }
  channel.stdin.end();
  channel.stdout.resume();
  channel.stderr.resume();
  if (text.lost) throw new HsmfleetError('CONNECTION_LOST', `the connection to ${host} ended while sudo was starting`, { host });
  throw sudoError(text.seen.replaceAll(wrapped.prompt, ' '), asked, become, host);
}

interface SudoText {
  seen: string;
  /** Bytes behind the word that was found. */
  rest: Buffer;
  end?: string;
  lost?: boolean;
}

/** Reads stderr until `find` answers a word, the program ends or time is up. */
function readUntil(channel: Channel, find: (seen: string) => string | undefined): Promise<SudoText> {
  const { stderr } = channel;
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const settle = (result: { end?: string; lost?: boolean }): void => {
      clearTimeout(timer);
      stderr.off('data', onData);
      stderr.off('end', onEnd);
      stderr.pause();
      const rest = result.end === undefined ? Buffer.alloc(0) : seen.subarray(seen.indexOf(result.end, 0, 'latin1') + result.end.length);
      resolve({ seen: seen.toString('latin1'), rest, ...result });
    };
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const end = find(seen.toString('latin1'));
      if (end !== undefined) settle({ end });
      else if (seen.length > SUDO_TEXT_LIMIT * 10) settle({});
    };
    const onEnd = (): void => {
      void channel.exit.then(({ lost }) => { settle(lost === true ? { lost } : {}); });
    };
    const timer = setTimeout(() => { settle({}); }, SUDO_TIMEOUT_MS);
    void channel.exit.then(({ lost }) => { if (lost === true) settle({ lost }); });
    stderr.on('data', onData);
    stderr.on('end', onEnd);
  });
}

function sudoError(said: string, asked: boolean, become: Become, host: string): HsmfleetError {
  const words = said.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim().slice(0, SUDO_TEXT_LIMIT);
  const why = words === '' ? (asked ? 'it refused the password' : 'it gave no reason') : words;
  return new HsmfleetError('SUDO', `sudo to ${become.user} failed on ${host}: ${why}`, { host, hint: hintFor(words, asked) });
}

function hintFor(words: string, asked: boolean): string {
  if (/must have a tty/.test(words)) return 'sudoers has requiretty: add "Defaults:USER !requiretty" for this user';
  if (/not in the sudoers|not allowed to/.test(words)) return 'let this user run commands in sudoers, or connect as another user';
  // what nologin says, and a shell of that kind
  if (/account is currently not available|nologin/.test(words)) return 'this user may not log in with a shell: connect as another one (ansible_user)';
  if (/not found|No such file/.test(words)) return 'install sudo on the host, or connect as root';
  if (/password is required|terminal is required/.test(words)) return 'give the sudo password with -K, or allow the user NOPASSWD in sudoers';
  return asked ? 'the sudo password was refused: check it (-K)' : 'try the same sudo command by hand on the host';
}
