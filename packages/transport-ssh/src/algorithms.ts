import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import type { KnownHostsEntry } from './known-hosts.ts';

/** Signature algorithms per key type, best first. `ssh-rsa` (SHA-1) is left out, as in OpenSSH since 8.8. */
const HOST_KEY_ALGORITHMS: ReadonlyMap<string, readonly ServerHostKeyAlgorithm[]> = new Map<string, readonly ServerHostKeyAlgorithm[]>([
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
]);

/**
 * What to offer a host: elliptic curves and AES-GCM first, since both ends compute them fast; no compression. Host
 * key types that known_hosts has for the host come first, so that the host shows a key that can be checked.
 */
export function chooseAlgorithms(known: readonly KnownHostsEntry[]): Algorithms {
  const types = [...new Set(known.filter(({ marker }) => marker === undefined).map(({ type }) => type))];
  const ordered = [...HOST_KEY_ALGORITHMS.keys()].sort((a, b) => Number(types.includes(b)) - Number(types.includes(a)));
  return {
    kex: [
      'curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521',
      'diffie-hellman-group14-sha256', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group16-sha512',
    ],
    cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    serverHostKey: ordered.flatMap((type) => [...(HOST_KEY_ALGORITHMS.get(type) ?? [])]),
    compress: ['none'],
  };
}
