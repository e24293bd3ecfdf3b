import { X509Certificate } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import { describeSpki, isSameKey } from '../public-key.ts';
import type { Signer } from '../signer.ts';
import { chooseAlgorithm } from './algorithms.ts';
import type { AlternativeName } from './alternative-names.ts';
import { toDer } from './asn1.ts';
import { issuerKeyIdentifier, readCertificate, type CertificateParts } from './certificate-parts.ts';
import { encodeExtensions, keyIdentifier, serverKeyUsage } from './extensions.ts';
import { encodeName, formatName, type Name } from './name.ts';
import type { Identity, SigningRequest, SigningWish } from './request.ts';
import { signCertificate } from './sign.ts';

const DAY_MS = 86_400_000;
/** The last moment that a certificate can name (RFC 5280, 4.1.2.5). */
const END_OF_TIME = Date.parse('9999-12-31T23:59:59Z');

/** From when and for how long a certificate is valid. */
export interface Validity {
  days: number;
  /** Now when absent. */
  notBefore?: Date | undefined;
}

/**
 * Makes a certificate that its own key signed.
 * @returns DER, the signature checked
 * @throws HsmfleetError NAME_INVALID (an empty subject: it is the issuer too), USAGE, CERTIFICATE_INVALID; what the signer throws
 */
export async function createSelfSigned(identity: Identity & Validity & SigningWish, signer: Signer): Promise<Buffer> {
  return createOwn(identity, signer, { isAuthority: false });
}

/** Makes the certificate of an authority for end entities: nothing it issues can issue further. Otherwise as {@link createSelfSigned}. */
export async function createAuthority(subject: Name, validity: Validity, signer: Signer, wish: SigningWish = {}): Promise<Buffer> {
  const identity = { subject, alternativeNames: [], keyUsage: ['keyCertSign', 'cRLSign'] as const, extendedKeyUsage: [] };
  return createOwn({ ...identity, ...validity, ...wish }, signer, { isAuthority: true });
}

async function createOwn(identity: Identity & Validity & SigningWish, signer: Signer, { isAuthority }: { isAuthority: boolean }): Promise<Buffer> {
  if (identity.subject.length === 0) {
    throw new HsmfleetError('NAME_INVALID', 'a self-signed certificate cannot have an empty subject: it names the issuer too', { hint: 'give a subject such as /CN=www.example.org' });
  }
  const subject = toDer(encodeName(identity.subject));
  const extensions = encodeExtensions({
    ...identity,
    authority: isAuthority ? { pathLength: 0 } : false,
    subjectKey: signer.spki,
    authorityKeyIdentifier: keyIdentifier(signer.spki),
    isSubjectEmpty: false,
  });
  return signCertificate({ subject, issuer: subject, spki: signer.spki, ...period(identity), extensions }, signer, chooseAlgorithm(signer.spki, identity));
}

/** The certificate and the key of an issuer. */
export interface Authority {
  certificate: CertificateParts;
  signer: Signer;
}

/** What the issuer decides; the request only says who asks. */
export interface IssueOptions extends Validity, SigningWish {
  /** In place of those that the request names. */
  alternativeNames?: readonly AlternativeName[] | undefined;
  /** {@link serverKeyUsage} of the requested key when absent. */
  keyUsage?: Identity['keyUsage'] | undefined;
  /** `serverAuth` when absent. */
  extendedKeyUsage?: readonly string[] | undefined;
}

/**
 * Issues a certificate for a request: its subject and alternative names are copied, everything else the issuer sets.
 * @returns DER, the signature checked; it ends no later than the issuer's certificate
 * @throws HsmfleetError CERTIFICATE_INVALID when the issuer's certificate is none of an authority, is not valid now or
 *   is for another key, or the request names nobody; NAME_INVALID, USAGE; what the signer throws
 */
export async function issueCertificate(request: SigningRequest, { certificate, signer }: Authority, options: IssueOptions): Promise<Buffer> {
  checkAuthority(certificate, signer);
  const alternativeNames = options.alternativeNames ?? request.alternativeNames;
  const isSubjectEmpty = request.subject.length === 0;
  if (isSubjectEmpty && alternativeNames.length === 0) {
    throw new HsmfleetError('CERTIFICATE_INVALID', 'the signing request names nobody: its subject is empty and it has no alternative names', { hint: 'make a new request with a subject, or with --san' });
  }
  const { notBefore, notAfter } = period(options);
  const end = new Date(certificate.notAfter);
  const extensions = encodeExtensions({
    alternativeNames,
    keyUsage: options.keyUsage ?? serverKeyUsage(describeSpki(request.spki)?.type ?? 'unknown'),
    extendedKeyUsage: options.extendedKeyUsage ?? ['serverAuth'],
    authority: false,
    subjectKey: request.spki,
    authorityKeyIdentifier: issuerKeyIdentifier(certificate),
    isSubjectEmpty,
  });
  const contents = { subject: request.subjectDer, issuer: certificate.subjectDer, spki: request.spki, notBefore, notAfter: notAfter > end ? end : notAfter, extensions };
  const der = await signCertificate(contents, signer, chooseAlgorithm(signer.spki, options));
  if (!new X509Certificate(der).checkIssued(new X509Certificate(certificate.der))) {
    throw new HsmfleetError('INTERNAL', `the new certificate does not name ${formatName(readCertificate(der).subjectName)}'s issuer as OpenSSL expects`);
  }
  return der;
}

function checkAuthority(certificate: CertificateParts, signer: Signer): void {
  const hint = 'use the certificate that belongs to the key of the authority';
  if (!certificate.isAuthority) throw new HsmfleetError('CERTIFICATE_INVALID', `${certificate.subject} may not issue certificates: its own says that it is no authority`, { hint });
  if (!isSameKey(certificate.spki, signer.spki)) throw new HsmfleetError('KEY_MISMATCH', `the certificate of ${certificate.subject} is for another key than the one that was to sign`, { hint });
  const now = Date.now();
  if (now < Date.parse(certificate.notBefore) || now > Date.parse(certificate.notAfter)) {
    throw new HsmfleetError('CERTIFICATE_INVALID', `the certificate of ${certificate.subject} is valid from ${certificate.notBefore} to ${certificate.notAfter}, not now`, { hint: 'make a new authority, or look at the clock' });
  }
}

/** Whole seconds: certificates know no smaller ones. */
function period({ days, notBefore }: Validity): { notBefore: Date; notAfter: Date } {
  const start = Math.floor((notBefore?.getTime() ?? Date.now()) / 1000) * 1000;
  if (!Number.isInteger(days) || days < 1) throw new HsmfleetError('USAGE', `a certificate cannot be valid for ${days} days`, { hint: 'give a whole number from 1' });
  const end = start + days * DAY_MS;
  if (!(start >= Date.parse('1950-01-01T00:00:00Z') && end <= END_OF_TIME)) {
    throw new HsmfleetError('USAGE', 'the certificate would begin before 1950 or end after 9999', { hint: 'give fewer days' });
  }
  return { notBefore: new Date(start), notAfter: new Date(end) };
}
