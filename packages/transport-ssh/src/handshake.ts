import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import { entriesForHost, hostKeyError, judgeHostKey, keyTypeOf, type KnownHostsEntry, type SshOptions } from '@hsmfleet/ssh-config';
import type { HostTarget, Prompts } from '@hsmfleet/transport';
import type { Client, ConnectConfig } from 'ssh2';
import { chooseAlgorithms } from './algorithms.ts';
import type { PreparedKeys } from './identities.ts';
import { createLogins, type Clock, type Logins } from './logins.ts';
import { needsOpenSsh } from './needs-openssh.ts';
import { ignoreHostKeyAnnouncements, loadSsh2 } from './ssh2.ts';

/** What one handshake needs. */
export interface Handshake {
  target: HostTarget;
  options: SshOptions;
  knownHosts: readonly KnownHostsEntry[];
  keys: PreparedKeys;
  prompts: Prompts | undefined;
  keepalive: { intervalMs: number; countMax: number };
  idleTimeoutMs: number;
  way: Way;
}

/** How the host is reached: by a socket of our own when there is no stream. */
export interface Way {
  stream?: Duplex;
  /** `jump`: through a jump host. `command`: through ProxyCommand. */
  kind: 'direct' | 'jump' | 'command';
  /** What ProxyCommand said. */
  said?: () => string;
}

/** A client that is logged in, and the end of its connection. */
export interface LoggedIn {
  client: Client;
  closed: Promise<void>;
}

type Stage = 'connect' | 'handshake' | 'login';

/**
 * Connects, checks the host key and logs in, all within the connect timeout.
 * @throws HsmfleetError UNREACHABLE, AUTHENTICATION, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED
 */
export async function shakeHands(handshake: Handshake): Promise<LoggedIn> {
  const { Client } = await loadSsh2();
  const { target, options, way } = handshake;
  const host = target.name;
  const entries = entriesForHost(handshake.knownHosts, options.hostname, options.port, options.hostKeyAlias);
  const { offer, lacking } = chooseAlgorithms(entries, options.algorithms);
  if (lacking !== undefined) throw needsOpenSsh(host, `of the ${lacking.kind} algorithms that are allowed (${lacking.wanted.join(', ')}) ssh2 has none`);
  const authority = entries.find(({ marker }) => marker === 'cert-authority');
  if (authority !== undefined && !entries.some(({ marker }) => marker === undefined)) {
    throw needsOpenSsh(host, `the host key of ${options.hostname} is vouched for by a certificate (${authority.file}:${String(authority.line)}), which ssh2 cannot check`);
  }
  const client = new Client();
  const closed = new Promise<void>((resolve) => { client.once('close', () => { resolve(); }); });
  let stage: Stage = 'connect';
  let refusal: HsmfleetError | undefined;
  let logins: Logins | undefined;

  const verify = (key: Buffer): boolean => {
    const verdict = judgeHostKey(entries, key);
    stage = 'login';
    if (verdict.status === 'known') return true;
    refusal = authority === undefined || verdict.status === 'revoked'
      ? hostKeyError(verdict, key, { host, options, viaJump: way.kind !== 'direct' })
      : needsOpenSsh(host, `the host key of ${options.hostname} is not the one in known_hosts, and a certificate may vouch for it (${authority.file}:${String(authority.line)}), which ssh2 cannot check`);
    return false;
  };
  const socket = way.stream ?? openSocket(options);
  const login = new Promise<void>((resolve, reject) => {
    const settle = (error?: unknown): void => {
      deadline.pause();
      if (error === undefined) resolve();
      else reject(refusal ?? loginError({ handshake, stage, entries, logins }, error as Error & { level?: string }));
    };
    const deadline = startClock(options.connectTimeoutMs, () => { settle(new Error(timeoutReason(stage, options))); });
    logins = createLogins(target, options, handshake.keys, handshake.prompts, deadline);
    const { next } = logins;
    socket.once('connect', () => { stage = 'handshake'; });
    if (way.stream !== undefined) stage = 'handshake';
    client.once('ready', () => { settle(); });
    client.on('error', settle);
    void closed.then(() => { settle(new Error('the host closed the connection')); });
    const config: ConnectConfig = {
      sock: socket,
      username: options.user,
      algorithms: offer,
      hostVerifier: verify,
      authHandler: (left, partial, go) => { next(left as Parameters<Logins['next']>[0], partial as boolean | null, go as Parameters<Logins['next']>[2]); },
      readyTimeout: 0,
      keepaliveInterval: handshake.keepalive.intervalMs,
      keepaliveCountMax: handshake.keepalive.countMax,
    };
    try {
      client.connect(config);
      ignoreHostKeyAnnouncements(client);
    } catch (error) {
      settle(error);
    }
  });
  try {
    await login;
  } catch (error) {
    client.destroy();
    socket.destroy();
    throw error;
  }
  // without keepalives, silence is what a long task sounds like
  if (way.stream === undefined && handshake.keepalive.intervalMs > 0) watchIdle(socket as Socket, handshake.idleTimeoutMs);
  return { client, closed };
}

/** A deadline that stands still while a person is asked, and starts anew afterwards. */
function startClock(ms: number, expire: () => void): Clock {
  let timer: NodeJS.Timeout | undefined = setTimeout(expire, ms);
  return {
    pause() {
      clearTimeout(timer);
      timer = undefined;
    },
    resume() { timer ??= setTimeout(expire, ms); },
  };
}

/** A socket to the host, by the address family and from the address that were asked for. */
export function openSocket(options: SshOptions): Socket {
  const socket = connectSocket({
    host: options.hostname,
    port: options.port,
    ...(options.addressFamily === 'any' ? {} : { family: options.addressFamily === 'inet' ? 4 : 6 }),
    ...(options.bindAddress === undefined ? {} : { localAddress: options.bindAddress }),
  });
  // ssh2 leaves Nagle's algorithm on: a handshake then costs 300 ms instead of 90
  socket.setNoDelay(true);
  return socket;
}

/** Cuts a connection over which nothing came for too long, not even a keepalive's answer. */
function watchIdle(socket: Socket, idleTimeoutMs: number): void {
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    if (socket.bytesRead === seen) socket.destroy();
    seen = socket.bytesRead;
  }, idleTimeoutMs);
  timer.unref();
  socket.once('close', () => { clearInterval(timer); });
}

/** Told apart from what a host or the network says. */
const LATE = 'no answer within';

function timeoutReason(stage: Stage, options: SshOptions): string {
  const within = `within ${String(options.connectTimeoutMs / 1000)} s`;
  if (stage === 'connect') return `${LATE} ${String(options.connectTimeoutMs / 1000)} s`;
  return stage === 'handshake' ? `connected, but it did not finish the SSH handshake ${within}` : `it did not finish the login ${within}`;
}

interface Failure {
  handshake: Handshake;
  stage: Stage;
  entries: readonly KnownHostsEntry[];
  logins: Logins | undefined;
}

function loginError({ handshake, stage, entries, logins }: Failure, error: Error & { level?: string }): HsmfleetError {
  const { target, options, keys } = handshake;
  const place = `${options.user}@${options.hostname}:${String(options.port)}`;
  if (error.level === 'client-authentication' || (stage === 'login' && error.level === undefined && !/within/.test(error.message))) {
    const names = logins?.tried() ?? [];
    if (logins?.passwordRefused() === true) {
      return new HsmfleetError('AUTHENTICATION', `${place} refused the password`, { host: target.name, cause: error, hint: 'check ansible_password; it was tried once', details: { user: options.user, tried: names } });
    }
    const tried = names.length === 0 ? 'nothing to offer: no key file and no agent' : `offered ${names.join(', ')}`;
    const more = keys.foreign.length === 0 ? '' : `; ssh2 cannot offer ${keys.foreign.join(', ')}`;
    return new HsmfleetError('AUTHENTICATION', `${place} refused the login (${tried}${more})`, {
      host: target.name,
      cause: error,
      hint: `set ansible_user and ansible_ssh_private_key_file, start an ssh-agent, or put the public key into ~/.ssh/authorized_keys there`,
      details: { user: options.user, tried: names, ...(keys.foreign.length === 0 ? {} : { fallback: true }) },
    });
  }
  const lacking = /no matching (key exchange|.*cipher|.*MAC|host key).*/i.exec(error.message)?.[0];
  if (lacking !== undefined) {
    const known = /host key/i.test(lacking) && entries.length > 0 ? ` (known_hosts has ${keyTypes(entries)})` : '';
    return needsOpenSsh(target.name, `${options.hostname}:${String(options.port)} and ssh2 have ${lacking}${known}`);
  }
  return unreachable(handshake, error.message === '' ? (error as NodeJS.ErrnoException).code ?? 'unknown error' : error.message, error);
}

function keyTypes(entries: readonly KnownHostsEntry[]): string {
  return [...new Set(entries.map(({ key }) => keyTypeOf(Buffer.from(key, 'base64'))))].join(', ');
}

function unreachable({ target, options, way }: Handshake, why: string, cause?: Error): HsmfleetError {
  const said = way.said?.() ?? '';
  const through = way.kind === 'jump' ? ' through its jump host' : way.kind === 'command' ? ' through its ProxyCommand' : '';
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const hint =
    code === 'ECONNREFUSED' ? 'is sshd running there, and is the port right (ansible_port)?'
    : code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'the name does not resolve: set ansible_host'
    : `try: ssh -p ${String(options.port)} ${options.user}@${options.hostname}`;
  return new HsmfleetError('UNREACHABLE', `${options.hostname}:${String(options.port)} is not reachable${through}: ${why}${said === '' ? '' : ` (${said})`}`, { host: target.name, hint, cause });
}
