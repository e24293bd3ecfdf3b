import type { CipherVerdict } from '../mod-nss/effective.ts';

const PROTOCOLS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/**
 * What mod_ssl makes of `SSLProtocol`: words with `+` and `-` add and take away, a bare word is taken alone, `all` is
 * everything from TLS 1.0 on, which is also the default. OpenSSL's own configuration may narrow it further.
 * @param words the directive's arguments; undefined when there is none
 */
export function sslProtocols(words: readonly string[] | undefined): string[] {
  const all = [...PROTOCOLS] as string[];
  if (words === undefined) return all;
  let on = new Set<string>();
  for (const word of words) {
    const name = word.replace(/^[+-]/, '');
    const meant = /^all$/i.test(name) ? all : [...PROTOCOLS.filter((entry) => entry.toLowerCase() === name.toLowerCase()), ...(/^sslv3$/i.test(name) ? ['SSLv3'] : [])];
    if (word.startsWith('-')) for (const entry of meant) on.delete(entry);
    else if (word.startsWith('+')) for (const entry of meant) on.add(entry);
    else on = new Set(meant);
  }
  return ['SSLv3', ...all].filter((name) => on.has(name));
}

/** The cipher string that mod_ssl hands to OpenSSL: from what is configured it takes away first what is never wanted. */
export function opensslCipherString(value: string | undefined): string {
  return value === undefined ? 'DEFAULT' : `!aNULL:!eNULL:!EXP:${value}`;
}

/** Judges what `openssl ciphers -s -v` printed for a cipher string; undefined when that is no such list. */
export function judgeOpensslCiphers(printed: string): CipherVerdict | undefined {
  const rows = printed.split('\n').flatMap((line) => {
    const [name = '', , ...fields] = line.trim().split(/\s+/);
    const field = (key: string): string => fields.find((text) => text.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
    return name === '' || field('Enc') === '' ? [] : [{ name, exchange: field('Kx'), authentication: field('Au'), encryption: field('Enc'), mac: field('Mac') }];
  });
  if (rows.length === 0) return undefined;
  return {
    weak: rows.filter((row) => /^(None|RC4|RC2|DES|3DES|IDEA|SEED)\b/.test(row.encryption) || row.authentication === 'None' || row.mac === 'MD5').map(({ name }) => name),
    // OpenSSL calls ephemeral exchanges DH and ECDH; `any` is TLS 1.3, whose exchanges all are
    plainKeyExchange: rows.filter(({ exchange }) => !/^(any|DH|ECDH|DHEPSK|ECDHEPSK|SRP)$/.test(exchange)).map(({ name }) => name),
    unknown: [],
  };
}
