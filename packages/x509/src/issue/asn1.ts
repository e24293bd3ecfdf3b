import { HsmfleetError } from '@hsmfleet/contract';
import type { asn1 as forgeTypes } from 'node-forge';
import library from 'node-forge/lib/asn1.js';

/** One ASN.1 element, as node-forge holds it. */
export type Asn1 = forgeTypes.Asn1;

/** The universal types that certificates are made of. */
export const TYPE = {
  boolean: 1, integer: 2, bitString: 3, octetString: 4, null: 5, oid: 6, utf8: 12, sequence: 16, set: 17,
  printable: 19, teletex: 20, ia5: 22, utcTime: 23, generalizedTime: 24, universal: 28, bmp: 30,
} as const;

const UNIVERSAL = 0x00;
const CONTEXT = 0x80;
/** Certificates nest about ten deep; deeper ones are made to exhaust the reader. */
const MAX_DEPTH = 40;

export function sequence(...items: readonly Asn1[]): Asn1 {
  return library.create(UNIVERSAL, TYPE.sequence, true, [...items]);
}

/** A SET OF: DER wants the parts in the order of their bytes. */
export function setOf(...items: readonly Asn1[]): Asn1 {
  const sorted = items.map((item) => ({ item, der: toDer(item) })).sort((a, b) => Buffer.compare(a.der, b.der));
  return library.create(UNIVERSAL, TYPE.set, true, sorted.map(({ item }) => item));
}

/** @throws HsmfleetError NAME_INVALID when the text is no object identifier that can be encoded */
export function oid(dotted: string): Asn1 {
  if (!isOid(dotted)) throw new HsmfleetError('NAME_INVALID', `"${dotted}" is no object identifier that can be written`, { hint: 'write numbers with dots, as in 1.3.6.1.5.5.7.3.1' });
  return library.create(UNIVERSAL, TYPE.oid, false, library.oidToDer(dotted).getBytes());
}

/** Is it an object identifier, with numbers that node-forge can encode (below 2^31, and none above 47 after a leading 2)? */
export function isOid(dotted: string): boolean {
  if (!/^[0-2](\.(0|[1-9]\d{0,9}))+$/.test(dotted)) return false;
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return second < (first === 2 ? 48 : 40) && rest.every((arc) => arc < 2 ** 31);
}

/** An INTEGER from its octets, big-endian, in two's complement. */
export function integer(octets: Buffer): Asn1 {
  return primitive(TYPE.integer, octets);
}

export function octetString(octets: Buffer): Asn1 {
  return primitive(TYPE.octetString, octets);
}

export function bitString(octets: Buffer, unusedBits = 0): Asn1 {
  return primitive(TYPE.bitString, Buffer.concat([Buffer.from([unusedBits]), octets]));
}

/** BOOLEAN TRUE: FALSE is a default everywhere, and DER leaves defaults out. */
export function yes(): Asn1 {
  return primitive(TYPE.boolean, Buffer.from([0xff]));
}

export function nothing(): Asn1 {
  return primitive(TYPE.null, Buffer.alloc(0));
}

/** Any universal primitive element from its contents. */
export function primitive(type: number, octets: Buffer): Asn1 {
  return library.create(UNIVERSAL, type, false, octets.toString('latin1'));
}

/** `[n] EXPLICIT`, and `[n] IMPLICIT` of what is constructed. */
export function tagged(number: number, ...items: readonly Asn1[]): Asn1 {
  return library.create(CONTEXT, number, true, [...items]);
}

/** `[n] IMPLICIT` of what is primitive. */
export function taggedPrimitive(number: number, octets: Buffer): Asn1 {
  return library.create(CONTEXT, number, false, octets.toString('latin1'));
}

/** A Time as RFC 5280 (4.1.2.5) wants it: UTCTime until 2049, GeneralizedTime from 2050, to the second. */
export function time(at: Date): Asn1 {
  const digits = at.toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(/[-:T]/g, '');
  return at.getUTCFullYear() < 2050 ? primitive(TYPE.utcTime, Buffer.from(digits.slice(2))) : primitive(TYPE.generalizedTime, Buffer.from(digits));
}

export function toDer(element: Asn1): Buffer {
  return Buffer.from(library.toDer(element).getBytes(), 'latin1');
}

/**
 * Reads one element that spans all the bytes, and demands DER: only then are the parts, written again, the bytes that
 * somebody signed.
 * @param what named in the error: "the signing request"
 * @throws HsmfleetError CERTIFICATE_INVALID
 */
export function readDer(bytes: Buffer, what: string): Asn1 {
  let element: Asn1;
  let again: Buffer;
  try {
    element = library.fromDer(bytes.toString('latin1'), { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: MAX_DEPTH });
    again = toDer(element);
  } catch (thrown) {
    throw malformed(what, thrown instanceof Error ? thrown.message.replace(/\.$/, '') : 'it cannot be read');
  }
  if (!again.equals(bytes)) throw malformed(what, 'its encoding is not DER');
  return element;
}

/** The error for bytes that do not hold what they should. */
export function malformed(what: string, why: string): HsmfleetError {
  return new HsmfleetError('CERTIFICATE_INVALID', `${what} is malformed: ${why}`, { hint: 'ask for the file again, in PEM or DER' });
}

/** The parts of a constructed element; of a universal SEQUENCE or SET when `type` is given. */
export function partsOf(element: Asn1 | undefined, what: string, type?: number): Asn1[] {
  if (element === undefined || !Array.isArray(element.value)) throw malformed(what, 'a part is missing or is no list');
  if (type !== undefined && !isUniversal(element, type)) throw malformed(what, 'a part is of another type');
  return element.value;
}

/** The contents of a primitive element; of the given universal type when there is one. */
export function octetsOf(element: Asn1 | undefined, what: string, type?: number): Buffer {
  if (element === undefined || typeof element.value !== 'string') throw malformed(what, 'a part is missing or is a list');
  if (type !== undefined && !isUniversal(element, type)) throw malformed(what, 'a part is of another type');
  // node-forge holds the characters of a BMPString, not its octets
  return isUniversal(element, TYPE.bmp) ? Buffer.from(element.value, 'utf16le').swap16() : Buffer.from(element.value, 'latin1');
}

/** The octets of a BIT STRING that holds whole octets: keys and signatures. */
export function wholeBitsOf(element: Asn1 | undefined, what: string): Buffer {
  const octets = octetsOf(element, what, TYPE.bitString);
  if (octets[0] !== 0) throw malformed(what, 'a bit string does not hold whole octets');
  return octets.subarray(1);
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function oidOf(element: Asn1 | undefined, what: string): string {
  const octets = octetsOf(element, what, TYPE.oid);
  if (octets.length === 0) throw malformed(what, 'an object identifier is empty');
  return library.derToOid(octets.toString('latin1'));
}

export function isUniversal(element: Asn1 | undefined, type: number): boolean {
  return element !== undefined && Number(element.tagClass) === UNIVERSAL && Number(element.type) === type;
}

/** Is the element `[number]`? */
export function isTagged(element: Asn1 | undefined, number: number): boolean {
  return element !== undefined && Number(element.tagClass) === CONTEXT && Number(element.type) === number;
}
