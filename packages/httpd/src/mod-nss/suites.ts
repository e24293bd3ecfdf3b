import { HsmfleetError } from '@hsmfleet/contract';
import { NSS_CIPHERS, NSS_CIPHER_ALIASES } from './ciphers.ts';
import { knowsCipher, type ModNss } from './module.ts';

const KNOWN_PROTOCOLS = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
type NssProtocolName = (typeof KNOWN_PROTOCOLS)[number];

/** TLS 1.2, and 1.3 where the module is known to have it. */
export function defaultProtocols(module: ModNss): string[] {
  return module.tls13 ? ['TLSv1.2', 'TLSv1.3'] : ['TLSv1.2'];
}

/**
 * Value of `NSSProtocol`: comma, no blanks, which mod_nss would take for a part of the name.
 * @throws HsmfleetError PARAMS_INVALID for unknown names, a range with holes, SSLv3, and TLSv1.3 on a module that is not
 * known to have it: 1.0.14 merely warns and silently serves TLS 1.0 and 1.1 as well (field notes 1.3)
 */
export function checkProtocols(module: ModNss, protocols: readonly string[]): string {
  if (protocols.length === 0) refuse('no protocol is given', 'name at least TLSv1.2: without one mod_nss serves TLS 1.0 to 1.2');
  const wanted = protocols.map((name): NssProtocolName => {
    const known = KNOWN_PROTOCOLS.find((protocol) => protocol.toLowerCase() === name.toLowerCase());
    if (known === undefined) refuse(`mod_nss knows no protocol "${name}"`, `use some of ${KNOWN_PROTOCOLS.slice(1).join(', ')}, without "+" or "-"`);
    if (known === 'SSLv3') refuse('protocol SSLv3 is broken and is not written', 'use TLSv1.2');
    return known;
  });
  if (wanted.includes('TLSv1.3') && !module.tls13) {
    refuse(
      `the mod_nss on this host (1.0.${String(module.patch)}, ${module.source}) is not known to have TLSv1.3`,
      'such a module would silently serve TLS 1.0 and 1.1 instead: ask for TLSv1.2 alone, or install a newer mod_nss',
    );
  }
  const places = [...new Set(wanted.map((name) => KNOWN_PROTOCOLS.indexOf(name)))].sort((a, b) => a - b);
  const [lowest = 0] = places;
  const highest = places.at(-1) ?? lowest;
  if (highest - lowest + 1 !== places.length) {
    const range = KNOWN_PROTOCOLS.slice(lowest, highest + 1).join(', ');
    refuse('protocols of mod_nss are a range without holes', `name all of it (${range}), or fewer`);
  }
  return places.map((place) => KNOWN_PROTOCOLS[place]).join(',');
}

/** What clients of today need, best first; `aes_…_sha` as the last resort of builds without GCM. */
const PREFERRED = [
  'aes_128_gcm_sha_256', 'aes_256_gcm_sha_384', 'chacha20_poly1305_sha_256',
  'ecdhe_ecdsa_aes_128_gcm_sha_256', 'ecdhe_rsa_aes_128_gcm_sha_256', 'ecdhe_ecdsa_aes_256_gcm_sha_384', 'ecdhe_rsa_aes_256_gcm_sha_384',
  'ecdhe_ecdsa_chacha20_poly1305_sha_256', 'ecdhe_rsa_chacha20_poly1305_sha_256',
  'ecdhe_ecdsa_aes_128_sha_256', 'ecdhe_rsa_aes_128_sha_256', 'ecdhe_ecdsa_aes_128_sha', 'ecdhe_rsa_aes_128_sha',
  'ecdhe_ecdsa_aes_256_sha', 'ecdhe_rsa_aes_256_sha', 'aes_128_sha_256', 'rsa_aes_128_sha', 'rsa_aes_256_sha',
];

/** Ciphers to serve when the playbook names none: of the good ones, those that this module has. */
export function defaultCiphers(module: ModNss): string[] {
  return PREFERRED.filter((name) => knowsCipher(module, name));
}

export interface CheckedCiphers {
  /** Value of `NSSCipherSuite`. */
  suite: string;
  warnings: string[];
}

/**
 * Value of `NSSCipherSuite` in mod_nss's own style. Names may come with or without `+`; `-name` is passed on.
 * @param keyType key that serves: `rsa` or `ec`
 * @throws HsmfleetError PARAMS_INVALID for names that this module does not know (mod_nss skips them with an info line
 * that nobody sees), for broken ciphers, and when none is left that works with the key
 */
export function checkCiphers(module: ModNss, ciphers: readonly string[], keyType: string): CheckedCiphers {
  const warnings: string[] = [];
  const items = ciphers.map((item) => {
    const sign = item.startsWith('-') ? '-' : '+';
    const written = item.replace(/^[+-]/, '').toLowerCase();
    const name = NSS_CIPHER_ALIASES[written] ?? written;
    if (name !== written) warnings.push(`cipher "${written}" is an old spelling of "${name}"`);
    const known = NSS_CIPHERS.find((cipher) => cipher.name === name);
    if (known === undefined) refuse(`mod_nss knows no cipher "${item}"`, nearest(name));
    if (sign === '+' && known.insecure) refuse(`cipher "${name}" is broken and is not written`, 'leave it out');
    if (!knowsCipher(module, name)) {
      refuse(
        `the mod_nss on this host does not have cipher "${name}" (${known.groups.join(', ')} not compiled in)`,
        `it would skip the name without a word; it has: ${defaultCiphers(module).join(', ')}`,
      );
    }
    return { sign, cipher: known };
  });
  const on = items.filter(({ sign }) => sign === '+');
  const wanted = keyType === 'ec' ? 'ecdsa' : 'rsa';
  if (!on.some(({ cipher }) => cipher.authentication === wanted || cipher.authentication === 'any')) {
    refuse(`none of the ciphers works with a key of type ${keyType}`, `mod_nss would start and serve nobody: add one of ${wanted === 'ecdsa' ? 'ecdhe_ecdsa_…' : 'ecdhe_rsa_…'}`);
  }
  // a comma makes mod_nss read its own style; a single name without one would be tried as an OpenSSL string first
  const suite = items.map(({ sign, cipher }) => `${sign}${cipher.name}`).join(',');
  return { suite: items.length === 1 ? `${suite},-rsa_null_md5` : suite, warnings };
}

function nearest(name: string): string {
  const words = name.split('_');
  const score = (other: string): number => other.split('_').filter((word) => words.includes(word)).length;
  const best = [...NSS_CIPHERS].filter((cipher) => !cipher.insecure).sort((a, b) => score(b.name) - score(a.name))[0];
  return `nearest name: ${best?.name ?? 'none'}; OpenSSL's spellings are not taken`;
}

function refuse(message: string, hint?: string): never {
  throw new HsmfleetError('PARAMS_INVALID', message, { hint });
}
