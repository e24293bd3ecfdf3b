import { HsmfleetError } from '@hsmfleet/contract';
import { commonNameOf, isIssuedBy, keyIdentifier, readCertificates, type CertificateParts } from '@hsmfleet/x509/issue';
import type { TokenObject, TokenSession } from '../port.ts';
import { certificatesWithId, keyWithId, provePrivateKey, type TokenKey } from './token-key.ts';

/** What to load, and where to. */
export interface LoadOptions {
  /** PEM or DER, with the issuers too if they are to be loaded. */
  bytes: Buffer;
  /** Names the file in messages. */
  file: string;
  /** CKA_ID of the key that the certificate is for. */
  id: string;
  /** Take the place of another certificate with this ID. */
  replace: boolean;
  /** Load a self-signed issuer too: clients have it, so a token rarely needs it. */
  withRoot: boolean;
}

/** What became of one certificate of the file. */
export interface LoadedCertificate {
  subject: string;
  label: string;
  id: string;
  notAfter: string;
  sha256: string;
  outcome: 'written' | 'already there' | 'left out';
}

/** What {@link loadCertificates} did. */
export interface LoadResult {
  key: TokenKey;
  leaf: LoadedCertificate;
  issuers: LoadedCertificate[];
  /** Subjects of certificates that were on the token under this ID and are gone now. */
  replaced: string[];
  warnings: string[];
}

/**
 * Writes a certificate beside its key, under the key's ID and label (mod_nss knows it by the label), and the issuers of
 * its chain under their own. The new one is written and read back before an old one is deleted; when something fails
 * before that, what was written is taken back.
 * @param session logged in
 * @throws HsmfleetError CERTIFICATE_INVALID, OBJECT_NOT_FOUND (no such key), KEY_MISMATCH, OBJECT_EXISTS (another
 *   certificate has the ID, and it is not to be replaced); what the token throws
 */
export async function loadCertificates(session: TokenSession, options: LoadOptions): Promise<LoadResult> {
  const certificates = readCertificates(options.bytes, options.file).filter((one, index, all) => all.findIndex(({ sha256 }) => sha256 === one.sha256) === index);
  const objects = await session.objects();
  const key = keyWithId(objects, options.id);
  const leaf = findLeaf(certificates, key, objects, options);
  const { issuers, strays } = chainOf(leaf, certificates);
  const label = key.label === '' ? commonNameOf(leaf.subjectName) ?? options.id : key.label;
  const others = certificatesWithId(objects, options.id).filter(({ value }) => !isThis(value, leaf));
  refuseSecond(others, options);

  const isThere = certificatesWithId(objects, options.id).length > others.length;
  await provePrivateKey(session, options.id, leaf.spki);
  const plans = issuers.map((issuer) => planIssuer(issuer, objects, options.withRoot));
  const toWrite = [...plans.filter(({ outcome }) => outcome === 'written'), ...(isThere ? [] : [{ certificate: leaf, id: options.id, label }])];
  await writeAll(session, toWrite, others);
  if (others.length > 0) await deleteOthers(session, leaf, { id: options.id, label });
  return {
    key,
    leaf: { ...factsOf(leaf), id: options.id, label, outcome: isThere ? 'already there' : 'written' },
    issuers: plans.map(({ certificate, id, label: own, outcome }) => ({ ...factsOf(certificate), id, label: own, outcome })),
    replaced: others.map(({ subject }) => subject ?? 'unreadable'),
    warnings: [...warningsAbout([leaf, ...issuers]), ...strays.map(({ subject }) => `${subject} is not in the chain of the certificate and was left out`)],
  };
}

/** The certificate of the file that is for the key. */
function findLeaf(certificates: readonly CertificateParts[], key: TokenKey, objects: readonly TokenObject[], { file, id }: LoadOptions): CertificateParts {
  const [leaf, ...more] = certificates.filter(({ keyFingerprint }) => keyFingerprint === key.fingerprint);
  if (more.length > 0) throw new HsmfleetError('CERTIFICATE_INVALID', `${file} holds ${more.length + 1} certificates for the key with ID ${id}`, { hint: 'leave only the one to load' });
  if (leaf !== undefined) return leaf;
  if (key.fingerprint === null) throw new HsmfleetError('OBJECT_NOT_FOUND', `the token shows no public key with ID ${id} to hold the certificate against`, { hint: 'write the public key to the token first' });
  const elsewhere = objects.find((object) => object.class !== 'certificate' && object.fingerprint !== null && certificates.some(({ keyFingerprint }) => keyFingerprint === object.fingerprint));
  const [first] = certificates;
  throw new HsmfleetError('KEY_MISMATCH', certificates.length === 1
    ? `the certificate ${first?.subject ?? ''} in ${file} is not for the key with ID ${id}: its key has fingerprint ${first?.keyFingerprint ?? ''}, the token's ${key.fingerprint}`
    : `none of the ${certificates.length} certificates in ${file} is for the key with ID ${id}, which has fingerprint ${key.fingerprint}`, {
    hint: elsewhere === undefined ? 'ask for a certificate with `hsmfleet token csr` and load what comes back' : `it is for the key with ID ${elsewhere.id}`,
    details: { tokenKey: key.fingerprint, certificateKeys: certificates.map(({ keyFingerprint }) => keyFingerprint) },
  });
}

/** The issuers of a certificate, nearest first, as far as the file holds them; and what is no part of the chain. */
function chainOf(leaf: CertificateParts, certificates: readonly CertificateParts[]): { issuers: CertificateParts[]; strays: CertificateParts[] } {
  const issuers: CertificateParts[] = [];
  let rest = certificates.filter((one) => one !== leaf);
  for (let current: CertificateParts | undefined = leaf; current !== undefined && !isSelfSigned(current);) {
    const below: CertificateParts = current;
    current = rest.find((candidate) => isIssuedBy(below, candidate));
    if (current !== undefined) issuers.push(current);
    rest = rest.filter((one) => one !== current);
  }
  return { issuers, strays: rest };
}

function refuseSecond(others: readonly TokenObject[], { id, replace }: LoadOptions): void {
  const [first] = others;
  if (first === undefined || replace) return;
  throw new HsmfleetError('OBJECT_EXISTS', `the token has another certificate with ID ${id}: ${first.subject ?? 'unreadable'}, valid until ${first.notAfter ?? 'unknown'}`, {
    hint: 'let the new one take its place with --replace',
  });
}

interface Plan {
  certificate: CertificateParts;
  id: string;
  label: string;
}

/** An issuer has its key's identifier as its ID, as NSS does it, and its common name as its label. */
function planIssuer(certificate: CertificateParts, objects: readonly TokenObject[], withRoot: boolean): Plan & { outcome: LoadedCertificate['outcome'] } {
  const there = objects.find((object) => object.class === 'certificate' && isThis(object.value, certificate));
  if (there !== undefined) return { certificate, id: there.id, label: there.label, outcome: 'already there' };
  return {
    certificate,
    id: keyIdentifier(certificate.spki).toString('hex'),
    label: commonNameOf(certificate.subjectName) ?? certificate.subject,
    outcome: isSelfSigned(certificate) && !withRoot ? 'left out' : 'written',
  };
}

async function writeAll(session: TokenSession, plans: readonly Plan[], others: readonly TokenObject[]): Promise<void> {
  const begun: Plan[] = [];
  try {
    for (const plan of plans) {
      begun.push(plan);
      await session.createCertificate({ der: plan.certificate.der, id: plan.id, label: plan.label });
    }
    const now = await session.objects({ class: 'certificate' });
    const missing = plans.find(({ certificate, id }) => !now.some((object) => object.id === id && isThis(object.value, certificate)));
    if (missing !== undefined) {
      throw new HsmfleetError('PKCS11', `the token took the certificate ${missing.certificate.subject}, but does not give it back`, { hint: 'look at it with `hsmfleet token objects`' });
    }
  } catch (thrown) {
    throw await takeBack(session, begun, others, thrown);
  }
}

/** Brings the certificates back to what they were, and answers the error to throw. */
async function takeBack(session: TokenSession, begun: readonly Plan[], others: readonly TokenObject[], thrown: unknown): Promise<unknown> {
  try {
    const now = await session.objects({ class: 'certificate' });
    const written = now.filter((object) => begun.some(({ certificate, id }) => object.id === id && isThis(object.value, certificate)));
    if (written.length > 0) await session.deleteObjects(written);
    // some cards hold one certificate for each ID, and a new one takes the old one's file
    for (const { value, id, label } of others) {
      if (value !== null && !now.some((object) => object.id === id && object.value?.equals(value) === true)) await session.createCertificate({ der: value, id, label });
    }
    return thrown;
  } catch {
    const reason = thrown instanceof HsmfleetError ? thrown : new HsmfleetError('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown));
    return new HsmfleetError(reason.code, `${reason.message}; whether something was written could not be found out or undone`, {
      hint: 'look with `hsmfleet token objects` what is on the token, then load the certificate again', details: reason.details, cause: thrown,
    });
  }
}

/** Deletes the other certificates with the ID; the new one must outlive it. */
async function deleteOthers(session: TokenSession, leaf: CertificateParts, { id, label }: { id: string; label: string }): Promise<void> {
  // looked up anew: handles may have changed, and a card may have replaced the old one by itself
  const others = certificatesWithId(await session.objects({ class: 'certificate' }), id).filter(({ value }) => !isThis(value, leaf));
  if (others.length === 0) return;
  await session.deleteObjects(others);
  const isLeft = certificatesWithId(await session.objects({ class: 'certificate' }), id).some(({ value }) => isThis(value, leaf));
  // a card that keeps one file for each ID deletes both
  if (!isLeft) await session.createCertificate({ der: leaf.der, id, label });
}

function warningsAbout(certificates: readonly CertificateParts[], now = Date.now()): string[] {
  return certificates.flatMap(({ subject, notBefore, notAfter }) => {
    if (Date.parse(notAfter) < now) return [`${subject} expired at ${notAfter}`];
    return Date.parse(notBefore) > now ? [`${subject} is not valid before ${notBefore}`] : [];
  });
}

function isSelfSigned(certificate: CertificateParts): boolean {
  return certificate.subjectDer.equals(certificate.issuerDer) && isIssuedBy(certificate, certificate);
}

function isThis(value: Buffer | null, { der }: CertificateParts): boolean {
  return value?.equals(der) === true;
}

function factsOf({ subject, notAfter, sha256 }: CertificateParts): Pick<LoadedCertificate, 'subject' | 'notAfter' | 'sha256'> {
  return { subject, notAfter, sha256 };
}
