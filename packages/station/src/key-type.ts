import { HsmfleetError } from '@hsmfleet/contract';

/** Curves that keys can be made on, by OpenSSL's names, with the DER object identifier that CKA_EC_PARAMS wants (hex). */
export const CURVES = {
  prime256v1: '06082a8648ce3d030107',
  secp384r1: '06052b81040022',
  secp521r1: '06052b81040023',
  brainpoolP256r1: '06092b2403030208010107',
  brainpoolP384r1: '06092b240303020801010b',
  brainpoolP512r1: '06092b240303020801010d',
  secp256k1: '06052b8104000a',
} as const;

/** One of {@link CURVES}. */
export type CurveName = keyof typeof CURVES;

/** What kind of key pair to make. */
export type KeyType = { type: 'rsa'; bits: 1024 | 2048 | 3072 | 4096 } | { type: 'ec'; curve: CurveName };

/** Other names of the same curves. */
const ALIASES: ReadonlyMap<string, CurveName> = new Map([['p-256', 'prime256v1'], ['secp256r1', 'prime256v1'], ['p-384', 'secp384r1'], ['p-521', 'secp521r1']]);
const RSA_BITS = [1024, 2048, 3072, 4096] as const;

/**
 * A key type as people type it: `rsa:2048`, `EC:prime256v1` (as pkcs11-tool has it), `ec:P-384`.
 * @throws HsmfleetError USAGE
 */
export function parseKeyType(text: string): KeyType {
  const [kind = '', size = ''] = text.split(':', 2);
  const wanted = size.toLowerCase();
  if (/^rsa$/i.test(kind)) {
    const bits = RSA_BITS.find((known) => String(known) === size);
    if (bits !== undefined) return { type: 'rsa', bits };
  }
  if (/^ec$/i.test(kind)) {
    const curve = (Object.keys(CURVES) as CurveName[]).find((known) => known.toLowerCase() === wanted) ?? ALIASES.get(wanted);
    if (curve !== undefined) return { type: 'ec', curve };
  }
  throw new HsmfleetError('USAGE', `"${text}" is no key type`, {
    hint: `give one of ${[...RSA_BITS.map((bits) => `rsa:${bits}`), ...Object.keys(CURVES).map((curve) => `EC:${curve}`)].join(', ')}`,
  });
}

/** As {@link parseKeyType} reads it. */
export function formatKeyType(type: KeyType): string {
  return type.type === 'rsa' ? `rsa:${type.bits}` : `EC:${type.curve}`;
}

/** RSA below 2048 bits: clients of today refuse certificates with such keys. */
export function isWeak(type: KeyType): boolean {
  return type.type === 'rsa' && type.bits < 2048;
}

/**
 * An ID (CKA_ID) as people type it: hex bytes, "03" or "0a:0b"; answers lower-case hex without separators.
 * @throws HsmfleetError USAGE
 */
export function parseKeyId(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^([0-9a-f]{2}){1,64}$/.test(hex)) return hex;
  throw new HsmfleetError('USAGE', `"${text}" is no ID`, { hint: 'an ID is written as hex bytes of two digits each, for example 03 or 0a1b' });
}
