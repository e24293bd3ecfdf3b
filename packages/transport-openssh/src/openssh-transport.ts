import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import type { SshOptions, SshOptionsResolver } from '@hsmfleet/ssh-config';
import { execBecome, isPasswordQuestion, type Channel, type Connection, type HostTarget, type Prompts, type Transport } from '@hsmfleet/transport';
import { startAskpass, type Question } from './askpass.ts';
import { ASKED_BY, masterWords } from './command-line.ts';
import { ExitMarker, markedCommand } from './exit-marker.ts';
import { explainFailure } from './explain-failure.ts';
import { startMaster, type Master } from './master.ts';

export interface OpenSshTransportOptions {
  /** What OpenSSH's configuration says. Keep one per run. */
  resolver: SshOptionsResolver;
  /** Asks for passphrases, passwords and codes. */
  prompts?: Prompts;
  /** Milliseconds between keepalives where the configuration names none, 15 000 by default; after three without an answer the connection is lost. */
  keepaliveMs?: number;
  /** The OpenSSH client. */
  ssh?: string;
}

/** How long logging in may take beyond the connect timeout: it is counted per hop, and a person may have to answer. */
const LOGIN_MS = 20_000;
/** The longest name of a socket, less what ssh puts behind it while it makes one. */
const SOCKET_NAME_LIMIT = 80;

/**
 * Reaches hosts through the system's ssh: one process holds the connection, one more is started for each program. For
 * what the SSH library cannot do; host keys are always checked, on each hop.
 */
export function createOpenSshTransport(settings: OpenSshTransportOptions): Transport {
  const { resolver, prompts, keepaliveMs = 15_000, ssh = 'ssh' } = settings;
  const passphrases = new Map<string, Promise<Secret | undefined>>();
  return {
    async connect(target) {
      const options = await resolver.resolve(target);
      const folder = await privateFolder();
      const name = randomBytes(8).toString('hex');
      const login = new LoginAnswers(name, target, prompts, passphrases);
      const askpass = await startAskpass(folder, (question) => login.answer(question));
      try {
        const controlPath = join(folder, 'c');
        const words = await masterWords(resolver, target, options, { canAsk: prompts !== undefined || target.password !== undefined, mayUsePassword: login.mayUsePassword(options) }, {
          controlPath, ssh, hopName: `hop-${name}`, keepalive: { intervalMs: keepaliveMs, countMax: 3 },
        });
        const master = startMaster([ssh, ...words], { ...childEnv(), ...askpass.env, [ASKED_BY]: name });
        void master.closed.then(() => rm(folder, { recursive: true, force: true }));
        await untilReady(master, login, target, options);
        return openConnection({ target, user: options.user, master, controlPath, ssh });
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      } finally {
        askpass.close();
      }
    },
  };
}

/** Answers for one login: the password goes to the host itself alone, and once. */
class LoginAnswers {
  readonly #name: string;
  readonly #target: HostTarget;
  readonly #prompts: Prompts | undefined;
  readonly #passphrases: Map<string, Promise<Secret | undefined>>;
  #given = false;
  #announce: () => void = () => undefined;
  /** Milliseconds that a person took. */
  waitedMs = 0;
  /** Resolves when the password was refused: going on would try it again. */
  readonly refused = new Promise<void>((resolve) => { this.#announce = resolve; });

  constructor(name: string, target: HostTarget, prompts: Prompts | undefined, passphrases: Map<string, Promise<Secret | undefined>>) {
    this.#name = name;
    this.#target = target;
    this.#prompts = prompts;
    this.#passphrases = passphrases;
  }

  /** Without a password, a person is only asked where the configuration names these logins. */
  mayUsePassword({ logins }: SshOptions): boolean {
    if (this.#target.password !== undefined) return true;
    return this.#prompts !== undefined && logins.preferred?.some((way) => way === 'password' || way === 'keyboard-interactive') === true;
  }

  async answer({ by, text }: Question): Promise<Secret | undefined> {
    const passphrase = /passphrase for key '(.*)'/i.exec(text)?.[1];
    if (passphrase !== undefined) return this.#once(passphrase, `passphrase for ${passphrase}`);
    if (/^Enter PIN for /i.test(text)) return this.#ask(text);
    if (by !== this.#name) return undefined;
    if (this.#target.password !== undefined && isPasswordQuestion(text)) {
      if (this.#given) {
        this.#announce();
        return undefined;
      }
      this.#given = true;
      return this.#target.password;
    }
    return this.#ask(`${this.#target.name}: ${text}`);
  }

  #once(key: string, question: string): Promise<Secret | undefined> {
    let answer = this.#passphrases.get(key);
    if (answer === undefined) {
      answer = this.#ask(question);
      this.#passphrases.set(key, answer);
    }
    return answer;
  }

  async #ask(question: string): Promise<Secret | undefined> {
    const started = Date.now();
    try {
      return await this.#prompts?.secret(question.replace(/:$/, ''));
    } finally {
      this.waitedMs += Date.now() - started;
    }
  }
}

async function untilReady(master: Master, login: LoginAnswers, target: HostTarget, options: SshOptions): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const started = Date.now();
  const limit = options.connectTimeoutMs * (options.proxyJump.length + 1) + LOGIN_MS;
  const late = new Promise<'late'>((resolve) => {
    timer = setInterval(() => { if (Date.now() - started - login.waitedMs > limit) resolve('late'); }, 250);
  });
  try {
    const end = await Promise.race([master.ready.then(() => 'ready' as const, () => 'ended' as const), late, login.refused.then(() => 'refused' as const)]);
    if (end === 'ready') return;
    master.stop();
    if (end === 'refused') {
      throw new HsmfleetError('AUTHENTICATION', `${options.user}@${options.hostname}:${String(options.port)} refused the password`, { host: target.name, hint: 'check ansible_password; it was tried once' });
    }
    await master.closed;
    throw explainFailure(end === 'late' ? `${master.said()}\nit did not finish the login within ${String(limit / 1000)} s` : master.said(), target, options);
  } finally {
    clearInterval(timer);
  }
}

interface Opened {
  target: HostTarget;
  user: string;
  master: Master;
  controlPath: string;
  ssh: string;
}

function openConnection({ target, user, master, controlPath, ssh }: Opened): Connection {
  const host = target.name;
  const become = target.become?.user === user ? undefined : target.become;
  let gone = false;
  void master.closed.then(() => { gone = true; });
  const start = (command: string): Promise<Channel> => {
    if (gone) return Promise.reject(new HsmfleetError('CONNECTION_LOST', `the connection to ${host} is closed`, { host }));
    return startProgram(ssh, controlPath, command, target, master);
  };
  return {
    closed: master.closed,
    close() {
      gone = true;
      master.stop();
    },
    async exec(command, options) {
      if (options?.become !== true || become === undefined) return start(command);
      return execBecome(start, command, become, host);
    },
  };
}

/** Starts a program over the connection that the master holds. */
function startProgram(ssh: string, controlPath: string, command: string, target: HostTarget, master: Master): Promise<Channel> {
  const marker = `hsmfleet-exit-${randomBytes(9).toString('hex')}:`;
  // without the master it must not connect by itself
  const words = ['-F', '/dev/null', '-S', controlPath.replaceAll('%', '%%'), '-o', 'ControlMaster=no', '-o', 'ProxyCommand=false', '-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes', '-T', '--', 'host'];
  const child = spawn(ssh, [...words, markedCommand(command, marker)], { stdio: 'pipe', detached: true, env: childEnv() });
  let tell: (exit: Awaited<Channel['exit']>) => void = () => undefined;
  const exit = new Promise<Awaited<Channel['exit']>>((resolve) => { tell = resolve; });
  const stderr = new ExitMarker(marker, (end) => { tell(end); });
  child.stderr.pipe(stderr);
  child.once('close', () => { tell({ lost: true }); });
  void master.closed.then(() => { tell({ lost: true }); });
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.once('spawn', () => { resolve({ stdin: child.stdin, stdout: child.stdout, stderr, exit }); });
    child.once('error', (cause) => { reject(new HsmfleetError('CONNECTION_LOST', `${ssh} cannot be started for ${target.name}: ${cause.message}`, { host: target.name, cause })); });
  });
}

/** A host gets no variables of this machine: OpenSSH's own configuration sends the language. */
function childEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'LANG' && name !== 'LANGUAGE' && !name.startsWith('LC_')));
}

async function privateFolder(): Promise<string> {
  const base = tmpdir().length + '/hsmfleet-ssh-123456/c'.length <= SOCKET_NAME_LIMIT ? tmpdir() : '/tmp';
  return mkdtemp(join(base, 'hsmfleet-ssh-'));
}
