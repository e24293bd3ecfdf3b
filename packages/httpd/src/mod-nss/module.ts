import { NSS_CIPHERS, type CipherGroup } from './ciphers.ts';
import { NSS_DIRECTIVES } from './directives.ts';

/** What is known about the mod_nss on a host. */
export interface ModNss {
  /** Third number of the version, 14 for 1.0.14. */
  patch: number;
  /** Where that is from. `assumed`: nothing told, so the oldest behaviour of the versions still around is taken. */
  source: 'package' | 'binary' | 'assumed';
  /** Knows TLS 1.3. Without that proof TLSv1.3 must not be written: see checkProtocols. */
  tls13: boolean;
  /** Groups of ciphers compiled into the binary; undefined when it was not read. */
  groups?: ReadonlySet<CipherGroup>;
  /** Directive names found in the binary; undefined when it was not read. */
  directives?: ReadonlySet<string>;
}

/** The most conservative guess: plain 1.0.14 as it builds on Debian. */
export const ASSUMED_MOD_NSS: ModNss = { patch: 14, source: 'assumed', tls13: false };

/** Groups that a 1.0.14 built without further care has (field notes 1.4). */
const CERTAIN_GROUPS: ReadonlySet<CipherGroup> = new Set<CipherGroup>(['base', 'ecc']);

/**
 * Constants that give a group away. Single names prove little: linkers store a string that ends another one inside it, so
 * that `dhe_rsa_aes_128_sha` is found in `ecdhe_rsa_aes_128_sha` whether there or not.
 */
const GROUP_MARKS: Readonly<Record<Exclude<CipherGroup, 'base'>, RegExp>> = {
  ecc: /^ecdhe_(?:rsa|ecdsa)_aes_128_sha$/,
  gcm: /rsa_aes_128_gcm_sha_256$/,
  sha384: /_gcm_sha_384$/,
  dhe: /^dhe_rsa_camellia_128_sha$/,
  chacha: /_chacha20_poly1305_sha_256$/,
  tls13: /^tlsv1\.3$/,
};

/**
 * Reads version, ciphers and directives out of `libmodnss.so`. Names are string constants there, so that they tell what
 * was compiled in (see {@link GROUP_MARKS}). Beware: old builds call themselves `mod_nss/2.4.x` after Apache's version; only 1.0.x is believed.
 * @param packageVersion what the package manager says, for example `1.0.14-12.el7`
 */
export function detectModNss(binary?: Uint8Array, packageVersion?: string): ModNss {
  const packaged = patchOf(packageVersion?.replace(/^\d+:/, ''));
  if (binary === undefined) {
    if (packaged === undefined) return ASSUMED_MOD_NSS;
    return { patch: packaged, source: 'package', tls13: false };
  }
  const strings = constantsOf(binary);
  const found = /mod_nss\/(1\.0\.\d+)/.exec(strings.joined)?.[1];
  const directives = new Set(NSS_DIRECTIVES.map(({ name }) => name).filter((name) => strings.all.has(name)));
  const groups = new Set<CipherGroup>(['base']);
  for (const text of strings.all) for (const [group, mark] of Object.entries(GROUP_MARKS)) if (mark.test(text)) groups.add(group as CipherGroup);
  const stated = packaged ?? patchOf(found);
  return {
    patch: stated ?? guessPatch(directives),
    source: packaged !== undefined ? 'package' : directives.size > 0 ? 'binary' : 'assumed',
    // the word that the parser compares with, in lower case; messages spell it otherwise
    tls13: groups.has('tls13'),
    ...(directives.size > 0 ? { directives, groups } : {}),
  };
}

/**
 * What {@link detectModNss} finds out about TLS 1.3, and the version where the binary states one: a search for two
 * constants, for where nothing else is asked and the binary's every constant would cost more than all the rest.
 */
export function glanceAtModNss(binary: Buffer): { tls13: boolean; version: string | null } {
  const stated = binary.indexOf('mod_nss/1.0.');
  const version = stated === -1 ? undefined : /^mod_nss\/(1\.0\.\d+)/.exec(binary.toString('latin1', stated, stated + 32))?.[1];
  return { tls13: binary.includes('\0tlsv1.3\0'), version: version ?? null };
}

/** Does this module know the cipher? Unknown builds are taken to know the certain groups only. */
export function knowsCipher(module: ModNss, name: string): boolean {
  const cipher = NSS_CIPHERS.find((entry) => entry.name === name);
  const groups = module.groups ?? CERTAIN_GROUPS;
  return cipher !== undefined && cipher.groups.every((group) => groups.has(group) || (group === 'tls13' && module.tls13));
}

/** Does this module know the directive? An unknown one is a syntax error, so doubt means no. */
export function knowsDirective(module: ModNss, name: string): boolean {
  if (module.directives !== undefined) return module.directives.has(name);
  const directive = NSS_DIRECTIVES.find((entry) => entry.name === name);
  return directive !== undefined && directive.since <= module.patch && directive.buildOption !== true;
}

function patchOf(version: string | undefined): number | undefined {
  const patch = /^1\.0\.(\d+)/.exec(version ?? '')?.[1];
  return patch === undefined ? undefined : Number(patch);
}

/** The newest version that all directives found have in common as a lower bound; 14 where they tell nothing. */
function guessPatch(directives: ReadonlySet<string>): number {
  if (directives.size === 0) return ASSUMED_MOD_NSS.patch;
  // 1.0.15's OCSP knobs were also patched into RHEL's 1.0.14: directives are asked one by one, so 14 stays the guess
  return Math.min(ASSUMED_MOD_NSS.patch, Math.max(...NSS_DIRECTIVES.filter(({ name }) => directives.has(name)).map(({ since }) => since)));
}

function constantsOf(binary: Uint8Array): { all: ReadonlySet<string>; joined: string } {
  const text = Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength).toString('latin1');
  const all = text.match(/[\x20-\x7e]{4,}/g) ?? [];
  return { all: new Set(all), joined: all.join('\n') };
}
