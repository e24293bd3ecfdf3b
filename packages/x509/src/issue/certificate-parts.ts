import { X509Certificate } from 'node:crypto';
import { parseCertificate, type Certificate } from '../certificate.ts';
import { decodeAlternativeNames } from './alternative-names.ts';
import { isTagged, malformed, partsOf, readDer, toDer, TYPE, type Asn1 } from './asn1.ts';
import { EXTENSION, keyIdentifier, readExtendedKeyUsage, readExtensions, readKeyIdentifier, readKeyUsage, serverKeyUsage, type RawExtension } from './extensions.ts';
import { decodeName, type Name } from './name.ts';
import { readPemOrDer } from './pem.ts';
import type { Identity } from './request.ts';

/** A certificate with its parts as bytes, as tokens and issuers need them. */
export interface CertificateParts extends Certificate {
  /** DER of the subject's Name: CKA_SUBJECT. */
  subjectDer: Buffer;
  /** DER of the issuer's Name: CKA_ISSUER. */
  issuerDer: Buffer;
  /** DER of the INTEGER: CKA_SERIAL_NUMBER. */
  serialDer: Buffer;
  subjectName: Name;
  extensions: Map<string, RawExtension>;
  /** May it issue certificates, going by its basic constraints? */
  isAuthority: boolean;
}

/**
 * Reads one DER certificate, with OpenSSL and part by part.
 * @throws HsmfleetError CERTIFICATE_INVALID
 */
export function readCertificate(der: Buffer, what = 'the certificate'): CertificateParts {
  const [body, , , ...more] = partsOf(readDer(der, what), what, TYPE.sequence);
  if (more.length > 0) throw malformed(what, 'it has too many parts');
  const parts = partsOf(body, what, TYPE.sequence);
  const offset = isTagged(parts[0], 0) ? 1 : 0;
  const part = (index: number): Asn1 => {
    const found = parts[index + offset];
    if (found === undefined) throw malformed(what, 'it has too few parts');
    return found;
  };
  let certificate: Certificate;
  let isAuthority: boolean;
  try {
    certificate = parseCertificate(der);
    isAuthority = new X509Certificate(der).ca;
  } catch (thrown) {
    throw malformed(what, `OpenSSL cannot read it (${thrown instanceof Error ? thrown.message : 'unknown'})`);
  }
  const list = parts.slice(6 + offset).find((candidate) => isTagged(candidate, 3));
  return {
    ...certificate,
    subjectDer: toDer(part(4)),
    issuerDer: toDer(part(2)),
    serialDer: toDer(part(0)),
    subjectName: decodeName(part(4), what),
    extensions: list === undefined ? new Map() : readExtensions(partsOf(list, what)[0] ?? part(-1), what),
    isAuthority,
  };
}

/**
 * Reads every certificate of a file: DER, or PEM with a chain.
 * @param what names the file in errors
 * @throws HsmfleetError CERTIFICATE_INVALID
 */
export function readCertificates(bytes: Buffer, what: string): CertificateParts[] {
  const blocks = readPemOrDer(bytes, 'CERTIFICATE', what);
  return blocks.map((der, index) => readCertificate(der, blocks.length === 1 ? what : `certificate ${index + 1} of ${what}`));
}

/** Did the key of `issuer` sign the certificate, and does it name `issuer`? Validity is not looked at. */
export function isIssuedBy(certificate: CertificateParts, issuer: CertificateParts): boolean {
  const above = new X509Certificate(issuer.der);
  const one = new X509Certificate(certificate.der);
  try {
    return certificate.issuerDer.equals(issuer.subjectDer) && one.verify(above.publicKey);
  } catch {
    // a signature of another kind of key
    return false;
  }
}

/** The identifier by which the certificates that this one issued name its key. */
export function issuerKeyIdentifier(issuer: CertificateParts): Buffer {
  const own = issuer.extensions.get(EXTENSION.subjectKeyIdentifier);
  return own === undefined ? keyIdentifier(issuer.spki) : readKeyIdentifier(own, 'the certificate of the issuer');
}

/**
 * Who a certificate is for and what for, so that another one can be asked for.
 * @throws HsmfleetError CERTIFICATE_INVALID; NAME_INVALID for alternative names of a kind that is not known
 */
export function identityOf(certificate: CertificateParts, what = 'the certificate'): Identity {
  const read = <T>(id: string, how: (extension: RawExtension) => T, otherwise: T): T => {
    const extension = certificate.extensions.get(id);
    return extension === undefined ? otherwise : how(extension);
  };
  return {
    subject: certificate.subjectName,
    alternativeNames: read(EXTENSION.subjectAltName, ({ value }) => decodeAlternativeNames(value, what), []),
    keyUsage: read(EXTENSION.keyUsage, (extension) => readKeyUsage(extension, what), serverKeyUsage(certificate.key.type)),
    extendedKeyUsage: read(EXTENSION.extendedKeyUsage, (extension) => readExtendedKeyUsage(extension, what), ['serverAuth']),
  };
}
