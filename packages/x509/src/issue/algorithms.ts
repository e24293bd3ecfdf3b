import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import { describeSpki } from '../public-key.ts';
import type { SignatureAlgorithm } from '../signer.ts';
import { integer, isTagged, malformed, nothing, octetsOf, oid, oidOf, partsOf, sequence, tagged, TYPE, type Asn1 } from './asn1.ts';

/** Hashes that signatures are made with. */
export type Hash = 'sha256' | 'sha384';

const PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const HASHES: Readonly<Record<string, { oid: string; length: number }>> = {
  sha256: { oid: '2.16.840.1.101.3.4.2.1', length: 32 },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', length: 48 },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', length: 64 },
};
/** Whole signature algorithms by object identifier: those that are written, and those that others may have used. */
const PLAIN: Readonly<Record<string, { hash: string | null; key: string }>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', key: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', key: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', key: 'rsa' },
  '1.2.840.10045.4.3.2': { hash: 'sha256', key: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', key: 'ec' },
  '1.2.840.10045.4.3.4': { hash: 'sha512', key: 'ec' },
  '1.3.101.112': { hash: null, key: 'ed25519' },
};

/** The AlgorithmIdentifier of a signature (RFC 4055 for RSA, RFC 5758 for ECDSA). */
export function encodeAlgorithm(algorithm: SignatureAlgorithm): Asn1 {
  const hash = algorithm.endsWith('sha384') ? 'sha384' : 'sha256';
  if (algorithm.startsWith('rsa-pss')) {
    const { oid: id = '', length = 0 } = HASHES[hash] ?? {};
    const hashAlgorithm = sequence(oid(id), nothing());
    return sequence(oid(PSS), sequence(tagged(0, hashAlgorithm), tagged(1, sequence(oid(MGF1), hashAlgorithm)), tagged(2, integer(Buffer.from([length])))));
  }
  const key = algorithm.startsWith('ecdsa') ? 'ec' : 'rsa';
  const id = Object.entries(PLAIN).find(([, plain]) => plain.hash === hash && plain.key === key)?.[0] ?? '';
  return key === 'rsa' ? sequence(oid(id), nothing()) : sequence(oid(id));
}

/**
 * How a key signs: RSA by PKCS#1 unless PSS is asked for, curves from 384 bits on with SHA-384 unless told otherwise.
 * @param spki DER SubjectPublicKeyInfo of the key
 * @throws HsmfleetError USAGE when the key cannot sign so
 */
export function chooseAlgorithm(spki: Buffer, wish: { hash?: Hash | undefined; isPss?: boolean | undefined } = {}): SignatureAlgorithm {
  const key = describeSpki(spki);
  if (key?.type === 'rsa') return `${wish.isPss === true ? 'rsa-pss' : 'rsa-pkcs1'}-${wish.hash ?? 'sha256'}`;
  if (key?.type !== 'ec') throw new HsmfleetError('USAGE', `a key of type ${key?.type ?? 'unknown'} cannot sign certificates here`, { hint: 'use an RSA or EC key' });
  if (wish.isPss === true) throw new HsmfleetError('USAGE', 'RSA-PSS was asked for, but the key is an EC key', { hint: 'leave out --pss' });
  return `ecdsa-${wish.hash ?? ((key.bits ?? 0) >= 384 ? 'sha384' : 'sha256')}`;
}

/**
 * Checks a signature with OpenSSL.
 * @param algorithm the AlgorithmIdentifier beside the signature
 * @param spki DER SubjectPublicKeyInfo of the signer
 * @throws HsmfleetError CERTIFICATE_INVALID when it does not verify, or is of a kind that is not accepted (SHA-1, MD5)
 */
export function verifySignature(algorithm: Asn1, spki: Buffer, signed: Buffer, signature: Buffer, what: string): void {
  const [identifier, parameters] = partsOf(algorithm, what, TYPE.sequence);
  const id = oidOf(identifier, what);
  const key = readPublicKey(spki, what);
  const plain = PLAIN[id];
  let isGood = false;
  if (id === PSS) {
    const { hash, saltLength } = readPss(parameters, what);
    isGood = key.asymmetricKeyType?.startsWith('rsa') === true
      && tryVerify(() => verify(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature));
  } else if (plain === undefined) {
    throw new HsmfleetError('CERTIFICATE_INVALID', `${what} is signed with algorithm ${id}, which is not accepted`, { hint: 'have it signed with SHA-256 or better' });
  } else {
    isGood = key.asymmetricKeyType === plain.key && tryVerify(() => verify(plain.hash, signed, key, signature));
  }
  if (!isGood) throw new HsmfleetError('CERTIFICATE_INVALID', `the signature of ${what} does not verify`, { hint: 'it was changed after it was signed, or signed with another key' });
}

/** RSASSA-PSS-params (RFC 4055, 3.1): whatever is absent has SHA-1's value, which is not accepted. */
function readPss(parameters: Asn1 | undefined, what: string): { hash: string; saltLength: number } {
  const parts = partsOf(parameters, what, TYPE.sequence);
  const inside = (number: number): Asn1 | undefined => {
    const part = parts.find((candidate) => isTagged(candidate, number));
    return part === undefined ? undefined : partsOf(part, what)[0];
  };
  const hashOf = (element: Asn1 | undefined): string => (element === undefined ? 'sha1' : hashNamed(oidOf(partsOf(element, what, TYPE.sequence)[0], what)));
  const hash = hashOf(inside(0));
  const mask = inside(1);
  const maskHash = mask === undefined ? 'sha1' : hashOf(partsOf(mask, what, TYPE.sequence)[1]);
  if (hash !== maskHash || !(hash in HASHES)) {
    throw new HsmfleetError('CERTIFICATE_INVALID', `${what} is signed by RSA-PSS with hash ${hash} and mask ${maskHash}, which is not accepted`, { hint: 'have it signed with SHA-256 or better' });
  }
  const salt = inside(2);
  const saltOctets = salt === undefined ? Buffer.from([20]) : octetsOf(salt, what, TYPE.integer);
  if (saltOctets.length === 0 || saltOctets.length > 2) throw malformed(what, 'its salt has an impossible length');
  return { hash, saltLength: saltOctets.readUIntBE(0, saltOctets.length) };
}

function hashNamed(id: string): string {
  return Object.entries(HASHES).find(([, hash]) => hash.oid === id)?.[0] ?? id;
}

function readPublicKey(spki: Buffer, what: string): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (thrown) {
    throw malformed(what, `its public key cannot be read (${thrown instanceof Error ? thrown.message : 'unknown'})`);
  }
}

/** OpenSSL throws on signatures that are no signatures at all (a salt longer than the key, say). */
function tryVerify(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
