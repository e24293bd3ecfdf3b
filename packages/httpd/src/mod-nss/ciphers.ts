/*
 * Cipher names of mod_nss (field notes 1.4). Which of them a module knows was decided when it was built: on Debian the
 * groups gcm, sha384, dhe and chacha are silently missing unless the builder arranged the include path.
 */

/** What has to be compiled in for a name to exist. `tls13` came after 1.0.14. */
export type CipherGroup = 'base' | 'ecc' | 'gcm' | 'sha384' | 'dhe' | 'chacha' | 'tls13';

/** Key a cipher can be served with; `any` for TLS 1.3. */
export type CipherAuthentication = 'rsa' | 'ecdsa' | 'anonymous' | 'any';

export interface NssCipher {
  name: string;
  /** All of these must be compiled in. */
  groups: readonly CipherGroup[];
  authentication: CipherAuthentication;
  /** No encryption, export grade, RC2, RC4, DES, anonymous: never to be served. */
  insecure: boolean;
  /** Uses an ephemeral key exchange. */
  forwardSecret: boolean;
  /** AES-GCM or ChaCha20. */
  aead: boolean;
}

const BASE = `rsa_null_md5 rsa_null_sha rsa_rc4_40_md5 rsa_rc4_128_md5 rsa_rc4_128_sha rsa_rc2_40_md5 rsa_des_sha rsa_3des_sha
rsa_aes_128_sha rsa_aes_256_sha null_sha_256 aes_128_sha_256 aes_256_sha_256 camellia_128_sha camellia_256_sha rsa_des_56_sha
rsa_rc4_56_sha fips_3des_sha fips_des_sha rsa_aes_128_gcm_sha_256 rsa_aes_256_gcm_sha_384`;
const DHE = `dhe_rsa_des_sha dhe_rsa_3des_sha dhe_rsa_aes_128_sha dhe_rsa_aes_256_sha dhe_rsa_camellia_128_sha
dhe_rsa_camellia_256_sha dhe_rsa_aes_128_sha_256 dhe_rsa_aes_256_sha_256 dhe_rsa_aes_128_gcm_sha_256
dhe_rsa_aes_256_gcm_sha_384 dhe_rsa_chacha20_poly1305_sha_256`;
const ECC = `ecdh_ecdsa_null_sha ecdh_ecdsa_rc4_128_sha ecdh_ecdsa_3des_sha ecdh_ecdsa_aes_128_sha ecdh_ecdsa_aes_256_sha
ecdhe_ecdsa_null_sha ecdhe_ecdsa_rc4_128_sha ecdhe_ecdsa_3des_sha ecdhe_ecdsa_aes_128_sha ecdhe_ecdsa_aes_256_sha
ecdh_rsa_null_sha ecdh_rsa_128_sha ecdh_rsa_3des_sha ecdh_rsa_aes_128_sha ecdh_rsa_aes_256_sha ecdhe_rsa_null
ecdhe_rsa_rc4_128_sha ecdhe_rsa_3des_sha ecdhe_rsa_aes_128_sha ecdhe_rsa_aes_256_sha ecdh_anon_null_sha
ecdh_anon_rc4_128sha ecdh_anon_3des_sha ecdh_anon_aes_128_sha ecdh_anon_aes_256_sha ecdhe_ecdsa_aes_128_sha_256
ecdhe_rsa_aes_128_sha_256 ecdhe_ecdsa_aes_128_gcm_sha_256 ecdhe_rsa_aes_128_gcm_sha_256 ecdhe_ecdsa_aes_256_sha_384
ecdhe_rsa_aes_256_sha_384 ecdhe_ecdsa_aes_256_gcm_sha_384 ecdhe_rsa_aes_256_gcm_sha_384
ecdhe_rsa_chacha20_poly1305_sha_256 ecdhe_ecdsa_chacha20_poly1305_sha_256`;
const TLS13 = 'aes_128_gcm_sha_256 aes_256_gcm_sha_384 chacha20_poly1305_sha_256';

/** Every cipher name that some mod_nss knows. */
export const NSS_CIPHERS: readonly NssCipher[] = [
  ...names(BASE).map((name) => cipher(name, [])),
  ...names(DHE).map((name) => cipher(name, ['dhe'])),
  ...names(ECC).map((name) => cipher(name, ['ecc'])),
  ...names(TLS13).map((name): NssCipher => ({ name, groups: ['tls13'], authentication: 'any', insecure: false, forwardSecret: true, aead: true })),
];

/** Old spellings that modules after 1.0.14 accept with an info line, and their names. */
export const NSS_CIPHER_ALIASES: Readonly<Record<string, string>> = {
  camelia_128_sha: 'camellia_128_sha',
  camelia_256_sha: 'camellia_256_sha',
  dhe_rsa_aes_128_sha256: 'dhe_rsa_aes_128_sha_256',
  dhe_rsa_aes_256_sha256: 'dhe_rsa_aes_256_sha_256',
};

function names(text: string): string[] {
  return text.split(/\s+/);
}

function cipher(name: string, groups: readonly CipherGroup[]): NssCipher {
  const needed = new Set<CipherGroup>(groups);
  if (name.includes('gcm')) needed.add('gcm');
  if (name.endsWith('sha_384')) needed.add('sha384');
  if (name.includes('chacha20')) needed.add('chacha');
  return {
    name,
    groups: needed.size === 0 ? ['base'] : [...needed],
    authentication: name.includes('_anon_') ? 'anonymous' : /^ecdhe?_ecdsa/.test(name) ? 'ecdsa' : 'rsa',
    insecure: /null|rc4|rc2|_des_|_40_|_56_|anon/.test(name) || name === 'ecdh_rsa_128_sha',
    forwardSecret: /^(ecdhe|dhe)_/.test(name),
    aead: /gcm|chacha20/.test(name),
  };
}
