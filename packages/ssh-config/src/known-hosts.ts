import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** One line of a known_hosts file. */
export interface KnownHostsEntry {
  file: string;
  line: number;
  marker: 'revoked' | 'cert-authority' | undefined;
  /** Host patterns as they stand there: names, `*.example.org`, `!not.this`, `[host]:2222`, `|1|salt|hash`. */
  hosts: string;
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  type: string;
  /** The key's blob, base64. */
  key: string;
}

/** What known_hosts says of a key that a host showed. */
export type HostKeyVerdict =
  | { status: 'known' }
  | { status: 'revoked'; entry: KnownHostsEntry }
  | { status: 'changed'; entry: KnownHostsEntry }
  /** `authority`: an @cert-authority line names the host, which may have a certificate instead. */
  | { status: 'unknown'; authority?: KnownHostsEntry };

/** Parses a known_hosts file. Lines that are no entries are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHostsEntry[] {
  const entries: KnownHostsEntry[] = [];
  text.split('\n').forEach((content, index) => {
    const fields = content.trim().split(/\s+/);
    let marker: KnownHostsEntry['marker'];
    if (fields[0] === '@revoked' || fields[0] === '@cert-authority') {
      marker = fields[0] === '@revoked' ? 'revoked' : 'cert-authority';
      fields.shift();
    }
    const [hosts = '', type = '', key = ''] = fields;
    if (hosts === '' || /^[#@]/.test(hosts) || key === '') return;
    entries.push({ file, line: index + 1, marker, hosts, type, key });
  });
  return entries;
}

/** Reads known_hosts files once each. Files that do not exist are empty. Keep one per run. */
export interface KnownHostsFiles {
  /** @throws the file system's error for a file that exists and cannot be read */
  read(files: readonly string[]): Promise<KnownHostsEntry[]>;
}

export function createKnownHostsFiles(): KnownHostsFiles {
  const parsed = new Map<string, Promise<KnownHostsEntry[]>>();
  const load = async (file: string): Promise<KnownHostsEntry[]> => {
    try {
      return parseKnownHosts(await readFile(file, 'utf8'), file);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  };
  return {
    async read(files) {
      const lists = await Promise.all(
        files.map((file) => {
          let entries = parsed.get(file);
          if (entries === undefined) {
            entries = load(file);
            parsed.set(file, entries);
          }
          return entries;
        }),
      );
      return lists.flat();
    },
  };
}

/** A revocation list in OpenSSH's binary format, which OpenSSH alone can read. */
export class BinaryRevocationListError extends Error {}

/**
 * Reads a RevokedHostKeys file (public keys, one a line) as entries that hold for every host.
 * @throws BinaryRevocationListError, or the file system's error: no key may slip through
 */
export async function readRevokedKeys(file: string): Promise<KnownHostsEntry[]> {
  const text = await readFile(file, 'latin1');
  if (text.startsWith('SSHKRL')) throw new BinaryRevocationListError(`${file} is a binary key revocation list`);
  return text.split('\n').flatMap((content, index) => {
    const [type = '', key = ''] = content.trim().split(/\s+/);
    return type === '' || type.startsWith('#') ? [] : [{ file, line: index + 1, marker: 'revoked' as const, hosts: '*', type, key }];
  });
}

/** The name under which known_hosts has a host: `[host]:port` unless the port is 22. */
export function knownHostsName(hostname: string, port: number): string {
  return port === 22 ? hostname.toLowerCase() : `[${hostname.toLowerCase()}]:${String(port)}`;
}

/** A line for known_hosts. @param hashed hides the name (HashKnownHosts) */
export function knownHostsLine(name: string, key: Buffer, hashed: boolean): string {
  return `${hashed ? hashName(name) : name} ${keyTypeOf(key)} ${key.toString('base64')}`;
}

function hashName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/**
 * The entries that speak of a host. When none names it with its port, those that name it without are taken, as
 * OpenSSH does.
 * @param alias HostKeyAlias: then neither name nor port counts
 */
export function entriesForHost(entries: readonly KnownHostsEntry[], hostname: string, port: number, alias?: string): KnownHostsEntry[] {
  const named = (name: string): KnownHostsEntry[] => entries.filter((entry) => matchesHosts(entry.hosts, name));
  if (alias !== undefined) return named(alias.toLowerCase());
  const exact = named(knownHostsName(hostname, port));
  if (port === 22 || exact.some(({ marker }) => marker === undefined)) return exact;
  return [...exact, ...named(hostname.toLowerCase())];
}

function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) {
    const [, version, salt = '', hash = ''] = hosts.split('|');
    return version === '1' && createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesGlob(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesGlob(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === name;
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

/** Judges the key a host showed by the entries that speak of the host. Revoked wins over everything. */
export function judgeHostKey(entries: readonly KnownHostsEntry[], key: Buffer): HostKeyVerdict {
  const shown = key.toString('base64');
  const revoked = entries.find((entry) => entry.marker === 'revoked' && entry.key === shown);
  if (revoked !== undefined) return { status: 'revoked', entry: revoked };
  const trusted = entries.filter(({ marker }) => marker === undefined);
  if (trusted.some((entry) => entry.key === shown)) return { status: 'known' };
  const changed = trusted.find(({ type }) => type === keyTypeOf(key)) ?? trusted[0];
  if (changed !== undefined) return { status: 'changed', entry: changed };
  const authority = entries.find(({ marker }) => marker === 'cert-authority');
  return authority === undefined ? { status: 'unknown' } : { status: 'unknown', authority };
}

/** The key's type, from its blob. */
export function keyTypeOf(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return key.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
