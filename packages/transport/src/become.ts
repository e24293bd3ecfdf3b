import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { Become, Channel } from './port.ts';
import { trialOf } from './password-trial.ts';
import { quoteShellWord } from './shell-words.ts';

/** Longest part of sudo's own words that is kept for a message. */
const SUDO_TEXT_LIMIT = 2000;
/** How long sudo may take to ask or to let us in (PAM modules sleep after a wrong password). */
const SUDO_TIMEOUT_MS = 30_000;

/** The wrapped command's first words on stderr: sudo let us in. */
const GRANTED = 'hsmfleet-granted:';
/** A host has no `script`, which gives sudo a terminal. */
const NO_SCRIPT = 'hsmfleet-no-script:';

/** A command wrapped in sudo. */
export interface BecomeCommand {
  command: string;
  /** sudo prints it on stderr when it wants the password; the password may be sent then and only then. */
  prompt: string;
}

/**
 * What sudo is told to run for a command line. It is always the same for the same command line, so that sudoers can
 * name it.
 */
export function sudoScript(command: string): string {
  return `printf %s ${GRANTED} >&2; ${command}`;
}

/**
 * Wraps a command line in sudo. The question holds a nonce, so that nothing a host prints can pass for it.
 * The password is not part of the command: see {@link enterBecome}.
 * @param tty gives sudo a controlling terminal (`requiretty`), and leaves the program's input and output as they are
 */
export function becomeCommand(command: string, become: Become, tty = false): BecomeCommand {
  const prompt = `hsmfleet-sudo-${randomBytes(9).toString('hex')}:`;
  const mode = become.password === undefined ? '-n' : `-S -p ${quoteShellWord(prompt)}`;
  // LC_ALL: the hints below are chosen by sudo's English words
  const sudo = `env LC_ALL=C sudo ${mode} -u ${quoteShellWord(become.user)} -- /bin/sh -c ${quoteShellWord(sudoScript(command))}`;
  return { command: tty ? onTerminal(sudo) : sudo, prompt };
}

/** `script` makes a terminal; the three streams go past it, or it would change every byte it knows a meaning for. */
function onTerminal(command: string): string {
  const inner = `exec ${command} <&3 >&4 2>&5 3<&- 4>&- 5>&-`;
  return `exec /bin/sh -c ${quoteShellWord(`command -v script >/dev/null || { echo ${NO_SCRIPT} >&2; exit 1; }; exec env SHELL=/bin/sh script -qec ${quoteShellWord(inner)} /dev/null 3<&0 4>&1 5>&2 </dev/null >/dev/null`)}`;
}

/**
 * Runs a command line past sudo, over channels that `start` opens. Where sudoers wants a terminal, it gets one.
 * @throws HsmfleetError SUDO when sudo refuses or asks twice, CONNECTION_LOST when the connection ends
 */
export async function execBecome(start: (command: string) => Promise<Channel>, command: string, become: Become, host: string): Promise<Channel> {
  const attempt = async (tty: boolean): Promise<Channel> => {
    const wrapped = becomeCommand(command, become, tty);
    return enterBecome(await start(wrapped.command), wrapped, become, host);
  };
  try {
    return await attempt(false);
  } catch (error) {
    if (!(error instanceof HsmfleetError) || error.details?.requiretty !== true) throw error;
    return attempt(true);
  }
}

/**
 * Gets a channel that runs a {@link BecomeCommand} past sudo. The password goes to sudo's standard input only after
 * sudo asked: without the question (NOPASSWD) it would end up in the program's input. It goes there once.
 * @returns the channel without sudo's own words on stderr
 * @throws HsmfleetError SUDO when sudo refuses or asks twice, CONNECTION_LOST when the connection ends
 */
export async function enterBecome(channel: Channel, wrapped: BecomeCommand, become: Become, host: string): Promise<Channel> {
  const { password } = become;
  const trial = password === undefined ? undefined : trialOf(password);
  let asked = false;
  let forbidden: string | undefined;
  const text = await readUntil(channel, async (seen) => {
    if (seen.includes(GRANTED)) return GRANTED;
    const questions = seen.split(wrapped.prompt).length - 1;
    if (questions > 1) return wrapped.prompt;
    if (questions === 1 && !asked && password !== undefined && trial !== undefined) {
      asked = true;
      forbidden = await trial.enter(host);
      if (forbidden !== undefined) return wrapped.prompt;
      channel.stdin.write(`${password.reveal()}\n`);
    }
    return undefined;
  });
  if (asked && forbidden === undefined) trial?.leave(host, text.end === GRANTED ? 'granted' : text.end === wrapped.prompt || /incorrect password|try again/i.test(text.seen) ? 'refused' : 'unclear');
  if (text.end === GRANTED) {
    // a stream of its own: the host's was paused by hand, and would not start flowing for a new listener
    const stderr = new PassThrough();
    stderr.write(text.rest);
    channel.stderr.pipe(stderr);
    return { ...channel, stderr };
  }
  channel.stdin.end();
  channel.stdout.resume();
  channel.stderr.resume();
  if (forbidden !== undefined) {
    throw new HsmfleetError('SUDO', `sudo to ${become.user} was not tried on ${host}: ${forbidden}`, { host, hint: 'check the sudo password (-K); it was held back so that no account is locked' });
  }
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

/** Reads stderr until `find` answers a word, the program ends or time is up; waiting for `find` takes no time. */
function readUntil(channel: Channel, find: (seen: string) => Promise<string | undefined>): Promise<SudoText> {
  const { stderr } = channel;
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    let timer: NodeJS.Timeout | undefined;
    let work = Promise.resolve();
    let settled = false;
    const settle = (result: { end?: string; lost?: boolean }): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      stderr.off('data', onData);
      stderr.off('end', onEnd);
      stderr.pause();
      const rest = result.end === undefined ? Buffer.alloc(0) : seen.subarray(seen.indexOf(result.end, 0, 'latin1') + result.end.length);
      resolve({ seen: seen.toString('latin1'), rest, ...result });
    };
    const look = async (): Promise<void> => {
      if (settled) return;
      clearTimeout(timer);
      const end = await find(seen.toString('latin1'));
      timer = setTimeout(() => { settle({}); }, SUDO_TIMEOUT_MS);
      if (settled) clearTimeout(timer);
      if (end !== undefined) settle({ end });
      else if (seen.length > SUDO_TEXT_LIMIT * 10) settle({});
    };
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      work = work.then(look);
    };
    const onEnd = (): void => {
      void channel.exit.then(async ({ lost }) => {
        await work;
        settle(lost === true ? { lost } : {});
      });
    };
    timer = setTimeout(() => { settle({}); }, SUDO_TIMEOUT_MS);
    void channel.exit.then(({ lost }) => { if (lost === true) settle({ lost }); });
    stderr.on('data', onData);
    stderr.on('end', onEnd);
  });
}

function sudoError(said: string, asked: boolean, become: Become, host: string): HsmfleetError {
  const words = said.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim().slice(0, SUDO_TEXT_LIMIT);
  const why = words === '' ? (asked ? 'it refused the password' : 'it gave no reason') : words;
  const requiretty = /must have a tty/.test(words);
  return new HsmfleetError('SUDO', `sudo to ${become.user} failed on ${host}: ${why}`, { host, hint: hintFor(words, asked), ...(requiretty ? { details: { requiretty } } : {}) });
}

function hintFor(words: string, asked: boolean): string {
  if (/must have a tty/.test(words) || words.includes(NO_SCRIPT)) return 'sudoers has requiretty, and the host has no `script` that could give it a terminal: add "Defaults:USER !requiretty" for this user';
  if (/not in the sudoers|not allowed to/.test(words)) return 'let this user run commands in sudoers (hsmfleet hosts sudoers prints what the agent needs), or connect as another user';
  // what nologin says, and a shell of that kind
  if (/account is currently not available|nologin/.test(words)) return 'this user may not log in with a shell: connect as another one (ansible_user)';
  if (/not found|No such file/.test(words)) return 'install sudo on the host, or connect as root';
  if (/password is required|terminal is required/.test(words)) return 'give the sudo password with -K, or allow the user NOPASSWD in sudoers; where only the agent is allowed, print the lines again after an update (hsmfleet hosts sudoers)';
  return asked ? 'the sudo password was refused: check it (-K)' : 'try the same sudo command by hand on the host';
}
