import type { Template } from 'pkcs11js';
import type { Announce } from '../child-observe.ts';
import { CKA, CKK_EC, CKK_RSA, CKM_EC_KEY_PAIR_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from '../cryptoki.ts';
import { resultOf, type Handle } from '../native.ts';
import type { WritableCryptoki } from './child-session.ts';
import { findObjects, readObject } from './child-objects.ts';
import type { RawGenerated, StationFailure, StationRequest } from './protocol.ts';

/** 65537. */
const PUBLIC_EXPONENT = Buffer.from([1, 0, 1]);

/** A key generation that failed, and what became of what it may have left. */
export class GenerationFailure extends Error {
  readonly failure: StationFailure;

  constructor(failure: StationFailure) {
    super(failure.message);
    this.name = 'GenerationFailure';
    this.failure = failure;
  }
}

/**
 * Makes a key pair and reads it back. When anything of it fails, whatever has the ID is deleted again: nothing had it before,
 * which the parent has checked.
 * @throws GenerationFailure
 */
export function generateKeyPair(cryptoki: WritableCryptoki, session: Handle, request: Extract<StationRequest, { op: 'generate' }>, announce: Announce): RawGenerated {
  let call = 'C_GenerateKeyPair';
  const note: Announce = (next) => { announce((call = next)); };
  note(call);
  let handles: Handle[] = [];
  try {
    const pair = cryptoki.C_GenerateKeyPair(
      session, { mechanism: request.key.type === 'rsa' ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN }, publicTemplate(request), privateTemplate(request),
    );
    handles = [pair.privateKey, pair.publicKey];
    note('reading the new key pair');
    return { publicKey: readObject(cryptoki, session, pair.publicKey), privateKey: readObject(cryptoki, session, pair.privateKey) };
  } catch (thrown) {
    const result = resultOf(thrown);
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GenerationFailure({ call, message, ...(result === undefined ? {} : { result }), leftover: cleanUp(cryptoki, session, request.id, handles, announce) });
  }
}

function cleanUp(cryptoki: WritableCryptoki, session: Handle, id: string, handles: readonly Handle[], announce: Announce): 'none' | 'deleted' | 'kept' {
  try {
    const left = new Map([...handles, ...findObjects(cryptoki, session, { id }, announce)].map((handle) => [handle.toString('hex'), handle]));
    for (const handle of left.values()) {
      announce('C_DestroyObject');
      cryptoki.C_DestroyObject(session, handle);
    }
    return left.size === 0 ? 'none' : 'deleted';
  } catch {
    // the token is gone, or does not delete: the parent says that something may be left
    return 'kept';
  }
}

function publicTemplate({ key, id, label }: Extract<StationRequest, { op: 'generate' }>): Template {
  const rsa = key.type === 'rsa';
  return [
    { type: CKA.CLASS, value: CKO_PUBLIC_KEY }, { type: CKA.KEY_TYPE, value: rsa ? CKK_RSA : CKK_EC },
    { type: CKA.TOKEN, value: true }, { type: CKA.PRIVATE, value: false }, { type: CKA.VERIFY, value: true },
    ...(key.type === 'rsa'
      ? [{ type: CKA.ENCRYPT, value: true }, { type: CKA.MODULUS_BITS, value: key.bits }, { type: CKA.PUBLIC_EXPONENT, value: PUBLIC_EXPONENT }]
      : [{ type: CKA.EC_PARAMS, value: Buffer.from(key.parameters, 'hex') }]),
    { type: CKA.ID, value: Buffer.from(id, 'hex') }, { type: CKA.LABEL, value: Buffer.from(label) },
  ];
}

/** RSA keys may decrypt as well: TLS with RSA key exchange, which old clients still ask for, needs it. */
function privateTemplate({ key, id, label }: Extract<StationRequest, { op: 'generate' }>): Template {
  const rsa = key.type === 'rsa';
  return [
    { type: CKA.CLASS, value: CKO_PRIVATE_KEY }, { type: CKA.KEY_TYPE, value: rsa ? CKK_RSA : CKK_EC },
    { type: CKA.TOKEN, value: true }, { type: CKA.PRIVATE, value: true }, { type: CKA.SENSITIVE, value: true }, { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.SIGN, value: true }, ...(rsa ? [{ type: CKA.DECRYPT, value: true }] : []),
    { type: CKA.ID, value: Buffer.from(id, 'hex') }, { type: CKA.LABEL, value: Buffer.from(label) },
  ];
}
