import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import type { SignatureAlgorithm, Signer } from '../signer.ts';
import { encodeAlgorithm, verifySignature } from './algorithms.ts';
import { bitString, integer, readDer, sequence, tagged, time, toDer, type Asn1 } from './asn1.ts';

/** RFC 5280 (4.1.2.2) allows 20 octets, and wants the number positive. */
const SERIAL_OCTETS = 20;
const VERSION_3 = Buffer.from([2]);

/** Everything that goes into a certificate. Names and key are DER. */
export interface CertificateContents {
  subject: Buffer;
  issuer: Buffer;
  spki: Buffer;
  notBefore: Date;
  notAfter: Date;
  extensions: readonly Asn1[];
}

/**
 * Signs a certificate and checks the signature with OpenSSL before it gives it away.
 * @param signer the issuer's key
 * @returns DER
 * @throws HsmfleetError CERTIFICATE_INVALID when the signature does not verify; what the signer throws
 */
export async function signCertificate(contents: CertificateContents, signer: Signer, algorithm: SignatureAlgorithm): Promise<Buffer> {
  const signature = encodeAlgorithm(algorithm);
  const what = 'the new certificate';
  const toBeSigned = sequence(
    tagged(0, integer(VERSION_3)),
    integer(newSerial()),
    signature,
    readDer(contents.issuer, what),
    sequence(time(contents.notBefore), time(contents.notAfter)),
    readDer(contents.subject, what),
    readDer(contents.spki, what),
    ...(contents.extensions.length === 0 ? [] : [tagged(3, sequence(...contents.extensions))]),
  );
  const der = toDer(sequence(toBeSigned, signature, bitString(await signer.sign(algorithm, toDer(toBeSigned)))));
  if (!isSignedBy(der, signer.spki)) {
    throw new HsmfleetError('CERTIFICATE_INVALID', 'the key made a signature for the new certificate that does not verify; nothing was written', {
      hint: 'the token or its module is faulty, or the private and the public key of this ID do not belong together',
    });
  }
  return der;
}

/**
 * Signs anything that has the shape of SIGNED { … }: a request.
 * @returns DER, its signature checked
 */
export async function signStructure(toBeSigned: Asn1, signer: Signer, algorithm: SignatureAlgorithm, what: string): Promise<Buffer> {
  const signedBytes = toDer(toBeSigned);
  const identifier = encodeAlgorithm(algorithm);
  const signature = await signer.sign(algorithm, signedBytes);
  verifySignature(identifier, signer.spki, signedBytes, signature, what);
  return toDer(sequence(toBeSigned, identifier, bitString(signature)));
}

/** 159 random bits at least one of which is set high, so that the number is positive and always has 20 octets. */
function newSerial(): Buffer {
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function isSignedBy(der: Buffer, spki: Buffer): boolean {
  try {
    return new X509Certificate(der).verify(createPublicKey({ key: spki, format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}
