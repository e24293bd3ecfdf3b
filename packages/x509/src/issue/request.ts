import { describeSpki } from '../public-key.ts';
import type { Signer } from '../signer.ts';
import { chooseAlgorithm, verifySignature, type Hash } from './algorithms.ts';
import { decodeAlternativeNames, type AlternativeName } from './alternative-names.ts';
import { integer, isTagged, malformed, octetsOf, oid, oidOf, partsOf, readDer, sequence, setOf, tagged, toDer, TYPE, wholeBitsOf, type Asn1 } from './asn1.ts';
import { encodeExtensions, EXTENSION, readExtensions, type KeyUsage, type RawExtension } from './extensions.ts';
import { decodeName, encodeName, type Name } from './name.ts';
import { readPemOrDer } from './pem.ts';
import { signStructure } from './sign.ts';

/** PKCS#9 extensionRequest. */
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const WHAT = 'the signing request';

/** Who a certificate is for, and what its key may be used for. */
export interface Identity {
  subject: Name;
  alternativeNames: readonly AlternativeName[];
  keyUsage: readonly KeyUsage[];
  /** Names of `EXTENDED_KEY_USAGES` or object identifiers. */
  extendedKeyUsage: readonly string[];
}

/** How a signature is to be made; the key decides what is left open. */
export interface SigningWish {
  hash?: Hash | undefined;
  isPss?: boolean | undefined;
}

/**
 * Makes a signing request (PKCS#10, RFC 2986) and checks its signature.
 * @returns DER
 * @throws HsmfleetError NAME_INVALID, USAGE (the key cannot sign so), CERTIFICATE_INVALID; what the signer throws
 */
export async function createRequest(identity: Identity, signer: Signer, wish: SigningWish = {}): Promise<Buffer> {
  const extensions = encodeExtensions({ ...identity, isSubjectEmpty: identity.subject.length === 0 });
  const attributes = extensions.length === 0 ? [] : [sequence(oid(EXTENSION_REQUEST), setOf(sequence(...extensions)))];
  const toBeSigned = sequence(integer(Buffer.from([0])), encodeName(identity.subject), readDer(signer.spki, WHAT), tagged(0, ...attributes));
  return signStructure(toBeSigned, signer, chooseAlgorithm(signer.spki, wish), WHAT);
}

/** A signing request whose signature verified. */
export interface SigningRequest {
  subject: Name;
  /** DER of the name, byte for byte as it was asked for. */
  subjectDer: Buffer;
  /** DER SubjectPublicKeyInfo. */
  spki: Buffer;
  alternativeNames: AlternativeName[];
  /** Whatever was asked for, by object identifier. */
  extensions: Map<string, RawExtension>;
}

/**
 * Reads a signing request, PEM or DER, and verifies that its key signed it.
 * @throws HsmfleetError CERTIFICATE_INVALID; NAME_INVALID for alternative names of a kind that is not known
 */
export function readRequest(bytes: Buffer): SigningRequest {
  const [der, ...more] = readPemOrDer(bytes, 'CERTIFICATE REQUEST', WHAT);
  if (der === undefined || more.length > 0) throw malformed(WHAT, 'it must hold exactly one request');
  const [body, algorithm, signature, ...rest] = partsOf(readDer(der, WHAT), WHAT, TYPE.sequence);
  const [version, subject, key, attributes, ...others] = partsOf(body, WHAT, TYPE.sequence);
  if (body === undefined || algorithm === undefined || key === undefined || subject === undefined || rest.length + others.length > 0) {
    throw malformed(WHAT, 'it has too few or too many parts');
  }
  if (!octetsOf(version, WHAT, TYPE.integer).equals(Buffer.from([0]))) throw malformed(WHAT, 'its version is unknown');
  const spki = toDer(key);
  if (describeSpki(spki) === undefined) throw malformed(WHAT, 'its public key cannot be read');
  verifySignature(algorithm, spki, toDer(body), wholeBitsOf(signature, WHAT), WHAT);
  const extensions = requestedExtensions(attributes);
  const names = extensions.get(EXTENSION.subjectAltName);
  return {
    subject: decodeName(subject, WHAT),
    subjectDer: toDer(subject),
    spki,
    alternativeNames: names === undefined ? [] : decodeAlternativeNames(names.value, WHAT),
    extensions,
  };
}

function requestedExtensions(attributes: Asn1 | undefined): Map<string, RawExtension> {
  // openssl req leaves the list out when it is empty
  if (attributes === undefined) return new Map();
  if (!isTagged(attributes, 0)) throw malformed(WHAT, 'its attributes are not where they should be');
  const found = partsOf(attributes, WHAT).map((attribute) => partsOf(attribute, WHAT, TYPE.sequence)).filter(([type]) => oidOf(type, WHAT) === EXTENSION_REQUEST);
  if (found.length > 1) throw malformed(WHAT, 'it asks for extensions twice');
  const [values] = found.map(([, set]) => partsOf(set, WHAT, TYPE.set));
  if (values === undefined) return new Map();
  const [list, ...more] = values;
  if (list === undefined || more.length > 0) throw malformed(WHAT, 'it asks for extensions twice');
  return readExtensions(list, WHAT);
}
