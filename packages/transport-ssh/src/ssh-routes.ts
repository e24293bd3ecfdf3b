import type { Duplex } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import { BinaryRevocationListError, createKnownHostsFiles, readRevokedKeys, resolveHop, type KnownHostsEntry, type SshOptions, type SshOptionsResolver } from '@hsmfleet/ssh-config';
import type { HostTarget, Prompts } from '@hsmfleet/transport';
import { shakeHands, type LoggedIn, type Way } from './handshake.ts';
import { createIdentities } from './identities.ts';
import { needsOpenSsh } from './needs-openssh.ts';
import { startProxyCommand } from './proxy-command.ts';

export interface SshTransportOptions {
  /** What OpenSSH's configuration says. Keep one per run. */
  resolver: SshOptionsResolver;
  /** Asks for passphrases of encrypted keys, once per key file, and for what hosts ask. */
  prompts?: Prompts;
  /** Milliseconds between keepalives, 15 000 by default, 0 for none; after three without an answer the connection is lost. ServerAliveInterval wins. */
  keepaliveMs?: number;
  /** Milliseconds without a single byte from the host after which the connection is lost, 60 000 by default; only with keepalives. */
  idleTimeoutMs?: number;
  /** Sends no password and no answer to any host. */
  publicKeysOnly?: boolean;
}

/** A jump host's connection, shared by all hosts behind it. */
interface SharedHop {
  loggedIn: Promise<LoggedIn>;
  users: number;
}

/** A way to a host, to be released when it is no longer needed. */
export interface OpenWay extends Way {
  release(): void;
}

/** Ways to hosts and logins there. */
export interface SshRoutes {
  /** Goes as far as the host's port, through its jump hosts or its ProxyCommand. */
  open(target: HostTarget, options: SshOptions, depth?: number): Promise<OpenWay>;
  logIn(target: HostTarget, options: SshOptions, depth?: number): Promise<LoggedIn>;
  readKnownHosts(options: SshOptions, host: string): Promise<KnownHostsEntry[]>;
}

/** @param seen keys of hosts that count as known beside those of the files */
export function createSshRoutes(settings: SshTransportOptions, seen: readonly KnownHostsEntry[] = []): SshRoutes {
  const { resolver, prompts, keepaliveMs = 15_000, idleTimeoutMs = 60_000, publicKeysOnly = false } = settings;
  const identities = createIdentities(prompts);
  const knownHosts = createKnownHostsFiles();
  const hops = new Map<string, SharedHop>();

  async function logIn(target: HostTarget, options: SshOptions, depth = 0): Promise<LoggedIn> {
    if (options.onlyOpenSsh.length > 0) throw needsOpenSsh(target.name, `${options.onlyOpenSsh.join(' and ')} of OpenSSH's configuration cannot be followed by ssh2`);
    const keys = await identities.prepare(options, target.name);
    if (keys.certificate !== undefined) throw needsOpenSsh(target.name, `the certificate ${keys.certificate} is to be shown, which ssh2 cannot do`);
    if (keys.methods.length === 0 && keys.foreign.length > 0 && target.password === undefined) throw needsOpenSsh(target.name, `ssh2 cannot use ${keys.foreign.join(', ')}, and there is no other key`);
    const entries = await readKnownHosts(options, target.name);
    const way = await open(target, options, depth);
    try {
      const keepalive = options.keepalive ?? { intervalMs: keepaliveMs, countMax: 3 };
      const loggedIn = await shakeHands({ target, options, knownHosts: entries, keys, prompts: publicKeysOnly ? undefined : prompts, keepalive, idleTimeoutMs: Math.max(idleTimeoutMs, keepalive.intervalMs * (keepalive.countMax + 1)), way });
      void loggedIn.closed.then(way.release);
      return loggedIn;
    } catch (error) {
      way.release();
      throw error;
    }
  }

  async function open(target: HostTarget, options: SshOptions, depth = 0): Promise<OpenWay> {
    if (options.proxyJump.length > 0) {
      const hop = await openHop(target, options, depth);
      try {
        return { kind: 'jump', stream: await forward(hop.loggedIn, options, target.name), release: hop.release };
      } catch (error) {
        hop.release();
        throw error;
      }
    }
    if (options.proxyCommand === undefined) return { kind: 'direct', release: () => undefined };
    const { stream, said } = startProxyCommand(options.proxyCommand, options, target.address ?? target.name);
    return { kind: 'command', stream, said, release: () => { stream.destroy(); } };
  }

  /** Connects to the last jump host before the target, or shares the connection that is there. */
  async function openHop(target: HostTarget, options: SshOptions, depth: number): Promise<{ loggedIn: LoggedIn; release: () => void }> {
    const { target: jump, options: hopOptions } = await resolveHop(resolver, target, options, depth);
    const key = JSON.stringify(hopOptions);
    let hop = hops.get(key);
    if (hop === undefined) {
      hop = { loggedIn: logIn(jump, hopOptions, depth + 1), users: 0 };
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
      const entries = [...(await knownHosts.read(options.knownHostsFiles)), ...seen];
      if (options.revokedHostKeysFile === undefined) return entries;
      return [...entries, ...(await readRevokedKeys(options.revokedHostKeysFile))];
    } catch (cause) {
      if (cause instanceof BinaryRevocationListError) throw needsOpenSsh(host, `${cause.message}, which ssh2 cannot read`);
      throw new HsmfleetError('UNREACHABLE', `known_hosts cannot be read: ${(cause as Error).message}`, { host, cause, hint: 'check UserKnownHostsFile and the permissions of the file' });
    }
  }

  return { open, logIn, readKnownHosts };
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
