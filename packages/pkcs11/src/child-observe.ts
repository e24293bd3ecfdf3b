import type { Template } from 'pkcs11js';
import { CKA, CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION, CKK_EC, CKK_RSA, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, isBlankToken, unpad } from './cryptoki.ts';
import { resultOf, type Cryptoki, type Handle } from './native.ts';
import type { RawCertificate, RawKey, RawModule, RawProblem, RawToken } from './protocol.ts';
import { probeWriting } from './write-probe.ts';

/** Objects of one class that are read from a token; a token with more is cut off rather than waited for. */
const MAX_OBJECTS = 4096;

/** Says what is about to be called; the parent names it when the call hangs or crashes. */
export type Announce = (call: string) => void;

/** Loads the library and initializes it. */
export function openModule(cryptoki: Cryptoki, library: string, announce: Announce): void {
  announce('loading it');
  cryptoki.load(library);
  announce('C_Initialize');
  try {
    // p11-kit-client refuses to work without locking; sc-hsm-embedded V2.9 hangs with it, but only when slots with
    // tokens alone are listed, which is never done here
    cryptoki.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  } catch (thrown) {
    const result = resultOf(thrown);
    if (result === 'CKR_CRYPTOKI_ALREADY_INITIALIZED') return;
    if (result !== 'CKR_CANT_LOCK' && result !== 'CKR_ARGUMENTS_BAD' && result !== 'CKR_NEED_TO_CREATE_THREADS') throw thrown;
    cryptoki.C_Initialize({ flags: 0 });
  }
}

interface Slot {
  slot: Handle;
  slotId: number;
  slotIndex: number;
}

/**
 * All slots with their numbers. Listed without regard to tokens, always: with `tokenPresent` sc-hsm-embedded V2.9
 * deadlocks or shows an empty list (field notes 0.11).
 */
export function listSlots(cryptoki: Cryptoki, announce: Announce): Slot[] {
  announce('C_GetSlotList');
  return cryptoki.C_GetSlotList(false).map((slot, slotIndex) => ({ slot, slotId: Number(readNumber(slot)), slotIndex }));
}

/** The token in a slot; undefined when there is none. */
export function readTokenInfo(cryptoki: Cryptoki, slot: Handle, slotId: number, announce: Announce) {
  announce(`C_GetTokenInfo of slot ${slotId}`);
  try {
    const info = cryptoki.C_GetTokenInfo(slot);
    return {
      label: unpad(info.label), serial: unpad(info.serialNumber), manufacturer: unpad(info.manufacturerID), model: unpad(info.model),
      flags: Number(info.flags),
    };
  } catch (thrown) {
    const result = resultOf(thrown);
    if (result === 'CKR_TOKEN_NOT_PRESENT' || result === 'CKR_TOKEN_NOT_RECOGNIZED' || result === 'CKR_SLOT_ID_INVALID') return undefined;
    throw thrown;
  }
}

/** Reads everything that needs no login. */
export function observeModule(cryptoki: Cryptoki, library: string, announce: Announce): RawModule {
  openModule(cryptoki, library, announce);
  announce('C_GetInfo');
  const info = cryptoki.C_GetInfo();
  const tokens: RawToken[] = [];
  const problems: RawProblem[] = [];
  /** What fails is noted: a broken reader must not hide the others, nor a missing pcscd what the library is. */
  const tryTo = (work: (announce: Announce) => void): void => {
    let call = '';
    try {
      work((next) => announce((call = next)));
    } catch (thrown) {
      const result = resultOf(thrown);
      if (result === undefined) throw thrown;
      problems.push({ call, result });
    }
  };
  let slots: Slot[] = [];
  tryTo((note) => {
    slots = listSlots(cryptoki, note);
  });
  for (const slot of slots) tryTo((note) => observeSlot(cryptoki, slot, note, tokens));
  return {
    manufacturer: unpad(info.manufacturerID),
    description: unpad(info.libraryDescription),
    version: `${info.libraryVersion.major}.${info.libraryVersion.minor}`,
    cryptokiVersion: `${info.cryptokiVersion.major}.${info.cryptokiVersion.minor}`,
    tokens,
    problems,
  };
}

function observeSlot(cryptoki: Cryptoki, { slot, slotId, slotIndex }: Slot, announce: Announce, tokens: RawToken[]): void {
  const info = readTokenInfo(cryptoki, slot, slotId, announce);
  if (info === undefined) return;
  announce(`C_GetSlotInfo of slot ${slotId}`);
  const token: RawToken = {
    slotId, slotIndex, slotDescription: unpad(cryptoki.C_GetSlotInfo(slot).slotDescription), ...info,
    evidence: { openReadWriteSession: null, generateKeyPair: null },
    publicKeys: [], privateKeys: [], certificates: [],
  };
  // listed before it is read: what fails later must not hide that it is there
  tokens.push(token);
  if (!isBlankToken(token)) readObjects(cryptoki, slot, token, (call) => announce(`${call} on slot ${slotId}`));
}

function readObjects(cryptoki: Cryptoki, slot: Handle, token: RawToken, announce: Announce): void {
  announce('C_OpenSession');
  const session = cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION);
  announce('reading public keys');
  token.publicKeys = find(cryptoki, session, CKO_PUBLIC_KEY).map((object) => readPublicKey(cryptoki, session, object));
  announce('reading private keys');
  token.privateKeys = find(cryptoki, session, CKO_PRIVATE_KEY).map((object) => readPrivateKey(cryptoki, session, object));
  announce('reading certificates');
  token.certificates = find(cryptoki, session, CKO_CERTIFICATE).map((object) => readCertificate(cryptoki, session, object));
  announce('asking whether it can be written');
  token.evidence = probeWriting(cryptoki, slot, session, token.flags);
}

/** Objects that fit a template, up to {@link MAX_OBJECTS}. */
export function findByTemplate(cryptoki: Cryptoki, session: Handle, template: Template): Handle[] {
  const found: Handle[] = [];
  cryptoki.C_FindObjectsInit(session, template);
  for (;;) {
    const some = cryptoki.C_FindObjects(session, 64);
    found.push(...some);
    if (some.length === 0 || found.length >= MAX_OBJECTS) break;
  }
  cryptoki.C_FindObjectsFinal(session);
  return found;
}

function find(cryptoki: Cryptoki, session: Handle, objectClass: number): Handle[] {
  return findByTemplate(cryptoki, session, [{ type: CKA.CLASS, value: objectClass }]);
}

/** One attribute at a time: one unknown attribute spoils a whole template. Null when there is none to read. */
export function attribute(cryptoki: Cryptoki, session: Handle, object: Handle, type: number): Buffer | null {
  try {
    return cryptoki.C_GetAttributeValue(session, object, [{ type }])[0]?.value ?? null;
  } catch (thrown) {
    const result = resultOf(thrown);
    if (result === undefined || result.startsWith('CKR_DEVICE') || result.startsWith('CKR_SESSION') || result.startsWith('CKR_TOKEN')) throw thrown;
    return null;
  }
}

function readPublicKey(cryptoki: Cryptoki, session: Handle, object: Handle): RawKey {
  const hex = (type: number) => toHex(attribute(cryptoki, session, object, type));
  const key = commonKey(cryptoki, session, object);
  if (key.keyType === CKK_RSA) return { ...key, modulus: hex(CKA.MODULUS), publicExponent: hex(CKA.PUBLIC_EXPONENT) };
  if (key.keyType === CKK_EC) return { ...key, ecParams: hex(CKA.EC_PARAMS), ecPoint: hex(CKA.EC_POINT) };
  return key;
}

function readPrivateKey(cryptoki: Cryptoki, session: Handle, object: Handle): RawKey {
  const flag = (type: number) => {
    const value = attribute(cryptoki, session, object, type);
    return value === null || value.length === 0 ? null : value[0] !== 0;
  };
  return {
    ...commonKey(cryptoki, session, object),
    sensitive: flag(CKA.SENSITIVE), extractable: flag(CKA.EXTRACTABLE), alwaysSensitive: flag(CKA.ALWAYS_SENSITIVE), neverExtractable: flag(CKA.NEVER_EXTRACTABLE),
  };
}

function commonKey(cryptoki: Cryptoki, session: Handle, object: Handle): RawKey {
  const type = attribute(cryptoki, session, object, CKA.KEY_TYPE);
  return {
    id: toHex(attribute(cryptoki, session, object, CKA.ID)),
    label: toText(attribute(cryptoki, session, object, CKA.LABEL)),
    keyType: type === null || type.length === 0 ? null : Number(readNumber(type)),
    modulus: null, publicExponent: null, ecParams: null, ecPoint: null,
    sensitive: null, extractable: null, alwaysSensitive: null, neverExtractable: null,
  };
}

function readCertificate(cryptoki: Cryptoki, session: Handle, object: Handle): RawCertificate {
  return {
    id: toHex(attribute(cryptoki, session, object, CKA.ID)),
    label: toText(attribute(cryptoki, session, object, CKA.LABEL)),
    value: toHex(attribute(cryptoki, session, object, CKA.VALUE)),
  };
}

/** A native unsigned long: eight bytes, or four on small machines. */
export function readNumber(bytes: Buffer): bigint {
  return bytes.length >= 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUIntLE(0, bytes.length));
}

function toHex(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('hex');
}

function toText(bytes: Buffer | null): string | null {
  return bytes === null ? null : unpad(bytes.toString('utf8'));
}
