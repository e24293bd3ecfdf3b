import type { Template } from 'pkcs11js';
import { CKA, CKF, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKK_EC, CKK_RSA, CKM_EC_KEY_PAIR_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN } from './cryptoki.ts';
import { answerOf, type Cryptoki, type Handle } from './native.ts';
import type { RawEvidence } from './protocol.ts';

/** Answers that say "this module makes no keys". */
export const NO_KEY_GENERATION: ReadonlySet<string> = new Set(['CKR_FUNCTION_NOT_SUPPORTED', 'CKR_MECHANISM_INVALID']);

/**
 * Asks a token no more than the verdict needs (field notes 0a, 0b): where the flag WRITE_PROTECTED is set, whether keys
 * can be generated, and only if that is open, or the flag is not set, whether a read/write session is refused. So a
 * module of the read-only kind that a web server uses sees nothing but what is known not to disturb it.
 * @param session a read-only session
 */
export function probeWriting(cryptoki: Cryptoki, slot: Handle, session: Handle, flags: number): RawEvidence {
  let generateKeyPair: string | null = null;
  if ((flags & CKF.WRITE_PROTECTED) !== 0) {
    generateKeyPair = probeKeyGeneration(cryptoki, session);
    if (NO_KEY_GENERATION.has(generateKeyPair)) return { openReadWriteSession: null, generateKeyPair };
  }
  // opening is all: nothing is written, and the session ends with this process
  const openReadWriteSession = answerOf(() => cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION));
  return { openReadWriteSession, generateKeyPair };
}

/**
 * Asks for a key pair in a way that no module can grant, and answers what it said.
 *
 * What carries the weight is what is *missing*: without CKA_MODULUS_BITS (or CKA_EC_PARAMS) there is no key to make,
 * and sc-hsm-embedded 2.10 to 2.12 and SoftHSM were seen to check that before anything reaches the token. That matters,
 * because sc-hsm-embedded looks neither at CKA_TOKEN nor at the kind of session: with a size in the template it would
 * make a key on the card. CKA_TOKEN = false, the read-only session and a key type that contradicts the mechanism are
 * further bars for modules that default the size.
 */
export function probeKeyGeneration(cryptoki: Cryptoki, session: Handle): string {
  const ask = (mechanism: number, contradiction: number): string => {
    const template = (): Template => [{ type: CKA.TOKEN, value: false }, { type: CKA.KEY_TYPE, value: contradiction }];
    return answerOf(() => cryptoki.C_GenerateKeyPair(session, { mechanism }, template(), template()));
  };
  const rsa = ask(CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_EC);
  // no RSA does not mean no keys: a module may be for elliptic curves only
  return rsa === 'CKR_MECHANISM_INVALID' ? ask(CKM_EC_KEY_PAIR_GEN, CKK_RSA) : rsa;
}
