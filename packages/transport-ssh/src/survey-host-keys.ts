import { HsmfleetError } from '@hsmfleet/contract';
import { entriesForHost, fingerprintOf, judgeHostKey, keyTypeOf, knownHostsName, resolveHop, type KnownHostsEntry, type SshOptions } from '@hsmfleet/ssh-config';
import type { HostTarget } from '@hsmfleet/transport';
import { chooseAlgorithms } from './algorithms.ts';
import { openSocket, type Way } from './handshake.ts';
import { needsOpenSsh } from './needs-openssh.ts';
import { loadSsh2 } from './ssh2.ts';
import { createSshRoutes, type SshRoutes, type SshTransportOptions } from './ssh-routes.ts';

/** The key that a host or a jump host shows, and what known_hosts says of it. */
export interface ShownHostKey {
  /** Name for known_hosts: `[host]:port` unless the port is 22, or HostKeyAlias. */
  place: string;
  type: string;
  fingerprint: string;
  key: Buffer;
  /** `authority`: a certificate vouches for the host, and its key is not needed. */
  status: 'known' | 'unknown' | 'changed' | 'revoked' | 'authority';
  /** The line that says otherwise, FILE:LINE. */
  against?: string;
  /** Where new keys go. */
  file: string;
  /** HashKnownHosts. */
  hash: boolean;
}

/** Looks at the keys of many hosts, each place once. */
export interface HostKeySurvey {
  /**
   * The keys on the way to a host, jump hosts first.
   * @throws HsmfleetError UNREACHABLE, AUTHENTICATION (at a jump host), KEY_UNREADABLE; `details.fallback` where only OpenSSH can ask
   */
  look(target: HostTarget): Promise<ShownHostKey[]>;
}

/** Asks for a host's key where ssh2 cannot. */
export type AskOtherwise = (target: HostTarget, options: SshOptions) => Promise<Buffer>;

/**
 * Collects host keys without logging in. A jump host whose key is not known yet is gone through with public keys alone,
 * for the time of the survey: no password and no answer is sent to it, and what hosts behind it show is judged by the
 * same person.
 */
export function createHostKeySurvey(settings: SshTransportOptions, askOtherwise?: AskOtherwise): HostKeySurvey {
  const seen: KnownHostsEntry[] = [];
  const routes = createSshRoutes({ ...settings, publicKeysOnly: true }, seen);
  const places = new Map<string, Promise<ShownHostKey>>();

  async function look(target: HostTarget, options: SshOptions, depth: number): Promise<ShownHostKey[]> {
    const before: ShownHostKey[] = [];
    if (options.proxyJump.length > 0) {
      const hop = await resolveHop(settings.resolver, target, options, depth);
      before.push(...(await look(hop.target, hop.options, depth + 1)));
      const last = before.at(-1);
      if (last?.status === 'changed' || last?.status === 'revoked') return before;
    }
    const id = JSON.stringify([options.hostname, options.port, options.hostKeyAlias, options.proxyJump, options.proxyCommand, options.knownHostsFiles]);
    let shown = places.get(id);
    if (shown === undefined) {
      shown = lookAt({ target, options, routes, depth, askOtherwise });
      places.set(id, shown);
    }
    const found = await shown;
    if (found.status === 'unknown') seen.push({ file: found.file, line: 0, marker: undefined, hosts: found.place, type: found.type, key: found.key.toString('base64') });
    return [...before, found];
  }
  return { look: async (target) => look(target, await settings.resolver.resolve(target), 0) };
}

interface Place {
  target: HostTarget;
  options: SshOptions;
  routes: SshRoutes;
  depth: number;
  askOtherwise: AskOtherwise | undefined;
}

async function lookAt({ target, options, routes, depth, askOtherwise }: Place): Promise<ShownHostKey> {
  // line 0: only seen in this survey
  const written = (await routes.readKnownHosts(options, target.name)).filter(({ line }) => line > 0);
  const entries = entriesForHost(written, options.hostname, options.port, options.hostKeyAlias);
  const place = options.hostKeyAlias ?? knownHostsName(options.hostname, options.port);
  const file = options.knownHostsFiles[0];
  if (file === undefined) throw new HsmfleetError('UNREACHABLE', `no known_hosts file is set for ${target.name}`, { host: target.name, hint: 'check UserKnownHostsFile' });
  const key = await readKey();
  const verdict = judgeHostKey(entries, key);
  const authority = entries.find(({ marker }) => marker === 'cert-authority');
  const status = authority !== undefined && verdict.status !== 'known' && verdict.status !== 'revoked' ? 'authority' : verdict.status;
  const against = verdict.status === 'changed' || verdict.status === 'revoked' ? `${verdict.entry.file}:${String(verdict.entry.line)}` : undefined;
  return { place, type: keyTypeOf(key), fingerprint: fingerprintOf(key), key, status, file, hash: options.hashKnownHosts, ...(against === undefined ? {} : { against }) };

  async function readKey(): Promise<Buffer> {
    try {
      if (options.onlyOpenSsh.length > 0) throw needsOpenSsh(target.name, `${options.onlyOpenSsh.join(' and ')} cannot be followed by ssh2`);
      const way = await routes.open(target, options, depth);
      try {
        return await readHostKey(target, options, way, entries);
      } finally {
        way.release();
      }
    } catch (error) {
      if (askOtherwise === undefined || !(error instanceof HsmfleetError) || error.details?.fallback !== true) throw error;
      return askOtherwise(target, options);
    }
  }
}

/** Goes as far into a handshake as it takes to see the key, and proof that the host has it. */
async function readHostKey(target: HostTarget, options: SshOptions, way: Way, entries: readonly KnownHostsEntry[]): Promise<Buffer> {
  const { Client } = await loadSsh2();
  const { offer, lacking } = chooseAlgorithms(entries, options.algorithms);
  if (lacking !== undefined) throw needsOpenSsh(target.name, `of the ${lacking.kind} algorithms that are allowed ssh2 has none`);
  const client = new Client();
  const socket = way.stream ?? openSocket(options);
  const place = `${options.hostname}:${String(options.port)}`;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      let shown: Buffer | undefined;
      const fail = (error: Error): void => {
        if (shown !== undefined) resolve(shown);
        else if (/no matching/i.test(error.message)) reject(needsOpenSsh(target.name, `${place} and ssh2 share no algorithms: ${error.message}`));
        else reject(new HsmfleetError('UNREACHABLE', `${place} shows no host key: ${error.message === '' ? (error as NodeJS.ErrnoException).code ?? 'unknown error' : error.message}`, { host: target.name, cause: error, hint: 'is sshd running there, and is the port right (ansible_port)?' }));
      };
      const timer = setTimeout(() => { fail(new Error(`no answer within ${String(options.connectTimeoutMs / 1000)} s`)); }, options.connectTimeoutMs);
      client.on('error', fail);
      client.once('close', () => {
        clearTimeout(timer);
        fail(new Error('the host closed the connection'));
      });
      client.connect({
        sock: socket, username: options.user, algorithms: offer, readyTimeout: 0,
        hostVerifier: (key: Buffer) => {
          shown = Buffer.from(key);
          return false;
        },
      });
    });
  } finally {
    client.destroy();
    socket.destroy();
  }
}
