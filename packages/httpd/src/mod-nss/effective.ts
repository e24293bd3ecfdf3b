import { NSS_CIPHERS, NSS_CIPHER_ALIASES } from './ciphers.ts';
import type { ModNss } from './module.ts';

/** Protocols as OpenSSL and NSS both order them, oldest first. */
const RANGE = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
/** Names that `NSSProtocol` takes, in lower case. */
const NAMES: Readonly<Record<string, (typeof RANGE)[number]>> = {
  sslv3: 'SSLv3', tlsv1: 'TLSv1', 'tlsv1.0': 'TLSv1', 'tlsv1.1': 'TLSv1.1', 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3',
};

/**
 * What mod_nss makes of `NSSProtocol` (field notes 1.3): a range from the lowest to the highest name that it knows. Names
 * with a blank before them are unknown to it. When it knows none, or there is no directive, it serves everything it has
 * from TLS 1.0 (no directive) or SSL 3 (no known name) on. NSS's own policy may narrow it further.
 * @param value the directive's argument as written; undefined when there is none
 */
export function nssProtocols(value: string | undefined, module: Pick<ModNss, 'tls13'>): string[] {
  const known = RANGE.filter((name) => name !== 'TLSv1.3' || module.tls13);
  if (value === undefined) return known.filter((name) => name !== 'SSLv3' && name !== 'TLSv1.3');
  const text = value.toLowerCase();
  if (text.includes('all')) return [...known];
  const places = text.split(',').flatMap((word) => {
    const name = NAMES[word];
    return name === undefined || !known.includes(name) ? [] : [RANGE.indexOf(name)];
  });
  if (places.length === 0) return known.filter((name) => name !== 'TLSv1.3');
  return RANGE.slice(Math.min(...places), Math.max(...places) + 1);
}

/** What a configured cipher list switches on that it should not. */
export interface CipherVerdict {
  weak: string[];
  /** Without forward secrecy. */
  plainKeyExchange: string[];
  /** Names the server skips without a word. */
  unknown: string[];
}

/**
 * Judges `NSSCipherSuite` in mod_nss's own style (`+name,-name`); undefined for OpenSSL's style and for no directive,
 * where what is switched on depends on the build.
 */
export function judgeNssCiphers(value: string | undefined): CipherVerdict | undefined {
  if (value === undefined || !value.includes(',') || value.includes(':')) return undefined;
  const on = new Set<string>();
  const unknown: string[] = [];
  for (const item of value.split(',')) {
    const written = item.slice(1).toLowerCase();
    const name = NSS_CIPHER_ALIASES[written] ?? written;
    if (!NSS_CIPHERS.some((cipher) => cipher.name === name)) unknown.push(item.replace(/^[+-]/, ''));
    else if (item.startsWith('+')) on.add(name);
    else on.delete(name);
  }
  const ciphers = NSS_CIPHERS.filter(({ name }) => on.has(name));
  return {
    weak: ciphers.filter(({ name, insecure }) => insecure || name.includes('3des')).map(({ name }) => name),
    plainKeyExchange: ciphers.filter(({ forwardSecret }) => !forwardSecret).map(({ name }) => name),
    unknown,
  };
}
