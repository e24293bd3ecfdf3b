import { createHash } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import { encodeAlternativeNames, type AlternativeName } from './alternative-names.ts';
import {
  bitString, integer, isOid, isUniversal, malformed, octetsOf, octetString, oid, oidOf, partsOf, readDer, sequence, taggedPrimitive, toDer, TYPE,
  wholeBitsOf, yes, type Asn1,
} from './asn1.ts';

/** The bits of the key usage extension in order (RFC 5280, 4.2.1.3), as OpenSSL names them. */
export const KEY_USAGES = [
  'digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement', 'keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly',
] as const;

/** One of {@link KEY_USAGES}. */
export type KeyUsage = (typeof KEY_USAGES)[number];

/** The purposes that have names, as OpenSSL writes them. */
export const EXTENDED_KEY_USAGES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
} as const;

/** Object identifiers of the extensions that this package writes and reads. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14', keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35', extendedKeyUsage: '2.5.29.37',
} as const;

/** What a certificate or a request says beyond its name and key. */
export interface ExtensionPlan {
  alternativeNames: readonly AlternativeName[];
  keyUsage: readonly KeyUsage[];
  /** Names of {@link EXTENDED_KEY_USAGES} or object identifiers. */
  extendedKeyUsage: readonly string[];
  /** Written in certificates, not asked for in requests. `pathLength` counts the authorities that may follow. */
  authority?: { pathLength: number } | false;
  /** DER SubjectPublicKeyInfo of the subject: its identifier is written. */
  subjectKey?: Buffer;
  /** Octets of the issuer's subject key identifier. */
  authorityKeyIdentifier?: Buffer;
  /** RFC 5280 (4.2.1.6): the alternative names are critical when they are the only name. */
  isSubjectEmpty: boolean;
}

/** An extension as it stands: its value still in DER. */
export interface RawExtension {
  isCritical: boolean;
  value: Buffer;
}

/** The list of Extension elements; empty when nothing is to be said. */
export function encodeExtensions(plan: ExtensionPlan): Asn1[] {
  const list: Asn1[] = [];
  const add = (id: string, isCritical: boolean, value: Asn1): void => {
    list.push(sequence(oid(id), ...(isCritical ? [yes()] : []), octetString(toDer(value))));
  };
  if (plan.authority !== undefined) {
    add(EXTENSION.basicConstraints, true, plan.authority === false ? sequence() : sequence(yes(), integer(Buffer.from([plan.authority.pathLength]))));
  }
  if (plan.keyUsage.length > 0) add(EXTENSION.keyUsage, true, encodeKeyUsage(plan.keyUsage));
  if (plan.extendedKeyUsage.length > 0) add(EXTENSION.extendedKeyUsage, false, sequence(...plan.extendedKeyUsage.map((name) => oid(extendedKeyUsageOid(name)))));
  if (plan.alternativeNames.length > 0) add(EXTENSION.subjectAltName, plan.isSubjectEmpty, encodeAlternativeNames(plan.alternativeNames));
  if (plan.subjectKey !== undefined) add(EXTENSION.subjectKeyIdentifier, false, octetString(keyIdentifier(plan.subjectKey)));
  if (plan.authorityKeyIdentifier !== undefined) add(EXTENSION.authorityKeyIdentifier, false, sequence(taggedPrimitive(0, plan.authorityKeyIdentifier)));
  return list;
}

/**
 * RFC 5280 (4.2.1.2), method 1: SHA-1 of the key's bits. It only finds keys and guards nothing, so SHA-1 does no harm,
 * and it is what other programs compute.
 * @param spki DER SubjectPublicKeyInfo
 */
export function keyIdentifier(spki: Buffer): Buffer {
  const [, bits] = partsOf(readDer(spki, 'the public key'), 'the public key', TYPE.sequence);
  return createHash('sha1').update(wholeBitsOf(bits, 'the public key')).digest();
}

/** @throws HsmfleetError USAGE when a name is no key usage */
export function parseKeyUsage(names: readonly string[]): KeyUsage[] {
  return names.map((name) => {
    const wanted = name.toLowerCase() === 'contentcommitment' ? 'nonRepudiation' : KEY_USAGES.find((usage) => usage.toLowerCase() === name.toLowerCase());
    if (wanted === undefined) throw new HsmfleetError('USAGE', `"${name}" is no key usage`, { hint: `there are ${KEY_USAGES.join(', ')}` });
    return wanted;
  });
}

/** @throws HsmfleetError USAGE when a name is neither a known purpose nor an object identifier */
export function parseExtendedKeyUsage(names: readonly string[]): string[] {
  return names.map((name) => {
    const known = Object.keys(EXTENDED_KEY_USAGES).find((usage) => usage.toLowerCase() === name.toLowerCase());
    if (known === undefined && !isOid(name)) {
      throw new HsmfleetError('USAGE', `"${name}" is no extended key usage`, { hint: `there are ${Object.keys(EXTENDED_KEY_USAGES).join(', ')}, or give an object identifier` });
    }
    return known ?? name;
  });
}

/** What a TLS server's key is used for: signing, and with RSA decryption of the secrets of old clients. */
export function serverKeyUsage(keyType: string): KeyUsage[] {
  return keyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

/**
 * Reads a list of extensions.
 * @throws HsmfleetError CERTIFICATE_INVALID
 */
export function readExtensions(element: Asn1, what: string): Map<string, RawExtension> {
  const found = new Map<string, RawExtension>();
  for (const part of partsOf(element, what, TYPE.sequence)) {
    const items = partsOf(part, what, TYPE.sequence);
    const id = oidOf(items[0], what);
    const hasFlag = isUniversal(items[1], TYPE.boolean);
    if (items.length !== (hasFlag ? 3 : 2) || found.has(id)) throw malformed(what, 'an extension has too many parts or stands there twice');
    found.set(id, { isCritical: hasFlag && octetsOf(items[1], what)[0] === 0xff, value: octetsOf(items.at(-1), what, TYPE.octetString) });
  }
  return found;
}

/** The octets of a subject key identifier extension. */
export function readKeyIdentifier(extension: RawExtension, what: string): Buffer {
  return octetsOf(readDer(extension.value, what), what, TYPE.octetString);
}

/** The names of a key usage extension. */
export function readKeyUsage(extension: RawExtension, what: string): KeyUsage[] {
  const bits = octetsOf(readDer(extension.value, what), what, TYPE.bitString).subarray(1);
  return KEY_USAGES.filter((_usage, position) => ((bits[position >> 3] ?? 0) & (0x80 >> (position & 7))) !== 0);
}

/** The purposes of an extended key usage extension: names where there are names, else object identifiers. */
export function readExtendedKeyUsage(extension: RawExtension, what: string): string[] {
  return partsOf(readDer(extension.value, what), what, TYPE.sequence).map((part) => {
    const id = oidOf(part, what);
    return Object.entries(EXTENDED_KEY_USAGES).find(([, known]) => known === id)?.[0] ?? id;
  });
}

/** A named bit list: DER leaves out the zero bits at its end. */
function encodeKeyUsage(usages: readonly KeyUsage[]): Asn1 {
  const positions = usages.map((usage) => KEY_USAGES.indexOf(usage));
  const last = Math.max(...positions);
  const octets = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const position of positions) octets[position >> 3] = (octets[position >> 3] ?? 0) | (0x80 >> (position & 7));
  return bitString(octets, 7 - (last % 8));
}

function extendedKeyUsageOid(name: string): string {
  return Object.entries(EXTENDED_KEY_USAGES).find(([known]) => known === name)?.[1] ?? name;
}
