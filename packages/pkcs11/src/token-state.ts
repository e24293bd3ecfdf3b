import type { PinState, ReadOnlyProof } from '@hsmfleet/contract';
import { CKF } from './cryptoki.ts';
import type { RawEvidence } from './protocol.ts';
import { NO_KEY_GENERATION } from './write-probe.ts';

/** State of the user PIN from a token's flags (field notes 3.3). */
export function pinStateOf(flags: number): PinState {
  if ((flags & CKF.USER_PIN_LOCKED) !== 0) return 'locked';
  if ((flags & CKF.USER_PIN_FINAL_TRY) !== 0) return 'final_try';
  if ((flags & CKF.USER_PIN_COUNT_LOW) !== 0) return 'count_low';
  if ((flags & CKF.USER_PIN_INITIALIZED) !== 0) return 'ok';
  return (flags & CKF.LOGIN_REQUIRED) !== 0 ? 'uninitialized' : 'unknown';
}

/** What one token showed about being writable. */
export interface WriteEvidence {
  token: string;
  flags: number;
  evidence: RawEvidence;
}

/**
 * The verdict over a module from the answers of its initialized tokens (field notes 0a): one writable token makes the
 * module writable, and without a token nothing is proven.
 */
export function judgeReadOnly(tokens: readonly WriteEvidence[], at: string): ReadOnlyProof {
  const proofs = tokens.map((token) => judgeToken(token, at));
  return (
    proofs.find((proof) => proof.verdict === 'writable') ??
    proofs.find((proof) => proof.verdict === 'unproven') ??
    proofs[0] ?? {
      verdict: 'unproven', reason: 'no initialized token was there to ask', token: null,
      flagWriteProtected: null, openReadWriteSession: null, generateKeyPair: null, at,
    }
  );
}

function judgeToken({ token, flags, evidence }: WriteEvidence, at: string): ReadOnlyProof {
  const { openReadWriteSession, generateKeyPair } = evidence;
  const flagged = (flags & CKF.WRITE_PROTECTED) !== 0;
  const proof = (verdict: ReadOnlyProof['verdict'], reason: string): ReadOnlyProof => ({
    verdict, reason, token, flagWriteProtected: flagged, openReadWriteSession, generateKeyPair: generateKeyPair ?? 'not tried', at,
  });
  if (openReadWriteSession === null && generateKeyPair === null) {
    return proof('unproven', 'the token failed before it could be asked whether it can be written');
  }
  if (openReadWriteSession === 'CKR_TOKEN_WRITE_PROTECTED') {
    return proof('read_only', 'a read/write session was refused with CKR_TOKEN_WRITE_PROTECTED');
  }
  if (flagged && generateKeyPair !== null && NO_KEY_GENERATION.has(generateKeyPair)) {
    return proof('read_only', `the token is flagged write-protected and key generation answers ${generateKeyPair}`);
  }
  const flag = flagged ? 'the token is flagged write-protected, but' : 'the token is not flagged write-protected and';
  const session = openReadWriteSession === 'CKR_OK' ? 'read/write sessions can be opened' : `a read/write session is answered with ${openReadWriteSession}`;
  return proof('writable', generateKeyPair === null ? `${flag} ${session}` : `${flag} ${session} and key generation answers ${generateKeyPair}`);
}
