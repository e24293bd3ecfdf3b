import { toUSVString } from 'node:util';
import { HsmfleetError } from '@hsmfleet/contract';
import { isOid, isUniversal, malformed, octetsOf, oid, oidOf, partsOf, primitive, readDer, sequence, setOf, toDer, TYPE, type Asn1 } from './asn1.ts';
import { attributeNames, attributeTypeNamed, attributeTypeOf } from './attribute-types.ts';

/** One attribute of a name: a text, or the DER of a value that was given as bytes. */
export interface Attribute {
  oid: string;
  value: string | Buffer;
}

/** Attributes that stand side by side; nearly always one. */
export type RelativeName = readonly Attribute[];

/** A distinguished name in the order of its encoding: country first, common name last. Empty when there is no part. */
export type Name = readonly RelativeName[];

/** Where text types may lie in a DER name, and how each is read. */
const READERS: ReadonlyMap<number, (octets: Buffer) => string | undefined> = new Map([
  [TYPE.utf8, readUtf8],
  [TYPE.printable, readAscii],
  [TYPE.ia5, readAscii],
  [TYPE.bmp, (octets: Buffer) => (octets.length % 2 === 0 ? Buffer.from(octets).swap16().toString('utf16le') : undefined)],
]);

/**
 * The attribute type that a person wrote, as an object identifier: `CN`, `2.5.4.3`, `OID.2.5.4.3`.
 * @returns undefined when it is unknown
 */
export function resolveAttributeType(written: string): string | undefined {
  const dotted = written.replace(/^oid\./i, '');
  return isOid(dotted) ? dotted : attributeTypeNamed(written)?.oid;
}

/**
 * Is the text allowed as a value of this attribute?
 * @returns what is wrong with it; undefined when nothing is
 */
export function problemOfValue(attributeOid: string, text: string): string | undefined {
  const type = attributeTypeOf(attributeOid);
  const name = type?.names[0] ?? attributeOid;
  if (text === '') return `${name} has no value`;
  if (text.includes('\0')) return `${name} holds a NUL character`;
  if (toUSVString(text) !== text) return `${name} holds half a character (a lone surrogate)`;
  if (type === undefined) return undefined;
  const length = [...text].length;
  const min = type.minLength ?? 1;
  if (length < min || length > type.maxLength) {
    return `${name} has ${length} characters, but ${min === type.maxLength ? `must have ${min}` : `may have at most ${type.maxLength}`}`;
  }
  if (type.type === TYPE.printable && !isPrintable(text)) return `${name} holds "${text}", but may hold only letters, digits, spaces and '()+,-./:=?`;
  if (type.type === TYPE.ia5 && !isAscii(text)) return `${name} holds "${text}", but may hold only ASCII characters`;
  if (type.names[0] === 'C' && !/^[A-Za-z]{2}$/.test(text)) return `C holds "${text}", but must be a country's two letters`;
  return undefined;
}

/** @throws HsmfleetError NAME_INVALID for a value that cannot be written */
export function encodeName(name: Name): Asn1 {
  return sequence(...name.map((relative) => setOf(...relative.map(encodeAttribute))));
}

function encodeAttribute({ oid: type, value }: Attribute): Asn1 {
  if (Buffer.isBuffer(value)) return sequence(oid(type), readDer(value, 'a value of the subject'));
  const problem = problemOfValue(type, value);
  if (problem !== undefined) throw new HsmfleetError('NAME_INVALID', problem);
  return sequence(oid(type), primitive(attributeTypeOf(type)?.type ?? TYPE.utf8, Buffer.from(value, 'utf8')));
}

/**
 * Reads a DER name.
 * @throws HsmfleetError CERTIFICATE_INVALID
 */
export function decodeName(element: Asn1 | undefined, what: string): Name {
  return partsOf(element, what, TYPE.sequence).map((relative) => {
    const attributes = partsOf(relative, what, TYPE.set).map((attribute) => decodeAttribute(attribute, what));
    if (attributes.length === 0) throw malformed(what, 'a part of its name is empty');
    return attributes;
  });
}

function decodeAttribute(element: Asn1, what: string): Attribute {
  const [type, value, ...more] = partsOf(element, what, TYPE.sequence);
  if (value === undefined || more.length > 0) throw malformed(what, 'an attribute of its name is not a type and a value');
  const read = [...READERS].find(([tag]) => isUniversal(value, tag))?.[1];
  return { oid: oidOf(type, what), value: (typeof value.value === 'string' ? read?.(octetsOf(value, what)) : undefined) ?? toDer(value) };
}

/** A name in RFC 4514's form, as OpenSSL prints it (`-nameopt RFC2253`): last part first, special characters escaped, unknown kinds of values as #hex. */
export function formatName(name: Name): string {
  return [...name].reverse().map((relative) => [...relative].reverse().map(formatAttribute).join('+')).join(',');
}

function formatAttribute({ oid: type, value }: Attribute): string {
  const label = attributeTypeOf(type)?.names[0] ?? type;
  return `${label}=${Buffer.isBuffer(value) ? `#${value.toString('hex')}` : escapeValue(value)}`;
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/[",+;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/(?<=.) $/s, '\\ ')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => [...Buffer.from(char, 'utf8')].map((octet) => `\\${octet.toString(16).padStart(2, '0').toUpperCase()}`).join(''));
}

/** The first common name; undefined when there is none or it is no text. */
export function commonNameOf(name: Name): string | undefined {
  const value = name.flat().find(({ oid: type }) => type === '2.5.4.3')?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The hint for an attribute type that nobody knows. */
export function attributeTypesHint(): string {
  return `known are ${attributeNames()}, and object identifiers such as 2.5.4.3`;
}

function isAscii(text: string): boolean {
  return [...text].every((char) => char <= '\u007f');
}

function isPrintable(text: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
}

function readUtf8(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

function readAscii(octets: Buffer): string | undefined {
  return octets.every((octet) => octet < 0x80) ? octets.toString('latin1') : undefined;
}
