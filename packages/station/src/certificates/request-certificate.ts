import type { TokenObject, TokenSession } from '../port.ts';
import { HsmfleetError } from '@hsmfleet/contract';
import {
  createRequest, createSelfSigned, identityOf, readCertificate, type Identity, type SigningWish, type Validity,
} from '@hsmfleet/x509/issue';
import { formatKeyType, parseKeyType, type KeyType } from '../key-type.ts';
import { planIdentity, warningsAbout, type IdentityWish } from './plan-identity.ts';
import { certificatesWithId, keyWithId, type TokenKey } from './token-key.ts';

/** A signing request or a certificate that a key of the token signed. */
export interface Signed {
  der: Buffer;
  identity: Identity;
  key: TokenKey;
  warnings: string[];
}

/**
 * Makes a signing request (PKCS#10), signed inside the token. Nothing is written to the token.
 * @param session logged in
 * @throws HsmfleetError USAGE, NAME_INVALID, OBJECT_NOT_FOUND; what the token throws
 */
export async function requestCertificate(session: TokenSession, id: string, wish: IdentityWish & SigningWish): Promise<Signed> {
  const key = keyWithId(await session.objects(), id);
  return signRequest(session, key, planIdentity(wish, key.type), wish);
}

/**
 * Makes a certificate that its own key signs inside the token. Nothing is written to the token.
 * @param session logged in
 * @throws HsmfleetError USAGE, NAME_INVALID, OBJECT_NOT_FOUND, CERTIFICATE_INVALID; what the token throws
 */
export async function selfSign(session: TokenSession, id: string, wish: IdentityWish & SigningWish & Validity): Promise<Signed> {
  const key = keyWithId(await session.objects(), id);
  const identity = planIdentity(wish, key.type);
  const der = await createSelfSigned({ ...identity, days: wish.days, notBefore: wish.notBefore, hash: wish.hash, isPss: wish.isPss }, await session.signer(id));
  return { der, identity, key, warnings: warningsAbout(identity, key) };
}

/** How to renew: with the same key, or with a new one beside it. */
export interface RenewalWish extends IdentityWish, SigningWish {
  newKey?: {
    id: string;
    /** `<old label>-<new ID>` when absent: a token's labels are names of certificates for mod_nss, and must differ. */
    label?: string | undefined;
    /** As the old key when absent. */
    type?: KeyType | undefined;
    /** Called about every second while the token works. */
    onProgress?: ((seconds: number) => void) | undefined;
  } | undefined;
}

/** A request for the certificate that is to follow another. */
export interface Renewal extends Signed {
  /** Set when a new key pair was made. */
  madeKey: { seconds: number; warnings: string[] } | null;
  oldKey: TokenKey;
}

/**
 * Asks for the certificate that is to follow the one with this ID: same subject, names and usage unless wished otherwise.
 * A new key pair is made beside the old one when wished for; it is deleted again when its request cannot be made.
 * @param session logged in
 * @throws HsmfleetError OBJECT_NOT_FOUND, OBJECT_EXISTS (the new ID or label is in use), USAGE, NAME_INVALID,
 *   CERTIFICATE_INVALID (the old certificate cannot be read); what the token throws
 */
export async function requestRenewal(session: TokenSession, id: string, wish: RenewalWish): Promise<Renewal> {
  const objects = await session.objects();
  const oldKey = keyWithId(objects, id);
  const identity = planIdentity(wish, oldKey.type, basisOf(objects, id, wish));
  if (wish.newKey === undefined) return { ...await signRequest(session, oldKey, identity, wish), madeKey: null, oldKey };
  const { newKey } = wish;
  const type = newKey.type ?? typeOf(oldKey);
  const label = newKey.label ?? `${oldKey.label === '' ? id : oldKey.label}-${newKey.id}`;
  const made = await session.generateKeyPair({ type, id: newKey.id, label, ...(newKey.onProgress === undefined ? {} : { onProgress: newKey.onProgress }) });
  try {
    const key = keyWithId(await session.objects(), newKey.id);
    // the usage follows the kind of key, unless somebody said
    const fitting = wish.keyUsage === undefined && key.type !== oldKey.type ? { ...identity, keyUsage: planIdentity({ subject: '/' }, key.type).keyUsage } : identity;
    return { ...await signRequest(session, key, fitting, wish), madeKey: { seconds: made.seconds, warnings: made.warnings }, oldKey };
  } catch (thrown) {
    await deleteMadeKey(session, newKey.id, thrown);
    throw thrown;
  }
}

async function signRequest(session: TokenSession, key: TokenKey, identity: Identity, wish: SigningWish): Promise<Signed> {
  const der = await createRequest(identity, await session.signer(key.id), { hash: wish.hash, isPss: wish.isPss });
  return { der, identity, key, warnings: warningsAbout(identity, key) };
}

/** Whom the certificate with this ID is for: of several, the one that is valid longest. */
function basisOf(objects: readonly TokenObject[], id: string, wish: IdentityWish): Identity | undefined {
  const [newest] = certificatesWithId(objects, id).sort((a, b) => (b.notAfter ?? '').localeCompare(a.notAfter ?? ''));
  const value = newest?.value ?? null;
  if (value !== null) return identityOf(readCertificate(value, `the certificate with ID ${id}`), `the certificate with ID ${id}`);
  if (wish.subject !== undefined) return undefined;
  throw new HsmfleetError('OBJECT_NOT_FOUND', `the token has no certificate with ID ${id} to take the subject from`, { hint: 'give --subject, or make the first request with `hsmfleet token csr`' });
}

function typeOf(key: TokenKey): KeyType {
  const text = key.type === 'rsa' ? `rsa:${key.bits ?? ''}` : `EC:${key.curve ?? ''}`;
  try {
    return parseKeyType(text);
  } catch (thrown) {
    throw new HsmfleetError('USAGE', `no new key can be made like the one with ID ${key.id} (${text})`, { hint: `say which kind, for example --type ${formatKeyType({ type: 'rsa', bits: 2048 })}`, cause: thrown });
  }
}

async function deleteMadeKey(session: TokenSession, id: string, thrown: unknown): Promise<void> {
  try {
    await session.deleteObjects((await session.objects()).filter((object) => object.id === id && object.class !== 'certificate'));
  } catch {
    const reason = thrown instanceof HsmfleetError ? thrown : new HsmfleetError('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown));
    throw new HsmfleetError(reason.code, `${reason.message}; the new key pair with ID ${id} could not be deleted again`, { hint: `delete it with \`hsmfleet token delete --id ${id}\``, cause: thrown });
  }
}
