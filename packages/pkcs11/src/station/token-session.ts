import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type {
  GeneratedKey, KeyType, LoginOptions, MechanismRow, ObjectFilter, PinTries, SignRate, SignRateOptions, SlotToken, TokenObject, TokenSession,
} from '@hsmfleet/station';
import { CURVES } from '@hsmfleet/station';
import type { SignatureAlgorithm, Signer } from '@hsmfleet/x509';
import { readCertificate } from '@hsmfleet/x509/issue';
import type { PinLedger } from '../pin-ledger.ts';
import { classNumber, interpretObject, interpretObjects } from './interpret-objects.ts';
import { describeToken, describeTries, rememberNewPin, tryPinOnce } from './login-guard.ts';
import { interpretMechanisms } from './mechanisms.ts';
import type { PinOwner, StationAnswers, StationRequest } from './protocol.ts';
import { chooseMechanism, encodeEcdsa, isGoodSignature, signatureSize } from './signing.ts';
import { describeResult, describeStationFailure } from './station-failure.ts';
import type { StationChannel } from './station-channel.ts';

/** Milliseconds for what makes a card compute or write. */
const WORK_TIMEOUT_MS = 30_000;
const PROGRESS_MS = 1_000;

/** What a session is made of. */
export interface SessionParts {
  module: ModuleTarget;
  token: SlotToken;
  channel: StationChannel;
  ledger: PinLedger;
  generateTimeoutMs: number;
}

/** The session of a station on one token. */
export class StationSession implements TokenSession {
  readonly #parts: SessionParts;
  #loggedIn = false;
  #signing: Promise<Set<number>> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get module(): ModuleTarget { return this.#parts.module; }
  get token(): SlotToken { return this.#parts.token; }
  get loggedIn(): boolean { return this.#loggedIn; }

  pinTries(): PinTries {
    return describeTries(this.token.pinState);
  }

  async login(pin: Secret, options: LoginOptions = {}): Promise<void> {
    await this.#login('user', pin, options);
  }

  async mechanisms(): Promise<MechanismRow[]> {
    return interpretMechanisms(await this.#ask({ op: 'mechanisms' }, 'asking for its mechanisms'));
  }

  async objects(filter: ObjectFilter = {}): Promise<TokenObject[]> {
    const { id, label, class: kind } = filter;
    const raw = { ...(id === undefined ? {} : { id }), ...(label === undefined ? {} : { label }), ...(kind === undefined ? {} : { class: classNumber(kind) }) };
    const objects = await this.#ask({ op: 'objects', filter: raw }, 'reading its objects', WORK_TIMEOUT_MS);
    return interpretObjects(objects);
  }

  async generateKeyPair({ type, id, label, onProgress }: { type: KeyType; id: string; label: string; onProgress?: (seconds: number) => void }): Promise<GeneratedKey> {
    await this.#refuseUsed(id, label);
    const started = Date.now();
    const ticks = setInterval(() => { onProgress?.(Math.round((Date.now() - started) / 1000)); }, PROGRESS_MS);
    const key = type.type === 'rsa' ? type : { type: 'ec' as const, parameters: CURVES[type.curve] };
    const doing = `making key ${id}`;
    let made: StationAnswers['generate'];
    try {
      const outcome = await this.#parts.channel.ask({ op: 'generate', key, id, label }, this.#parts.generateTimeoutMs);
      if (outcome.kind !== 'answer') {
        const error = this.#failure(outcome, doing);
        throw withLeftover(error, id, outcome.kind === 'failed' ? outcome.leftover : 'kept');
      }
      made = outcome.answer;
    } finally {
      clearInterval(ticks);
    }
    const publicKey = interpretObject(made.publicKey);
    const privateKey = interpretObject(made.privateKey);
    const spki = publicKey?.spki ?? null;
    const fingerprint = publicKey?.fingerprint ?? null;
    if (spki === null || fingerprint === null || privateKey === undefined) {
      await this.#destroy([made.privateKey.handle, made.publicKey.handle], `deleting key ${id} again`);
      throw new HsmfleetError('PKCS11', `the token ${describeToken(this.token)} made key ${id}, but does not show its public half`, { hint: 'the key pair was deleted again; try another module' });
    }
    const warnings = privateKey.access.filter((word) => word === 'EXTRACTABLE' || word === 'NOT SENSITIVE')
      .map((word) => `the token made the private key ${word} although it was asked not to: do not use it for anything that matters`);
    return { id, label, type, spki, fingerprint, seconds: (Date.now() - started) / 1000, warnings };
  }

  async signer(keyId: string): Promise<Signer> {
    const objects = await this.objects({ id: keyId });
    const privates = objects.filter((object) => object.class === 'private');
    const [key] = privates;
    if (key === undefined || privates.length > 1) {
      throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${describeToken(this.token)} has ${privates.length === 0 ? 'no private key' : `${privates.length} private keys`} with ID ${keyId}`, {
        hint: this.#loggedIn ? '`hsmfleet token objects --login` shows what there is' : 'most tokens show private keys after a login only',
      });
    }
    const spki = (objects.find((object) => object.class === 'public') ?? key).spki ?? objects.find((object) => object.class === 'certificate')?.spki;
    if (spki === undefined || spki === null) {
      throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${describeToken(this.token)} shows neither public key nor certificate for private key ${keyId}`, {
        hint: 'load the certificate of this key first: hsmfleet token load-cert',
      });
    }
    return { spki, sign: (algorithm, toBeSigned) => this.#sign(key.handle, keyId, spki, algorithm, toBeSigned) };
  }

  async signRate({ keyId, sessions, seconds }: SignRateOptions): Promise<SignRate> {
    const objects = await this.objects({ id: keyId });
    const key = objects.find((object) => object.class === 'private');
    const spki = objects.find((object) => object.spki !== null)?.spki;
    if (key === undefined || spki === undefined || spki === null) {
      throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${describeToken(this.token)} has no private key with ID ${keyId} whose public half it shows`, {
        hint: this.#loggedIn ? '`hsmfleet token objects --login` shows what there is' : 'most tokens show private keys after a login only',
      });
    }
    const algorithm: SignatureAlgorithm = key.keyType === 'ec' ? 'ecdsa-sha256' : 'rsa-pkcs1-sha256';
    const usable = new Set(interpretMechanisms(await this.#ask({ op: 'mechanisms' }, 'asking for its mechanisms')).filter(({ flags }) => flags.length === 0 || flags.includes('sign')).map(({ type }) => type));
    const { mechanism, data } = chooseMechanism(spki, algorithm, usable, Buffer.from('how fast does this key sign'));
    const request = { op: 'sign_rate' as const, key: key.handle, mechanism, data: data.toString('hex'), size: signatureSize(spki), sessions, seconds };
    return { algorithm, ...(await this.#ask(request, `signing with key ${keyId} in ${String(sessions)} sessions`, seconds * 1_000 + WORK_TIMEOUT_MS)) };
  }

  async createCertificate({ der, id, label }: { der: Buffer; id: string; label: string }): Promise<void> {
    const { subjectDer, issuerDer, serialDer } = readCertificate(der);
    await this.#ask({
      op: 'create_certificate', id, label, der: der.toString('hex'), subject: subjectDer.toString('hex'), issuer: issuerDer.toString('hex'), serialNumber: serialDer.toString('hex'),
    }, `writing certificate ${id}`, WORK_TIMEOUT_MS);
  }

  deleteObjects(objects: readonly TokenObject[]): Promise<number> {
    return this.#destroy(objects.map(({ handle }) => handle), 'deleting objects');
  }

  async changePin(oldPin: Secret, newPin: Secret, options: LoginOptions = {}): Promise<void> {
    checkNewPin(this.token, newPin);
    await this.#login('user', oldPin, options);
    const { result } = await this.#ask({ op: 'set_user_pin', oldPin: oldPin.reveal(), newPin: newPin.reveal() }, 'changing its PIN', WORK_TIMEOUT_MS);
    if (result !== 'CKR_OK') throw describeResult(this.#doing('changing its PIN'), 'C_SetPIN', result);
    await rememberNewPin(this.#parts.ledger, this.token, 'user', newPin);
  }

  async unblockPin(soPin: Secret, newPin: Secret, options: LoginOptions = {}): Promise<void> {
    checkNewPin(this.token, newPin);
    await this.#login('so', soPin, options);
    const { result } = await this.#ask({ op: 'init_user_pin', newPin: newPin.reveal() }, 'setting its PIN', WORK_TIMEOUT_MS);
    if (result !== 'CKR_OK') throw describeResult(this.#doing('setting its PIN'), 'C_InitPIN', result);
    await rememberNewPin(this.#parts.ledger, this.token, 'user', newPin);
  }

  async close(): Promise<void> {
    await this.#parts.channel.close();
  }

  async #login(owner: PinOwner, pin: Secret, { allowLowPinCount = false }: LoginOptions): Promise<void> {
    const { module, token, channel, ledger } = this.#parts;
    await tryPinOnce(ledger, {
      library: module.path, token, owner, pin, allowLowPinCount, what: 'logging in',
      send: async (refuseFlags) => {
        const outcome = await channel.ask({ op: 'login', owner, pin: pin.reveal(), refuseFlags }, WORK_TIMEOUT_MS);
        if (outcome.kind !== 'answer') throw this.#failure(outcome, 'logging in', true);
        return outcome.answer;
      },
    });
    this.#loggedIn = true;
  }

  /** Objects of any class count: a certificate without its key takes the ID as well. */
  async #refuseUsed(id: string, label: string): Promise<void> {
    const taken = [...await this.objects({ id }), ...await this.objects({ label })];
    const [first] = taken;
    if (first === undefined) return;
    const what = first.id === id ? `ID ${id}` : `label "${label}"`;
    throw new HsmfleetError('OBJECT_EXISTS', `${what} is in use on the token ${describeToken(this.token)}: ${describeObject(first)}`, {
      hint: 'choose another --id and --label, or delete what is there: hsmfleet token delete',
    });
  }

  async #sign(handle: string, keyId: string, spki: Buffer, algorithm: SignatureAlgorithm, toBeSigned: Buffer): Promise<Buffer> {
    this.#signing ??= this.#ask({ op: 'mechanisms' }, 'asking for its mechanisms')
      .then((raw) => new Set(interpretMechanisms(raw).filter(({ flags }) => flags.length === 0 || flags.includes('sign')).map(({ type }) => type)));
    const { mechanism, pss, data } = chooseMechanism(spki, algorithm, await this.#signing, toBeSigned);
    const doing = `signing with key ${keyId}`;
    const { signature } = await this.#ask({
      op: 'sign', key: handle, mechanism, data: data.toString('hex'), size: signatureSize(spki), ...(pss === undefined ? {} : { pss }),
    }, doing, WORK_TIMEOUT_MS);
    const raw = Buffer.from(signature, 'hex');
    const encoded = algorithm.startsWith('ecdsa') ? encodeEcdsa(raw) : raw;
    if (!isGoodSignature(spki, algorithm, toBeSigned, encoded)) {
      throw new HsmfleetError('PKCS11', `the token ${describeToken(this.token)} signed with something else than key ${keyId}: the signature does not verify`, {
        hint: 'does the public key or certificate with this ID belong to the private key?',
      });
    }
    return encoded;
  }

  async #destroy(handles: string[], doing: string): Promise<number> {
    const { deleted, failure } = await this.#ask({ op: 'destroy', handles }, doing, WORK_TIMEOUT_MS);
    if (failure === null) return deleted;
    const error = describeResult(this.#doing(doing), failure.call, failure.result);
    throw new HsmfleetError(error.code, `${error.message}; ${deleted} of ${handles.length} objects were deleted`, { hint: error.hint, details: { ...error.details, deleted } });
  }

  async #ask<R extends StationRequest>(request: R, what: string, timeoutMs?: number): Promise<StationAnswers[R['op']]> {
    const outcome = await this.#parts.channel.ask(request, timeoutMs);
    if (outcome.kind === 'answer') return outcome.answer;
    throw this.#failure(outcome, what, 'pin' in request || 'newPin' in request);
  }

  #doing(what: string): { library: string; token: string; what: string } {
    return { library: this.module.path, token: describeToken(this.token), what };
  }

  #failure(outcome: Parameters<typeof describeStationFailure>[1], what: string, withPin = false): HsmfleetError {
    return describeStationFailure({ ...this.#doing(what), withPin: withPin || this.#loggedIn }, outcome);
  }
}

/**
 * A PIN to be set, as far as the token says what it wants.
 * @throws HsmfleetError USAGE
 */
export function checkNewPin({ minPinLength, maxPinLength }: SlotToken, pin: Secret, name = 'the new PIN'): void {
  const length = Buffer.byteLength(pin.reveal());
  const limits = `the token takes ${minPinLength} to ${maxPinLength} characters`;
  if (length === 0) throw new HsmfleetError('USAGE', `${name} is empty`, maxPinLength > 0 ? { hint: limits } : {});
  if (length < minPinLength || (maxPinLength > 0 && length > maxPinLength)) {
    throw new HsmfleetError('USAGE', `${name} is too ${length < minPinLength ? 'short' : 'long'}: nothing was changed`, { hint: limits });
  }
}

function withLeftover(error: HsmfleetError, id: string, leftover: 'none' | 'deleted' | 'kept' | undefined): HsmfleetError {
  if (leftover === undefined || leftover === 'none') return error;
  const said = leftover === 'deleted' ? `what was half made of key ${id} was deleted again` : `something half made of key ${id} may be left on the token`;
  const next = leftover === 'deleted' ? error.hint : `look with \`hsmfleet token objects --login --id ${id}\`, and remove it with \`hsmfleet token delete --id ${id}\``;
  return new HsmfleetError(error.code, `${error.message}; ${said}`, { hint: next, details: { ...error.details, leftover } });
}

/** "certificate 03 "www"" */
export function describeObject({ class: kind, id, label }: Pick<TokenObject, 'class' | 'id' | 'label'>): string {
  const name = kind === 'private' || kind === 'public' || kind === 'secret' ? `${kind} key` : kind;
  return [name, id === '' ? 'without ID' : id, ...(label === '' ? [] : [`"${label}"`])].join(' ');
}
