import type { ObjectClass, TokenObject } from '@hsmfleet/station';
import { CURVES } from '@hsmfleet/station';
import { describeSpki, parseCertificate, spkiFromEc, spkiFromRsa, type Certificate } from '@hsmfleet/x509';
import { CKK_EC, CKK_RSA, CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY, keyTypeName, unpad } from '../cryptoki.ts';
import type { RawObject } from './protocol.ts';

const CLASSES: Readonly<Record<number, ObjectClass>> = {
  [CKO_DATA]: 'data', [CKO_CERTIFICATE]: 'certificate', [CKO_PUBLIC_KEY]: 'public', [CKO_PRIVATE_KEY]: 'private', [CKO_SECRET_KEY]: 'secret',
};
const ORDER: readonly ObjectClass[] = ['private', 'public', 'certificate', 'secret', 'data'];

/** What keys may be used for, in words, by attribute. */
const USAGE: Readonly<Record<string, string>> = {
  SIGN: 'sign', SIGN_RECOVER: 'sign with recovery', VERIFY: 'verify', VERIFY_RECOVER: 'verify with recovery', DECRYPT: 'decrypt', ENCRYPT: 'encrypt',
  WRAP: 'wrap', UNWRAP: 'unwrap', DERIVE: 'derive',
};

/** CKO_ value of a class. */
export function classNumber(name: ObjectClass): number {
  return Number(Object.entries(CLASSES).find(([, known]) => known === name)?.[0]);
}

/** Objects as rows; classes that are no keys, certificates or data (profiles, say) are left out. By ID, then class. */
export function interpretObjects(raw: readonly RawObject[]): TokenObject[] {
  const key = ({ id, class: kind, label }: TokenObject): string => `${id}\0${ORDER.indexOf(kind)}\0${label}`;
  return raw.flatMap((object) => interpretObject(object) ?? []).sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** One object as a row; undefined for other classes. */
export function interpretObject({ handle, class: number, attributes }: RawObject): TokenObject | undefined {
  const kind = CLASSES[number];
  if (kind === undefined) return undefined;
  const bytes = (name: string): Buffer | undefined => (attributes[name] === undefined ? undefined : Buffer.from(attributes[name], 'hex'));
  const isSet = (name: string): boolean | undefined => { const value = bytes(name); return value === undefined || value.length === 0 ? undefined : value[0] !== 0; };
  const value = bytes('VALUE') ?? null;
  const certificate = kind === 'certificate' && value !== null ? parsed(value) : undefined;
  const type = keyTypeOf(bytes('KEY_TYPE'));
  const spki = certificate?.spki ?? spkiOf(kind, type, bytes) ?? null;
  const facts = spki === null ? undefined : describeSpki(spki);
  const curve = curveOf(attributes.EC_PARAMS);
  return {
    handle,
    class: kind,
    id: attributes.ID ?? '',
    label: unpad(bytes('LABEL')?.toString('utf8') ?? ''),
    keyType: facts?.type ?? (kind === 'certificate' || kind === 'data' ? null : keyTypeName(type)),
    bits: facts?.bits ?? modulusBits(bytes('MODULUS')) ?? curveBits(curve),
    curve: facts?.curve ?? curve,
    fingerprint: facts?.fingerprint ?? null,
    spki,
    value: value !== null && value.length > 0 ? value : null,
    subject: certificate?.subject ?? null,
    notAfter: certificate?.notAfter ?? null,
    usage: Object.entries(USAGE).filter(([name]) => isSet(name) === true).map(([, word]) => word),
    access: accessOf(kind, isSet),
  };
}

function parsed(value: Buffer): Certificate | undefined {
  try {
    return parseCertificate(value);
  } catch {
    // an attribute certificate, or bytes that are none
    return undefined;
  }
}

function spkiOf(kind: ObjectClass, type: number | null, bytes: (name: string) => Buffer | undefined): Buffer | undefined {
  if (kind !== 'public' && kind !== 'private') return undefined;
  const [modulus, exponent, parameters, point] = ['MODULUS', 'PUBLIC_EXPONENT', 'EC_PARAMS', 'EC_POINT'].map(bytes);
  if (type === CKK_RSA && modulus !== undefined && exponent !== undefined) return spkiFromRsa(modulus, exponent);
  if (type === CKK_EC && parameters !== undefined && point !== undefined) return spkiFromEc(parameters, point);
  return undefined;
}

function keyTypeOf(bytes: Buffer | undefined): number | null {
  return bytes === undefined || bytes.length === 0 ? null : bytes.readUIntLE(0, Math.min(bytes.length, 4));
}

function modulusBits(modulus: Buffer | undefined): number | null {
  if (modulus === undefined || modulus.length === 0) return null;
  return BigInt(`0x${modulus.toString('hex')}`).toString(2).length;
}

function curveOf(parameters: string | undefined): string | null {
  return Object.entries(CURVES).find(([, oid]) => oid === parameters)?.[0] ?? null;
}

/** The names of the curves carry their bits. */
function curveBits(curve: string | null): number | null {
  return curve === null ? null : Number(/\d{3}/.exec(curve)?.[0]);
}

function accessOf(kind: ObjectClass, isSet: (name: string) => boolean | undefined): string[] {
  const words: (string | false)[] = [isSet('PRIVATE') === true && 'private'];
  if (kind === 'private') {
    words.push(
      isSet('ALWAYS_SENSITIVE') === true ? 'always sensitive' : isSet('SENSITIVE') === true ? 'sensitive' : isSet('SENSITIVE') === false && 'NOT SENSITIVE',
      isSet('EXTRACTABLE') === true ? 'EXTRACTABLE' : isSet('NEVER_EXTRACTABLE') === true ? 'never extractable' : isSet('EXTRACTABLE') === false && 'not extractable',
      isSet('ALWAYS_AUTHENTICATE') === true && 'PIN for each use',
    );
  }
  if (kind === 'private' || kind === 'public') words.push(isSet('LOCAL') === true && 'made on the token', isSet('LOCAL') === false && 'imported');
  words.push(isSet('MODIFIABLE') === false && 'not modifiable');
  return words.filter((word) => word !== false);
}
