import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { encodeDer, encodeDerUnsigned, unwrapOctetString } from './der.ts';

/** What a public key is, from the key itself. */
export interface PublicKeyFacts {
  /** `rsa`, `ec`, `ed25519`, … as OpenSSL names it. */
  type: string;
  /** Bits of the modulus or of the curve; null for others. */
  bits: number | null;
  /** OpenSSL's curve name: prime256v1, secp384r1, …; null for what is no named curve. */
  curve: string | null;
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo. */
  fingerprint: string;
}

const OID_RSA_ENCRYPTION = Buffer.from('06092a864886f70d010101', 'hex');
const OID_EC_PUBLIC_KEY = Buffer.from('06072a8648ce3d0201', 'hex');
const NULL = Buffer.from('0500', 'hex');

/** Hex SHA-256 of a DER SubjectPublicKeyInfo: how keys are named and compared everywhere. */
export function spkiFingerprint(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex');
}

/**
 * DER SubjectPublicKeyInfo from CKA_MODULUS and CKA_PUBLIC_EXPONENT (big-endian, leading zeros allowed).
 * @returns undefined when the numbers make no RSA key
 */
export function spkiFromRsa(modulus: Buffer, publicExponent: Buffer): Buffer | undefined {
  if (modulus.length === 0 || publicExponent.length === 0) return undefined;
  const key = encodeDer(0x30, encodeDerUnsigned(modulus), encodeDerUnsigned(publicExponent));
  return checked(encodeDer(0x30, encodeDer(0x30, OID_RSA_ENCRYPTION, NULL), bitString(key)));
}

/**
 * DER SubjectPublicKeyInfo from CKA_EC_PARAMS (DER parameters) and CKA_EC_POINT. PKCS#11 wants the point in an
 * OCTET STRING, older modules give it raw: both are tried, and OpenSSL says which one lies on the curve. A length
 * alone cannot tell, since both begin with 04.
 * @returns undefined when neither reading is a point of the curve, or the curve is unknown
 */
export function spkiFromEc(parameters: Buffer, point: Buffer): Buffer | undefined {
  if (parameters.length === 0 || point.length === 0) return undefined;
  const algorithm = encodeDer(0x30, OID_EC_PUBLIC_KEY, parameters);
  const wrapped = unwrapOctetString(point);
  for (const candidate of wrapped === undefined ? [point] : [wrapped, point]) {
    const spki = checked(encodeDer(0x30, algorithm, bitString(candidate)));
    if (spki !== undefined) return spki;
  }
  return undefined;
}

/** Type, size, curve and fingerprint of a DER SubjectPublicKeyInfo; undefined when OpenSSL cannot read it. */
export function describeSpki(spki: Buffer): PublicKeyFacts | undefined {
  const key = readKey(spki);
  return key === undefined ? undefined : { ...describeKey(key), fingerprint: spkiFingerprint(spki) };
}

/** Type, size and curve of a key that node:crypto holds. */
export function describeKey(key: KeyObject): Omit<PublicKeyFacts, 'fingerprint'> {
  const details = key.asymmetricKeyDetails ?? {};
  const curve = details.namedCurve ?? null;
  return { type: key.asymmetricKeyType ?? 'unknown', bits: details.modulusLength ?? curveBits(curve), curve };
}

/** Do two DER SubjectPublicKeyInfos hold the same key? */
export function isSameKey(a: Buffer, b: Buffer): boolean {
  return a.equals(b);
}

/** OpenSSL's curve names carry the field's bits: prime256v1, secp521r1, brainpoolP384r1, sect283k1. */
function curveBits(curve: string | null): number | null {
  const digits = curve === null ? null : /\d{3}/.exec(curve);
  return digits === null ? null : Number(digits[0]);
}

function bitString(content: Buffer): Buffer {
  return encodeDer(0x03, Buffer.from([0]), content);
}

function checked(spki: Buffer): Buffer | undefined {
  return readKey(spki) === undefined ? undefined : spki;
}

function readKey(spki: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
