import { HsmfleetError } from '@hsmfleet/contract';
import { describeFailure } from '../failure.ts';
import type { StationOutcome } from './station-channel.ts';

/** Answers that say that the token is not there any more. */
const GONE: ReadonlySet<string> = new Set([
  'CKR_DEVICE_REMOVED', 'CKR_TOKEN_NOT_PRESENT', 'CKR_SESSION_HANDLE_INVALID', 'CKR_SESSION_CLOSED', 'CKR_TOKEN_NOT_RECOGNIZED', 'CKR_SLOT_ID_INVALID',
]);

/** What to do about answers that people meet at a station. */
const HINTS: Readonly<Record<string, string>> = {
  CKR_USER_NOT_LOGGED_IN: 'this needs a login; a key with CKA_ALWAYS_AUTHENTICATE, which wants one for each signature, cannot be used here',
  CKR_FUNCTION_NOT_SUPPORTED: 'the module does not write: prepare tokens with a writable one (OpenSC, or the sc-hsm module newer than 2.9)',
  CKR_TOKEN_WRITE_PROTECTED: 'the module or the token does not write: prepare tokens with a writable module (OpenSC, or the sc-hsm module newer than 2.9)',
  CKR_SESSION_READ_ONLY: 'the module or the token does not write: prepare tokens with a writable module (OpenSC, or the sc-hsm module newer than 2.9)',
  CKR_ACTION_PROHIBITED: 'the token forbids this',
  CKR_MECHANISM_INVALID: 'the token cannot do this: `hsmfleet token show` lists what it can',
  CKR_CURVE_NOT_SUPPORTED: 'the token does not have this curve; try EC:prime256v1 or EC:secp384r1',
  CKR_DOMAIN_PARAMS_INVALID: 'the token does not have this curve; try EC:prime256v1 or EC:secp384r1',
  CKR_KEY_SIZE_RANGE: 'the token has no keys of this size: `hsmfleet token show` lists what it can',
  CKR_ATTRIBUTE_VALUE_INVALID: 'the token does not take this ID, label or size',
  CKR_TEMPLATE_INCONSISTENT: 'the token does not take this ID, label or size',
  CKR_DEVICE_MEMORY: 'the token is full: delete what is not needed with `hsmfleet token delete`',
  CKR_SESSION_EXISTS: 'another program has a session on the token: end it first',
  CKR_USER_ALREADY_LOGGED_IN: 'another program is logged in to the token: end it first',
  CKR_USER_ANOTHER_ALREADY_LOGGED_IN: 'another program is logged in to the token: end it first',
  CKR_USER_PIN_NOT_INITIALIZED: 'prepare the token first: hsmfleet token init',
  CKR_PIN_LEN_RANGE: 'the token wants a longer or shorter PIN: `hsmfleet token show` says how long',
  CKR_PIN_INVALID: 'the token does not take these characters in a PIN',
  CKR_PIN_EXPIRED: 'the PIN has to be changed: hsmfleet token pin change',
};

/** Is the token gone, going by this answer? */
export function isGone(result: string | undefined): boolean {
  return result !== undefined && GONE.has(result);
}

/** What was being done when it failed, for messages. */
export interface Doing {
  library: string;
  /** The token's name; undefined before one is chosen. */
  token?: string | undefined;
  /** "making key 03" */
  what: string;
  /** A PIN was under way: the library's standard error might hold it. */
  withPin?: boolean;
}

/** Words for a request that got no answer. */
export function describeStationFailure(doing: Doing, outcome: Exclude<StationOutcome<unknown>, { kind: 'answer' }>): HsmfleetError {
  if (outcome.kind === 'failed' && outcome.result !== undefined) return describeResult(doing, outcome.call, outcome.result);
  return describeFailure(doing.library, outcome, doing.withPin !== true);
}

/** Words for a CKR_ value. */
export function describeResult({ library, token, what }: Doing, call: string, result: string): HsmfleetError {
  const details = { module: library, call, result, ...(token === undefined ? {} : { token }) };
  if (token !== undefined && isGone(result)) {
    return new HsmfleetError('TOKEN_REMOVED', `the token ${token} went away while ${what} (${call} answered ${result})`, {
      hint: 'plug it in, look at what is on it with `hsmfleet token objects`, and start again',
      details,
    });
  }
  const hint = HINTS[result];
  if (hint === undefined) return describeFailure(library, { kind: 'failed', call, result, message: result }, true);
  return new HsmfleetError('PKCS11', `${what}${token === undefined ? '' : ` on the token ${token}`} failed: ${call} answered ${result}`, { hint, details });
}
