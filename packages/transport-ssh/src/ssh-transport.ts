import type { Duplex } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { HostTarget, Prompts, Transport } from '@hsmfleet/transport';
import { shakeHands, type LoggedIn } from './handshake.ts';
import { createIdentities } from './identities.ts';
import { createKnownHostsFiles, readRevokedKeys, type KnownHostsEntry } from './known-hosts.ts';
import { parseSshArgs } from './ssh-args.ts';
import { wrapClient } from './ssh-connection.ts';
import { createSshOptionsResolver, type SshOptions } from './ssh-options.ts';

export interface SshTransportOptions {
  /** Asks for passphrases of encrypted keys, once per key file. */
  prompts?: Prompts;
  /** Milliseconds between keepalives, 15 000 by default, 0 for none; after three without an answer the connection is lost. */
  keepaliveMs?: number;
  /** Milliseconds without a single byte from the host after which the connection is lost, 60 000 by default; only with keepalives. */
  idleTimeoutMs?: number;
}

/** Jump hosts behind jump hosts behind … */
const MAX_HOPS = 8;

/** A jump host's connection, shared by all hosts behind it. */
interface SharedHop {
  loggedIn: Promise<LoggedIn>;
  users: number;
}

/**
 * Reaches hosts over SSH. Keep one per run: it reads key files, known_hosts and OpenSSH's configuration once, asks
 * for a passphrase once, and connects to a jump host once for all hosts behind it.
 *
 * Host keys are always checked against known_hosts; StrictHostKeyChecking is not heard.
 */
export function createSshTransport(settings: SshTransportOptions = {}): Transport {
  const { keepaliveMs = 15_000, idleTimeoutMs = 60_000 } = settings;
  const resolver = createSshOptionsResolver();
  const identities = createIdentities(settings.prompts);
  const knownHosts = createKnownHostsFiles();
  const hops = new Map<string, SharedHop>();

  /** Logs in to a host, through its jump hosts when it has some. */
  async function logIn(target: HostTarget, options: SshOptions, depth: number): Promise<LoggedIn> {
    if (options.proxyCommand !== undefined && options.proxyJump.length === 0) {
      throw new HsmfleetError('UNREACHABLE', `${target.name} is to be reached by a ProxyCommand, which is not supported`, { host: target.name, hint: 'use ProxyJump (-J HOST)' });
    }
    const { methods, names } = await identities.prepare(options, target.name);
    const entries = await readKnownHosts(options, target.name);
    const handshake = { host: target.name, options, knownHosts: entries, methods, methodNames: names, keepaliveMs, idleTimeoutMs };
    if (options.proxyJump.length === 0) return shakeHands(handshake);

    const hop = await openHop(target, options, depth);
    try {
      const through = await forward(hop.loggedIn, options, target.name);
      const loggedIn = await shakeHands({ ...handshake, through });
      void loggedIn.closed.then(hop.release);
      return loggedIn;
    } catch (error) {
      hop.release();
      throw error;
    }
  }

  /** Connects to the last jump host before the target, or shares the connection that is there. */
  async function openHop(target: HostTarget, options: SshOptions, depth: number): Promise<{ loggedIn: LoggedIn; release: () => void }> {
    if (depth >= MAX_HOPS) {
      throw new HsmfleetError('UNREACHABLE', `${target.name} has more than ${String(MAX_HOPS)} jump hosts: do they name each other?`, { host: target.name });
    }
    const before = options.proxyJump.slice(0, -1);
    const jump = hopTarget(options.proxyJump.at(-1) ?? '', target);
    const own = await resolver.resolve(jump);
    const hopOptions: SshOptions = {
      ...own,
      proxyJump: before.length > 0 ? before : own.proxyJump,
      // what the hosts file names for the host is heard for the hops to it as well
      optionalIdentityFiles: [...own.optionalIdentityFiles, ...options.requiredIdentityFiles],
      knownHostsFiles: [...new Set([...own.knownHostsFiles, ...options.knownHostsFiles])],
      connectTimeoutMs: options.connectTimeoutMs,
    };
    const key = JSON.stringify(hopOptions);
    let hop = hops.get(key);
    if (hop === undefined) {
      hop = { loggedIn: logIn({ ...jump, name: target.name }, hopOptions, depth + 1), users: 0 };
      hops.set(key, hop);
      const forget = (): void => { hops.delete(key); };
      hop.loggedIn.then(({ closed }) => closed, () => undefined).then(forget, forget);
    }
    const shared = hop;
    shared.users += 1;
    const release = once(() => {
      shared.users -= 1;
      if (shared.users === 0) {
        hops.delete(key);
        shared.loggedIn.then(({ client }) => client.end(), () => undefined);
      }
    });
    try {
      return { loggedIn: await shared.loggedIn, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async function readKnownHosts(options: SshOptions, host: string): Promise<KnownHostsEntry[]> {
    try {
      const entries = await knownHosts.read(options.knownHostsFiles);
      if (options.revokedHostKeysFile === undefined) return entries;
      return [...entries, ...(await readRevokedKeys(options.revokedHostKeysFile))];
    } catch (cause) {
      throw new HsmfleetError('UNREACHABLE', `known_hosts cannot be read: ${(cause as Error).message}`, { host, cause, hint: 'check UserKnownHostsFile and the permissions of the file' });
    }
  }

  return {
    async connect(target) {
      const options = await resolver.resolve(target);
      const { client, closed } = await logIn(target, options, 0);
      return wrapClient(client, target, options.user, closed);
    },
  };
}

/** `user@host:port` or `ssh://…` of a jump list. As OpenSSH does, only -F is handed on to hops. */
function hopTarget(hop: string, target: HostTarget): HostTarget {
  const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?\/?$/.exec(hop);
  const address = match?.[2]?.replaceAll(/^\[|\]$/g, '');
  if (match === null || address === undefined) {
    throw new HsmfleetError('UNREACHABLE', `the jump host "${hop}" of ${target.name} is not of the form user@host:port`, { host: target.name });
  }
  const { configFile } = parseSshArgs(target.sshArgs ?? []);
  return {
    name: address,
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(match[3] === undefined ? {} : { port: Number(match[3]) }),
    ...(configFile === undefined ? {} : { sshArgs: ['-F', configFile] }),
  };
}

function forward({ client }: LoggedIn, options: SshOptions, host: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, options.hostname, options.port, (error, stream) => {
      if (error === undefined) resolve(stream);
      else {
        reject(new HsmfleetError('UNREACHABLE', `the jump host cannot reach ${options.hostname}:${String(options.port)}: ${error.message}`, {
          host, cause: error, hint: 'does the jump host allow TCP forwarding, and can it reach the host?',
        }));
      }
    });
  });
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
