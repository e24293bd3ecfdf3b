import type { MechanismRow } from '@hsmfleet/station';
import type { RawMechanism } from './protocol.ts';

/** CKM_ values by name, without the prefix: what tokens for web servers, OpenSC and SoftHSM list. */
export const CKM = {
  RSA_PKCS_KEY_PAIR_GEN: 0x0, RSA_PKCS: 0x1, RSA_9796: 0x2, RSA_X_509: 0x3, MD5_RSA_PKCS: 0x5, SHA1_RSA_PKCS: 0x6, RIPEMD160_RSA_PKCS: 0x8,
  RSA_PKCS_OAEP: 0x9, RSA_X9_31_KEY_PAIR_GEN: 0xa, RSA_PKCS_PSS: 0xd, SHA1_RSA_PKCS_PSS: 0xe, DSA_KEY_PAIR_GEN: 0x10, DSA: 0x11, DSA_SHA1: 0x12,
  DSA_SHA224: 0x13, DSA_SHA256: 0x14, DSA_SHA384: 0x15, DSA_SHA512: 0x16, DH_PKCS_KEY_PAIR_GEN: 0x20, DH_PKCS_DERIVE: 0x21,
  SHA256_RSA_PKCS: 0x40, SHA384_RSA_PKCS: 0x41, SHA512_RSA_PKCS: 0x42, SHA256_RSA_PKCS_PSS: 0x43, SHA384_RSA_PKCS_PSS: 0x44, SHA512_RSA_PKCS_PSS: 0x45,
  SHA224_RSA_PKCS: 0x46, SHA224_RSA_PKCS_PSS: 0x47, RC4: 0x111, DES_KEY_GEN: 0x120, DES_ECB: 0x121, DES_CBC: 0x122, DES_CBC_PAD: 0x125,
  DES2_KEY_GEN: 0x130, DES3_KEY_GEN: 0x131, DES3_ECB: 0x132, DES3_CBC: 0x133, DES3_CBC_PAD: 0x136, DES3_CMAC: 0x138,
  MD5: 0x210, MD5_HMAC: 0x211, SHA_1: 0x220, SHA_1_HMAC: 0x221, RIPEMD160: 0x240, SHA256: 0x250, SHA256_HMAC: 0x251, SHA224: 0x255, SHA224_HMAC: 0x256,
  SHA384: 0x260, SHA384_HMAC: 0x261, SHA512: 0x270, SHA512_HMAC: 0x271, GENERIC_SECRET_KEY_GEN: 0x350, CONCATENATE_BASE_AND_KEY: 0x360, XOR_BASE_AND_DATA: 0x364,
  CONCATENATE_BASE_AND_DATA: 0x362, CONCATENATE_DATA_AND_BASE: 0x363, EC_KEY_PAIR_GEN: 0x1040, ECDSA: 0x1041, ECDSA_SHA1: 0x1042, ECDSA_SHA224: 0x1043,
  ECDSA_SHA256: 0x1044, ECDSA_SHA384: 0x1045, ECDSA_SHA512: 0x1046, ECDH1_DERIVE: 0x1050, ECDH1_COFACTOR_DERIVE: 0x1051, EC_EDWARDS_KEY_PAIR_GEN: 0x1055,
  EC_MONTGOMERY_KEY_PAIR_GEN: 0x1056, EDDSA: 0x1057, AES_KEY_GEN: 0x1080, AES_ECB: 0x1081, AES_CBC: 0x1082, AES_MAC: 0x1083, AES_CBC_PAD: 0x1085, AES_CTR: 0x1086,
  AES_GCM: 0x1087, AES_CMAC: 0x108a, DES_ECB_ENCRYPT_DATA: 0x1100, DES_CBC_ENCRYPT_DATA: 0x1101, DES3_ECB_ENCRYPT_DATA: 0x1102, DES3_CBC_ENCRYPT_DATA: 0x1103,
  AES_ECB_ENCRYPT_DATA: 0x1104, AES_CBC_ENCRYPT_DATA: 0x1105, DSA_PARAMETER_GEN: 0x2000, DH_PKCS_PARAMETER_GEN: 0x2001, AES_KEY_WRAP: 0x2109, AES_KEY_WRAP_PAD: 0x210a,
} as const;

const NAMES = new Map<number, string>(Object.entries(CKM).map(([name, value]) => [value, name]));

/** CKF_ bits of a mechanism, in words. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x1, 'hardware'], [0x100, 'encrypt'], [0x200, 'decrypt'], [0x400, 'digest'], [0x800, 'sign'], [0x1000, 'sign with recovery'], [0x2000, 'verify'],
  [0x4000, 'verify with recovery'], [0x8000, 'generate'], [0x10000, 'generate key pair'], [0x20000, 'wrap'], [0x40000, 'unwrap'], [0x80000, 'derive'],
];

/** Mechanisms as rows, by number. */
export function interpretMechanisms(raw: readonly RawMechanism[]): MechanismRow[] {
  return raw.map(({ type, minKeySize, maxKeySize, flags }) => ({
    type, minKeySize, maxKeySize,
    name: NAMES.get(type) ?? `0x${type.toString(16)}`,
    flags: FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word),
  })).sort((a, b) => a.type - b.type);
}
