import type { Template } from 'pkcs11js';
import { attribute, findByTemplate, readNumber, type Announce } from '../child-observe.ts';
import { CKA, CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from '../cryptoki.ts';
import type { Cryptoki, Handle } from '../native.ts';
import type { RawFilter, RawObject } from './protocol.ts';

type AttributeName = keyof typeof CKA;

const OF_ALL: readonly AttributeName[] = ['ID', 'LABEL', 'PRIVATE', 'MODIFIABLE'];
const OF_KEYS: readonly AttributeName[] = ['KEY_TYPE', 'LOCAL', 'DERIVE', 'MODULUS', 'PUBLIC_EXPONENT', 'EC_PARAMS'];
const OF_CLASS: Readonly<Record<number, readonly AttributeName[]>> = {
  [CKO_PUBLIC_KEY]: [...OF_KEYS, 'EC_POINT', 'VERIFY', 'ENCRYPT', 'WRAP', 'VERIFY_RECOVER'],
  [CKO_PRIVATE_KEY]: [
    ...OF_KEYS, 'SIGN', 'DECRYPT', 'UNWRAP', 'SIGN_RECOVER', 'SENSITIVE', 'ALWAYS_SENSITIVE', 'EXTRACTABLE', 'NEVER_EXTRACTABLE', 'ALWAYS_AUTHENTICATE',
  ],
  [CKO_CERTIFICATE]: ['CERTIFICATE_TYPE', 'VALUE'],
  [CKO_DATA]: ['APPLICATION', 'VALUE'],
};

/** Token objects (not those of sessions) that fit. */
export function findObjects(cryptoki: Cryptoki, session: Handle, filter: RawFilter, announce: Announce): Handle[] {
  const template: Template = [{ type: CKA.TOKEN, value: true }];
  if (filter.class !== undefined) template.push({ type: CKA.CLASS, value: filter.class });
  if (filter.id !== undefined) template.push({ type: CKA.ID, value: Buffer.from(filter.id, 'hex') });
  if (filter.label !== undefined) template.push({ type: CKA.LABEL, value: Buffer.from(filter.label) });
  announce('C_FindObjects');
  return findByTemplate(cryptoki, session, template);
}

/** What an object shows. Values of secrets are not asked for. */
export function readObject(cryptoki: Cryptoki, session: Handle, object: Handle): RawObject {
  const bytes = attribute(cryptoki, session, object, CKA.CLASS);
  const objectClass = bytes === null || bytes.length === 0 ? -1 : Number(readNumber(bytes));
  const attributes: Record<string, string> = {};
  for (const name of [...OF_ALL, ...(OF_CLASS[objectClass] ?? ['KEY_TYPE'] as const)]) {
    const value = attribute(cryptoki, session, object, CKA[name]);
    if (value !== null) attributes[name] = value.toString('hex');
  }
  return { handle: object.toString('hex'), class: objectClass, attributes };
}
