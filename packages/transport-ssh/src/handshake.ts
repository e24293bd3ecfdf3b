import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { AnyAuthMethod, Client, ConnectConfig } from 'ssh2';
import { chooseAlgorithms } from './algorithms.ts';
import { hostKeyError } from './host-key-error.ts';
import { entriesForHost, judgeHostKey, keyTypeOf, type KnownHostsEntry } from './known-hosts.ts';
import type { SshOptions } from './ssh-options.ts';
import { ignoreHostKeyAnnouncements, loadSsh2 } from './ssh2.ts';

/** How often a host may leave a keepalive without an answer. */
const KEEPALIVE_TRIES = 3;

/** What one handshake needs. */
export interface Handshake {
  /** Inventory name, for messages. */
  host: string;
  options: SshOptions;
  knownHosts: readonly KnownHostsEntry[];
  methods: AnyAuthMethod[];
  methodNames: string[];
  keepaliveMs: number;
  idleTimeoutMs: number;
  /** A stream through a jump host; a socket of our own without it. */
  through?: Duplex;
}

/** A client that is logged in, and the end of its connection. */
export interface LoggedIn {
  client: Client;
  closed: Promise<void>;
}

/**
 * Connects, checks the host key and logs in, all within the connect timeout.
 * @throws HsmfleetError UNREACHABLE, AUTHENTICATION, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED
 */
export async function shakeHands(handshake: Handshake): Promise<LoggedIn> {
  const { Client } = await loadSsh2();
  const { host, options } = handshake;
  const client = new Client();
  const closed = new Promise<void>((resolve) => { client.once('close', () => { resolve(); }); });
  const entries = entriesForHost(handshake.knownHosts, options.hostname, options.port, options.hostKeyAlias);
  let stage: 'connect' | 'handshake' | 'login' = 'connect';
  let refusal: HsmfleetError | undefined;

  const verify = (key: Buffer): boolean => {
    const verdict = judgeHostKey(entries, key);
    stage = 'login';
    if (verdict.status === 'known') return true;
    refusal = hostKeyError(verdict, key, { host, options, viaJump: handshake.through !== undefined });
    return false;
  };
  const socket = handshake.through ?? openSocket(options);
  const login = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(unreachable(handshake, timeoutReason(stage, options)));
    }, options.connectTimeoutMs);
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(refusal ?? loginError(handshake, error as Error & { level?: string }, stage, entries));
    };
    socket.once('connect', () => { stage = 'handshake'; });
    client.once('ready', () => { settle(); });
    client.on('error', settle);
    void closed.then(() => { settle(new Error('the host closed the connection')); });
    const config: ConnectConfig = {
      sock: socket,
      username: options.user,
      algorithms: chooseAlgorithms(entries),
      hostVerifier: verify,
      authHandler: handshake.methods as NonNullable<ConnectConfig['authHandler']>,
      readyTimeout: 0,
      keepaliveInterval: handshake.keepaliveMs,
      keepaliveCountMax: KEEPALIVE_TRIES,
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
  if (handshake.through === undefined && handshake.keepaliveMs > 0) watchIdle(socket as Socket, handshake.idleTimeoutMs);
  return { client, closed };
}

function openSocket(options: SshOptions): Socket {
  const socket = connectSocket({
    host: options.hostname,
    port: options.port,
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

function timeoutReason(stage: 'connect' | 'handshake' | 'login', options: SshOptions): string {
  const within = `within ${String(options.connectTimeoutMs / 1000)} s`;
  if (stage === 'connect') return `no answer ${within}`;
  return stage === 'handshake' ? `connected, but it did not finish the SSH handshake ${within}` : `it did not finish the login ${within}`;
}

function loginError(handshake: Handshake, error: Error & { level?: string }, stage: string, entries: readonly KnownHostsEntry[]): HsmfleetError {
  const { host, options } = handshake;
  const place = `${options.user}@${options.hostname}:${String(options.port)}`;
  if (error.level === 'client-authentication' || (stage === 'login' && error.level === undefined)) {
    const tried = handshake.methodNames.length === 0 ? 'nothing to offer: no key file and no agent' : `offered ${handshake.methodNames.join(', ')}`;
    return new HsmfleetError('AUTHENTICATION', `${place} refused the login (${tried})`, {
      host,
      cause: error,
      hint: `set ansible_user and ansible_ssh_private_key_file, start an ssh-agent, or put the public key into ~/.ssh/authorized_keys there`,
      details: { user: options.user, tried: handshake.methodNames },
    });
  }
  if (/no matching host key/i.test(error.message) && entries.length > 0) {
    return unreachable(handshake, `it has none of the host key types that are acceptable (${keyTypes(entries)} in known_hosts)`, error);
  }
  return unreachable(handshake, error.message === '' ? (error as NodeJS.ErrnoException).code ?? 'unknown error' : error.message, error);
}

function keyTypes(entries: readonly KnownHostsEntry[]): string {
  return [...new Set(entries.map(({ key }) => keyTypeOf(Buffer.from(key, 'base64'))))].join(', ');
}

function unreachable({ host, options, through }: Handshake, why: string, cause?: Error): HsmfleetError {
  const way = through === undefined ? '' : ' through its jump host';
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const hint =
    code === 'ECONNREFUSED' ? 'is sshd running there, and is the port right (ansible_port)?'
    : code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'the name does not resolve: set ansible_host'
    : `try: ssh -p ${String(options.port)} ${options.user}@${options.hostname}`;
  return new HsmfleetError('UNREACHABLE', `${options.hostname}:${String(options.port)} is not reachable${way}: ${why}`, { host, hint, cause });
}
