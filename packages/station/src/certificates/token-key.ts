import { randomBytes } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import { isSameKey, spkiFingerprint, type Signer } from '@hsmfleet/x509';
import { chooseAlgorithm } from '@hsmfleet/x509/issue';
import type { TokenObject, TokenSession } from '../port.ts';

/** A key pair of the token, as its objects show it. */
export interface TokenKey {
  id: string;
  label: string;
  /** `rsa`, `ec`. */
  type: string;
  bits: number | null;
  curve: string | null;
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo; null when no object shows the public half. */
  fingerprint: string | null;
}

/**
 * The key pair with this ID.
 * @param objects of a session that is logged in
 * @throws HsmfleetError OBJECT_NOT_FOUND; KEY_MISMATCH when private and public key do not belong together
 */
export function keyWithId(objects: readonly TokenObject[], id: string): TokenKey {
  const [privateKey, ...more] = objects.filter((object) => object.class === 'private' && object.id === id);
  if (privateKey === undefined) {
    const ids = [...new Set(objects.filter((object) => object.class === 'private').map((object) => object.id))];
    throw new HsmfleetError('OBJECT_NOT_FOUND', `the token has no private key with ID ${id}`, {
      hint: ids.length === 0 ? 'make one with `hsmfleet token keygen`' : `there are keys with ID ${ids.join(', ')}`,
    });
  }
  if (more.length > 0) throw new HsmfleetError('OBJECT_EXISTS', `the token has ${more.length + 1} private keys with ID ${id}`, { hint: 'delete all but one' });
  const publicKey = objects.find((object) => object.class === 'public' && object.id === id);
  const [own, shown] = [privateKey.fingerprint, publicKey?.fingerprint ?? null];
  if (own !== null && shown !== null && own !== shown) {
    throw new HsmfleetError('KEY_MISMATCH', `the private and the public key with ID ${id} do not belong together`, { hint: 'delete the public key that is wrong' });
  }
  return {
    id,
    label: privateKey.label === '' ? publicKey?.label ?? '' : privateKey.label,
    type: privateKey.keyType ?? publicKey?.keyType ?? 'unknown',
    bits: publicKey?.bits ?? privateKey.bits,
    curve: publicKey?.curve ?? privateKey.curve,
    fingerprint: own ?? shown,
  };
}

/** The certificates with this ID. */
export function certificatesWithId(objects: readonly TokenObject[], id: string): TokenObject[] {
  return objects.filter((object) => object.class === 'certificate' && object.id === id);
}

/**
 * Proves with one signature that the private key with this ID belongs to a certificate: labels and IDs prove nothing.
 * @param spki DER SubjectPublicKeyInfo of the certificate
 * @throws HsmfleetError KEY_MISMATCH; what the token throws
 */
export async function provePrivateKey(session: TokenSession, id: string, spki: Buffer): Promise<void> {
  const signer: Signer = await session.signer(id);
  if (!isSameKey(signer.spki, spki)) {
    throw new HsmfleetError('KEY_MISMATCH', `the key with ID ${id} has fingerprint ${spkiFingerprint(signer.spki)}, the certificate's key ${spkiFingerprint(spki)}`);
  }
  // the session verifies what the token signed
  await signer.sign(chooseAlgorithm(spki), randomBytes(32));
}
