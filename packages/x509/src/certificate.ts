import { X509Certificate } from 'node:crypto';
import type { CertificateRow } from '@hsmfleet/contract';
import { describeKey, spkiFingerprint, type PublicKeyFacts } from './public-key.ts';

/** What a certificate says of itself, plus its key. */
export interface Certificate extends Pick<CertificateRow, 'subject' | 'issuer' | 'serial' | 'notBefore' | 'notAfter' | 'sha256' | 'keyFingerprint'> {
  key: PublicKeyFacts;
  /** DER SubjectPublicKeyInfo. */
  spki: Buffer;
  der: Buffer;
}

/**
 * Reads one certificate, DER or PEM.
 * @throws Error (OpenSSL's words) when the bytes are no certificate or its key is of an unknown kind
 */
export function parseCertificate(bytes: Buffer | string): Certificate {
  const certificate = new X509Certificate(bytes);
  const spki = spkiOf(certificate);
  const fingerprint = spkiFingerprint(spki);
  return {
    subject: formatName(certificate.subject),
    issuer: formatName(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyFingerprint: fingerprint,
    key: { ...describeKey(certificate.publicKey), fingerprint },
    spki,
    der: certificate.raw,
  };
}

/** Hex SHA-256 of the SubjectPublicKeyInfo of a certificate that node:crypto or node:tls holds. */
export function certificateKeyFingerprint(certificate: X509Certificate): string {
  return spkiFingerprint(spkiOf(certificate));
}

function spkiOf(certificate: X509Certificate): Buffer {
  return certificate.publicKey.export({ type: 'spki', format: 'der' });
}

/**
 * Node prints one RDN a line in the certificate's order, values escaped as RFC 2253 wants and ` + ` between the parts
 * of a multi-valued RDN; RFC 4514 wants the last RDN first and commas, and OpenSSL turns the parts round as well.
 */
function formatName(lines: string | undefined): string {
  return (lines ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(/(?<!\\) \+ /).reverse().join('+'))
    .reverse()
    .join(',');
}
