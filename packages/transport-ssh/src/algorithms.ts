import type { AllowedAlgorithms, KnownHostsEntry } from '@hsmfleet/ssh-config';
import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';

/** Signature algorithms per key type, best first. `ssh-rsa` (SHA-1) is left out, as in OpenSSH since 8.8. */
const HOST_KEY_ALGORITHMS: ReadonlyMap<string, readonly ServerHostKeyAlgorithm[]> = new Map<string, readonly ServerHostKeyAlgorithm[]>([
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
]);

const KEX: readonly KexAlgorithm[] = [
  'curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group16-sha512',
];
const CIPHERS: readonly CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'];
const MACS: readonly MacAlgorithm[] = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'];

/** What to offer a host, and of which kind nothing is left that ssh2 can do. */
export interface ChosenAlgorithms {
  offer: Algorithms;
  lacking: { kind: string; wanted: readonly string[] } | undefined;
}

/**
 * What to offer a host: elliptic curves and AES-GCM first, since both ends compute them fast; no compression. Host
 * key types that known_hosts has for the host come first, so that the host shows a key that can be checked.
 * OpenSSH's configuration takes away from that; where it does, its order counts.
 */
export function chooseAlgorithms(known: readonly KnownHostsEntry[], allowed: Partial<AllowedAlgorithms> = {}): ChosenAlgorithms {
  const types = [...new Set(known.filter(({ marker }) => marker === undefined).map(({ type }) => type))];
  const ordered = [...HOST_KEY_ALGORITHMS.keys()].sort((a, b) => Number(types.includes(b)) - Number(types.includes(a)));
  const hostKeys = ordered.flatMap((type) => [...(HOST_KEY_ALGORITHMS.get(type) ?? [])]);
  const offer = {
    kex: restrict(KEX, allowed.kex),
    cipher: restrict(CIPHERS, allowed.ciphers),
    hmac: restrict(MACS, allowed.macs),
    serverHostKey: hostKeys.filter((name) => allowed.hostKeys?.includes(name) ?? true),
  };
  const lacking = offer.kex.length === 0 ? { kind: 'key exchange', wanted: allowed.kex ?? [] }
    : offer.cipher.length === 0 ? { kind: 'cipher', wanted: allowed.ciphers ?? [] }
    : offer.hmac.length === 0 ? { kind: 'MAC', wanted: allowed.macs ?? [] }
    : offer.serverHostKey.length === 0 ? { kind: 'host key', wanted: allowed.hostKeys ?? [] }
    : undefined;
  return { offer: { ...offer, compress: ['none'] }, lacking };
}

function restrict<T extends string>(ours: readonly T[], allowed: readonly string[] | undefined): T[] {
  if (allowed === undefined) return [...ours];
  const left = ours.filter((name) => allowed.includes(name));
  // a list without some of ours was written by somebody, who also chose its order
  return left.length === ours.length ? left : left.sort((a, b) => allowed.indexOf(a) - allowed.indexOf(b));
}

/** May a key of that type sign for the user? */
export function mayUseKey(type: string, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || (type === 'ssh-rsa' ? allowed.some((name) => /^rsa-sha2-(256|512)$/.test(name)) : allowed.includes(type));
}
