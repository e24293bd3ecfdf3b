import { TYPE } from './asn1.ts';

/** A kind of attribute that names are made of. */
export interface AttributeType {
  oid: string;
  /** How it is written: the first is RFC 4514's or OpenSSL's short name. Compared without regard to case. */
  names: readonly [string, ...string[]];
  /** The string type to write; UTF8String for most (RFC 5280, 4.1.2.4). */
  type: number;
  /** Longest value, in characters: the upper bounds of RFC 5280, appendix A.1, and of X.520. */
  maxLength: number;
  /** Shortest value; 1 when absent. */
  minLength?: number;
}

/** ub-name: RFC 5280's bound for names of persons. */
const PERSON = 32_768;

const ATTRIBUTE_TYPES: readonly AttributeType[] = [
  { oid: '2.5.4.3', names: ['CN', 'commonName'], type: TYPE.utf8, maxLength: 64 },
  { oid: '2.5.4.6', names: ['C', 'countryName'], type: TYPE.printable, maxLength: 2, minLength: 2 },
  { oid: '2.5.4.7', names: ['L', 'localityName'], type: TYPE.utf8, maxLength: 128 },
  { oid: '2.5.4.8', names: ['ST', 'stateOrProvinceName'], type: TYPE.utf8, maxLength: 128 },
  { oid: '2.5.4.9', names: ['STREET', 'streetAddress'], type: TYPE.utf8, maxLength: 128 },
  { oid: '2.5.4.10', names: ['O', 'organizationName'], type: TYPE.utf8, maxLength: 64 },
  { oid: '2.5.4.11', names: ['OU', 'organizationalUnitName'], type: TYPE.utf8, maxLength: 64 },
  { oid: '0.9.2342.19200300.100.1.25', names: ['DC', 'domainComponent'], type: TYPE.ia5, maxLength: 63 },
  { oid: '0.9.2342.19200300.100.1.1', names: ['UID', 'userId'], type: TYPE.utf8, maxLength: 256 },
  { oid: '1.2.840.113549.1.9.1', names: ['emailAddress', 'E', 'email'], type: TYPE.ia5, maxLength: 255 },
  { oid: '2.5.4.5', names: ['serialNumber'], type: TYPE.printable, maxLength: 64 },
  { oid: '2.5.4.4', names: ['SN', 'surname'], type: TYPE.utf8, maxLength: PERSON },
  { oid: '2.5.4.42', names: ['GN', 'givenName'], type: TYPE.utf8, maxLength: PERSON },
  { oid: '2.5.4.43', names: ['initials'], type: TYPE.utf8, maxLength: PERSON },
  { oid: '2.5.4.44', names: ['generationQualifier'], type: TYPE.utf8, maxLength: PERSON },
  { oid: '2.5.4.41', names: ['name'], type: TYPE.utf8, maxLength: PERSON },
  { oid: '2.5.4.12', names: ['title'], type: TYPE.utf8, maxLength: 64 },
  { oid: '2.5.4.65', names: ['pseudonym'], type: TYPE.utf8, maxLength: 128 },
  { oid: '2.5.4.46', names: ['dnQualifier'], type: TYPE.printable, maxLength: 64 },
  { oid: '2.5.4.15', names: ['businessCategory'], type: TYPE.utf8, maxLength: 128 },
  { oid: '2.5.4.17', names: ['postalCode'], type: TYPE.utf8, maxLength: 40 },
  { oid: '2.5.4.97', names: ['organizationIdentifier'], type: TYPE.utf8, maxLength: 256 },
];

const BY_NAME = new Map(ATTRIBUTE_TYPES.flatMap((type) => type.names.map((name) => [name.toLowerCase(), type] as const)));
const BY_OID = new Map(ATTRIBUTE_TYPES.map((type) => [type.oid, type] as const));

/** The attribute type of a short or long name. */
export function attributeTypeNamed(name: string): AttributeType | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** The attribute type of an object identifier. */
export function attributeTypeOf(oid: string): AttributeType | undefined {
  return BY_OID.get(oid);
}

/** The short names, for hints. */
export function attributeNames(): string {
  return ATTRIBUTE_TYPES.map(({ names }) => names[0]).join(', ');
}
