import type { PKCS11, Template } from 'pkcs11js';
import { listSlots, openModule, type Announce } from '../child-observe.ts';
import { CKA, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKO_CERTIFICATE, CKU_USER, unpad } from '../cryptoki.ts';
import { answerOf, resultOf, type Cryptoki, type Handle } from '../native.ts';
import { findObjects, readObject } from './child-objects.ts';
import { generateKeyPair } from './child-generate.ts';
import { measureSignRate } from './child-sign-rate.ts';
import type { LoginAnswer, PinOwner, RawListing, RawMechanism, RawSlot, RawTokenInfo, StationAnswers, StationRequest } from './protocol.ts';

/** What a station calls besides: it may write, and it says good-bye in the ordinary way. */
export interface WritableCryptoki
  extends Cryptoki,
    Pick<
      PKCS11,
      | 'C_Logout' | 'C_CloseSession' | 'C_Finalize' | 'C_SignInit' | 'C_CreateObject' | 'C_DestroyObject'
      | 'C_InitToken' | 'C_InitPIN' | 'C_SetPIN' | 'C_GetMechanismList' | 'C_GetMechanismInfo'
    > {
  /** Fills `signature`; answers how many bytes of it are one. */
  C_Sign(session: Handle, data: Buffer, signature: Buffer): number;
}

const CKU_SO = 0;
const CK_PARAMS_RSA_PSS = 5;
const CKC_X_509 = 0;
/** Size of a token's label in PKCS#11. */
export const TOKEN_LABEL_BYTES = 32;

type Op = StationRequest['op'];

/** One child's module, session and login: does what requests ask, call by call. */
export class ChildSession {
  readonly #cryptoki: WritableCryptoki;
  readonly #announce: Announce;
  #slot: { slot: Handle; slotId: number } | undefined;
  #session: Handle | undefined;
  #loggedIn = false;

  constructor(cryptoki: WritableCryptoki, library: string, announce: Announce) {
    this.#cryptoki = cryptoki;
    this.#announce = announce;
    openModule(cryptoki, library, announce);
  }

  handle(request: StationRequest): StationAnswers[Op] | Promise<StationAnswers[Op]> {
    switch (request.op) {
      case 'list': return this.#list();
      case 'open': return this.#open(request);
      case 'login': return this.#login(request.owner, request.pin, request.refuseFlags);
      case 'mechanisms': return this.#mechanisms();
      case 'objects': return findObjects(this.#cryptoki, this.#opened(), request.filter, this.#announce).map((object) => readObject(this.#cryptoki, this.#opened(), object));
      case 'generate': return generateKeyPair(this.#cryptoki, this.#opened(), request, this.#announce);
      case 'sign': return this.#sign(request);
      case 'sign_rate': {
        if (this.#slot === undefined) throw new Error('no session is open');
        return measureSignRate(this.#cryptoki, this.#slot.slot, request, this.#announce);
      }
      case 'create_certificate': return this.#createCertificate(request);
      case 'destroy': return this.#destroy(request.handles);
      case 'set_user_pin': return this.#answerOf('C_SetPIN', () => this.#cryptoki.C_SetPIN(this.#opened(), request.oldPin, request.newPin));
      case 'init_user_pin': return this.#answerOf('C_InitPIN', () => this.#cryptoki.C_InitPIN(this.#opened(), request.newPin));
      case 'init_token': return this.#initToken(request);
      case 'end': return { loggedOut: this.end() };
    }
  }

  /** A generated key pair that nobody was told of is not kept. */
  discard({ publicKey, privateKey }: StationAnswers['generate']): void {
    this.#destroy([privateKey.handle, publicKey.handle]);
  }

  /** After a login: out again, since that state lives in the card (field notes 0.13). Else nothing is touched. */
  end(): boolean {
    if (!this.#loggedIn || this.#session === undefined) return false;
    const quietly = (call: string, act: () => void): void => {
      this.#announce(call);
      // a token that is gone is logged out already
      try { act(); } catch { /* see above */ }
    };
    const session = this.#session;
    quietly('C_Logout', () => this.#cryptoki.C_Logout(session));
    quietly('C_CloseSession', () => this.#cryptoki.C_CloseSession(session));
    quietly('C_Finalize', () => this.#cryptoki.C_Finalize());
    this.#loggedIn = false;
    this.#session = undefined;
    return true;
  }

  #opened(): Handle {
    if (this.#session === undefined) throw new Error('no session is open');
    return this.#session;
  }

  #list(): RawListing {
    this.#announce('C_GetInfo');
    const info = this.#cryptoki.C_GetInfo();
    return {
      manufacturer: unpad(info.manufacturerID),
      description: unpad(info.libraryDescription),
      version: versionOf(info.libraryVersion),
      cryptokiVersion: versionOf(info.cryptokiVersion),
      slots: listSlots(this.#cryptoki, this.#announce).map((slot) => this.#readSlot(slot)),
    };
  }

  #readSlot({ slot, slotId, slotIndex }: { slot: Handle; slotId: number; slotIndex: number }): RawSlot {
    let problem: string | null = null;
    const tryTo = <T>(call: string, act: () => T): T | null => {
      this.#announce(`${call} of slot ${slotId}`);
      try {
        return act();
      } catch (thrown) {
        const result = resultOf(thrown);
        if (result === undefined) throw thrown;
        problem ??= result;
        return null;
      }
    };
    const description = tryTo('C_GetSlotInfo', () => unpad(this.#cryptoki.C_GetSlotInfo(slot).slotDescription)) ?? '';
    const token = tryTo('C_GetTokenInfo', () => this.#tokenInfo(slot));
    return { slotId, slotIndex, description, token, problem };
  }

  /** Null when the slot is empty. */
  #tokenInfo(slot: Handle): RawTokenInfo | null {
    try {
      const info = this.#cryptoki.C_GetTokenInfo(slot);
      return {
        label: unpad(info.label), serial: unpad(info.serialNumber), manufacturer: unpad(info.manufacturerID), model: unpad(info.model),
        hardwareVersion: versionOf(info.hardwareVersion), firmwareVersion: versionOf(info.firmwareVersion),
        flags: Number(info.flags), minPinLength: Number(info.minPinLen), maxPinLength: Number(info.maxPinLen),
      };
    } catch (thrown) {
      const result = resultOf(thrown);
      if (result === 'CKR_TOKEN_NOT_PRESENT' || result === 'CKR_TOKEN_NOT_RECOGNIZED') return null;
      throw thrown;
    }
  }

  /** The token that the parent has seen in its list, or nothing. */
  #find(slotId: number, label: string, serial: string): { slot: Handle; slotId: number; info: RawTokenInfo } | undefined {
    const found = listSlots(this.#cryptoki, this.#announce).find((slot) => slot.slotId === slotId);
    if (found === undefined) return undefined;
    this.#announce(`C_GetTokenInfo of slot ${slotId}`);
    const info = this.#tokenInfo(found.slot);
    return info !== null && info.label === label && info.serial === serial ? { slot: found.slot, slotId, info } : undefined;
  }

  #open({ slotId, label, serial }: Extract<StationRequest, { op: 'open' }>): { flags: number } {
    const found = this.#find(slotId, label, serial);
    if (found === undefined) throw new Error('CKR_TOKEN_NOT_PRESENT:224');
    this.#slot = found;
    this.#announce('C_OpenSession');
    this.#session = this.#cryptoki.C_OpenSession(found.slot, CKF_SERIAL_SESSION);
    return { flags: found.info.flags };
  }

  /** Exactly one C_Login, and only while the flags, read right before it, allow it. */
  #login(owner: PinOwner, pin: string, refuseFlags: number): LoginAnswer {
    const slot = this.#slot;
    if (slot === undefined) throw new Error('no session is open');
    this.#announce(`C_GetTokenInfo of slot ${slot.slotId}`);
    const before = this.#tokenInfo(slot.slot);
    if (before === null) return { kind: 'not_tried', reason: 'gone', flags: 0 };
    if ((before.flags & refuseFlags) !== 0) return { kind: 'not_tried', reason: 'flags', flags: before.flags };
    this.#openForWriting(slot.slot);
    this.#announce('C_Login');
    const result = answerOf(() => this.#cryptoki.C_Login(this.#opened(), owner === 'so' ? CKU_SO : CKU_USER, pin));
    if (result === 'CKR_OK') this.#loggedIn = true;
    return { kind: 'tried', result, flagsBefore: before.flags, flagsAfter: this.#flagsNow(slot.slot) };
  }

  /** The SO cannot log in beside a read-only session, so it goes; a read-only module gets none for writing. */
  #openForWriting(slot: Handle): void {
    const before = this.#opened();
    this.#announce('C_CloseSession');
    this.#cryptoki.C_CloseSession(before);
    this.#announce('C_OpenSession');
    try {
      this.#session = this.#cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    } catch (thrown) {
      if (resultOf(thrown) !== 'CKR_TOKEN_WRITE_PROTECTED') throw thrown;
      this.#session = this.#cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION);
    }
  }

  #flagsNow(slot: Handle): number | null {
    // the answer to the login is what counts; a token that cannot say its state afterwards changes nothing about it
    try {
      return this.#tokenInfo(slot)?.flags ?? null;
    } catch {
      return null;
    }
  }

  #mechanisms(): RawMechanism[] {
    const slot = this.#slot?.slot;
    if (slot === undefined) throw new Error('no session is open');
    this.#announce('C_GetMechanismList');
    return this.#cryptoki.C_GetMechanismList(slot).map((type) => {
      this.#announce(`C_GetMechanismInfo of 0x${type.toString(16)}`);
      try {
        const info = this.#cryptoki.C_GetMechanismInfo(slot, type);
        return { type, minKeySize: Number(info.minKeySize), maxKeySize: Number(info.maxKeySize), flags: Number(info.flags) };
      } catch (thrown) {
        if (resultOf(thrown) === undefined) throw thrown;
        return { type, minKeySize: 0, maxKeySize: 0, flags: 0 };
      }
    });
  }

  #sign({ key, mechanism, pss, data, size }: Extract<StationRequest, { op: 'sign' }>): { signature: string } {
    const session = this.#opened();
    this.#announce('C_SignInit');
    const parameter = pss === undefined ? {} : { parameter: { type: CK_PARAMS_RSA_PSS, hashAlg: pss.hash, mgf: pss.mgf, saltLen: pss.salt } };
    this.#cryptoki.C_SignInit(session, { mechanism, ...parameter }, Buffer.from(key, 'hex'));
    this.#announce('C_Sign');
    const signature = Buffer.alloc(size);
    const length = this.#cryptoki.C_Sign(session, Buffer.from(data, 'hex'), signature);
    return { signature: signature.subarray(0, length).toString('hex') };
  }

  #createCertificate(request: Extract<StationRequest, { op: 'create_certificate' }>): { handle: string } {
    const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
    const template: Template = [
      { type: CKA.CLASS, value: CKO_CERTIFICATE }, { type: CKA.CERTIFICATE_TYPE, value: CKC_X_509 },
      { type: CKA.TOKEN, value: true }, { type: CKA.PRIVATE, value: false },
      { type: CKA.LABEL, value: Buffer.from(request.label) }, { type: CKA.ID, value: bytes(request.id) },
      { type: CKA.SUBJECT, value: bytes(request.subject) }, { type: CKA.ISSUER, value: bytes(request.issuer) },
      { type: CKA.SERIAL_NUMBER, value: bytes(request.serialNumber) }, { type: CKA.VALUE, value: bytes(request.der) },
    ];
    this.#announce('C_CreateObject');
    return { handle: this.#cryptoki.C_CreateObject(this.#opened(), template).toString('hex') };
  }

  #destroy(handles: readonly string[]): StationAnswers['destroy'] {
    let deleted = 0;
    for (const handle of handles) {
      this.#announce('C_DestroyObject');
      const result = answerOf(() => this.#cryptoki.C_DestroyObject(this.#opened(), Buffer.from(handle, 'hex')));
      if (result !== 'CKR_OK') return { deleted, failure: { call: 'C_DestroyObject', result } };
      deleted += 1;
    }
    return { deleted, failure: null };
  }

  #answerOf(call: string, act: () => unknown): { result: string } {
    this.#announce(call);
    return { result: answerOf(act) };
  }

  #initToken({ slotId, label, serial, soPin, newLabel, refuseFlags }: Extract<StationRequest, { op: 'init_token' }>): LoginAnswer {
    const found = this.#find(slotId, label, serial);
    if (found === undefined) return { kind: 'not_tried', reason: 'gone', flags: 0 };
    const { slot, info } = found;
    if ((info.flags & refuseFlags) !== 0) return { kind: 'not_tried', reason: 'flags', flags: info.flags };
    this.#announce('C_InitToken');
    const result = answerOf(() => this.#cryptoki.C_InitToken(slot, soPin, paddedLabel(newLabel)));
    if (result === 'CKR_OK') {
      this.#slot = { slot, slotId };
      this.#announce('C_OpenSession');
      this.#session = this.#cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    }
    return { kind: 'tried', result, flagsBefore: info.flags, flagsAfter: this.#flagsNow(slot) };
  }
}

/** 32 bytes filled up with blanks: modules read that many, whatever they are given. */
function paddedLabel(label: string): string {
  return label + ' '.repeat(Math.max(0, TOKEN_LABEL_BYTES - Buffer.byteLength(label)));
}

function versionOf({ major, minor }: { major: number; minor: number }): string {
  return `${major}.${minor}`;
}
