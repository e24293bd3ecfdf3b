import { HsmfleetError, type PinState, type Secret } from '@hsmfleet/contract';
import type { PinTries, SlotToken } from '@hsmfleet/station';
import { CKF } from '../cryptoki.ts';
import { tokenIdentity } from '../interpret.ts';
import type { PinLedger } from '../pin-ledger.ts';
import type { LoginAnswer, PinOwner } from './protocol.ts';
import { refuseWhileServing } from './refuse-while-serving.ts';
import { describeResult } from './station-failure.ts';

/** Answers to a login that mean "this is not the PIN"; the last two are about its form, but some modules ask the card first. */
const WRONG_PIN: ReadonlySet<string> = new Set(['CKR_PIN_INCORRECT', 'CKR_PIN_INVALID', 'CKR_PIN_LEN_RANGE']);

const NAMES = { user: 'PIN', so: 'SO PIN' } as const;
const STEPS: Readonly<Record<PinOwner, { countLow: number; finalTry: number; locked: number }>> = {
  user: { countLow: CKF.USER_PIN_COUNT_LOW, finalTry: CKF.USER_PIN_FINAL_TRY, locked: CKF.USER_PIN_LOCKED },
  so: { countLow: CKF.SO_PIN_COUNT_LOW, finalTry: CKF.SO_PIN_FINAL_TRY, locked: CKF.SO_PIN_LOCKED },
};

/** State of the SO PIN from a token's flags. A token that was never initialized has none, whatever SoftHSM's flags say of it. */
export function soPinStateOf(flags: number): PinState {
  if ((flags & CKF.TOKEN_INITIALIZED) === 0) return 'uninitialized';
  if ((flags & CKF.SO_PIN_LOCKED) !== 0) return 'locked';
  if ((flags & CKF.SO_PIN_FINAL_TRY) !== 0) return 'final_try';
  return (flags & CKF.SO_PIN_COUNT_LOW) !== 0 ? 'count_low' : 'ok';
}

/** What the flags say about tries; PKCS#11 knows no numbers. */
export function describeTries(state: PinState): PinTries {
  const text = {
    ok: 'no wrong PIN since the last right one: two tries or more are left',
    count_low: 'a wrong PIN was given since the last right one: two tries or more are left, how many the token does not say',
    final_try: 'one try is left: a wrong PIN locks it',
    locked: 'none is left: it is locked',
    uninitialized: 'it is not set yet',
    unknown: 'the token does not say',
  }[state];
  return { state, text };
}

/** One login, or the one check of the SO PIN in C_InitToken, guarded. */
export interface GuardedTry {
  library: string;
  token: SlotToken;
  owner: PinOwner;
  pin: Secret;
  allowLowPinCount: boolean;
  /** What is done with the PIN: "logging in". */
  what: string;
  /** Sends the PIN; the child reads the flags once more right before. */
  send(refuseFlags: number): Promise<LoginAnswer>;
}

/**
 * The PIN guard of a station. No web server of this machine may hold a card; the flags come first; a PIN that this token called wrong is not tried again; then one try, whose
 * outcome is remembered.
 * @throws HsmfleetError HOST_BUSY and PIN_REFUSED (nothing was tried), PIN_INCORRECT (one try was spent), TOKEN_REMOVED, PKCS11
 */
export async function tryPinOnce(ledger: PinLedger, attempt: GuardedTry): Promise<void> {
  const { library, token, owner, pin, allowLowPinCount } = attempt;
  await refuseWhileServing(library, 'hardware');
  const { countLow, finalTry, locked } = STEPS[owner];
  if (pin.reveal() === '') throw refuse(attempt, `the ${NAMES[owner]} is empty`, 'check where the PIN comes from');
  const identity = stationIdentity(token, owner);
  const mac = await ledger.macOf(identity, pin);
  const wrongSince = await ledger.wrongSince(mac);
  if (wrongSince !== undefined) {
    throw refuse(attempt, `this token called this ${NAMES[owner]} wrong at ${wrongSince}, and it is not tried again`,
      `give the right one; if the token was given this PIN elsewhere since, remove ${ledger.wrongFile}`);
  }
  const state = owner === 'so' ? token.soPinState : token.pinState;
  checkState(attempt, state);
  const answer = await attempt.send(state === 'uninitialized' ? 0 : locked | (allowLowPinCount ? 0 : countLow | finalTry));
  if (answer.kind === 'not_tried') {
    if (answer.reason === 'gone') throw describeResult({ library, token: describeToken(token), what: attempt.what }, 'C_GetTokenInfo', 'CKR_TOKEN_NOT_PRESENT');
    checkState({ ...attempt, allowLowPinCount: false }, stateFrom(owner, answer.flags));
    throw refuse(attempt, 'its flags forbid it', 'look at them with `hsmfleet token show`');
  }
  await judge(ledger, attempt, answer, { mac, identity });
}

async function judge(ledger: PinLedger, attempt: GuardedTry, answer: Extract<LoginAnswer, { kind: 'tried' }>, known: { mac: string; identity: string }): Promise<void> {
  const { library, token, owner, what } = attempt;
  const now = new Date().toISOString();
  if (answer.result === 'CKR_OK') {
    await ledger.addProven(known.mac, known.identity, now);
    return;
  }
  if (answer.result === 'CKR_PIN_LOCKED') throw refuseForState(attempt, 'locked');
  if (!WRONG_PIN.has(answer.result)) throw describeResult({ library, token: describeToken(token), what }, owner === 'so' && what !== 'logging in' ? 'C_InitToken' : 'C_Login', answer.result);
  // a disk that is full must not hide that the PIN was wrong
  await ledger.addWrong(known.mac, known.identity, now).catch(() => undefined);
  const after = answer.flagsAfter === null ? 'unknown' : stateFrom(owner, answer.flagsAfter);
  throw new HsmfleetError('PIN_INCORRECT', `the token ${describeToken(token)} answered that the ${NAMES[owner]} is wrong (${answer.result}): one try is spent`, {
    hint: `${describeTries(after).text}; this PIN is not tried on this token again`,
    details: { token: token.label, serial: token.serial, pinStateBefore: stateFrom(owner, answer.flagsBefore), pinStateAfter: after, result: answer.result },
  });
}

/** Remembers a PIN that was set: wrong ones of before mean nothing now. */
export async function rememberNewPin(ledger: PinLedger, token: SlotToken, owner: PinOwner, pin: Secret): Promise<void> {
  const identity = stationIdentity(token, owner);
  await ledger.addProven(await ledger.macOf(identity, pin), identity, new Date().toISOString());
}

/** Label and serial alone: at a station keys come and go, and a wrong PIN has to stay known. */
function stationIdentity({ label, serial }: SlotToken, owner: PinOwner): string {
  return tokenIdentity(label, serial, owner === 'so' ? ['so'] : []);
}

function stateFrom(owner: PinOwner, flags: number): PinState {
  const { countLow, finalTry, locked } = STEPS[owner];
  return (flags & locked) !== 0 ? 'locked' : (flags & finalTry) !== 0 ? 'final_try' : (flags & countLow) !== 0 ? 'count_low' : 'ok';
}

function checkState(attempt: GuardedTry, state: PinState): void {
  if (state === 'locked' || (state === 'uninitialized' && attempt.owner === 'user')) throw refuseForState(attempt, state);
  if ((state === 'count_low' || state === 'final_try') && !attempt.allowLowPinCount) throw refuseForState(attempt, state);
}

function refuseForState(attempt: GuardedTry, state: PinState): HsmfleetError {
  const name = NAMES[attempt.owner];
  switch (state) {
    case 'locked':
      return refuse(attempt, `its ${name} is locked`, attempt.owner === 'user' ? 'unblock it with the SO PIN: hsmfleet token pin unblock' : 'no PIN opens it any more; some tokens can be set back with a program of their maker');
    case 'uninitialized':
      return refuse(attempt, `its ${name} is not set`, 'prepare the token first: hsmfleet token init');
    case 'final_try':
      return refuse(attempt, `one more wrong ${name} locks it`, 'when you are certain of the PIN, add --allow-low-pin-count: a right login resets the counter');
    default:
      return refuse(attempt, `a wrong ${name} was given since the last right one, and how many tries are left the token does not say`,
        'when you are certain of the PIN, add --allow-low-pin-count: a right login resets the counter');
  }
}

function refuse({ library, token }: GuardedTry, reason: string, hint: string): HsmfleetError {
  return new HsmfleetError('PIN_REFUSED', `no PIN was tried on the token ${describeToken(token)}: ${reason}`, { hint, details: { token: token.label, module: library } });
}

/** Label and serial, for messages. */
export function describeToken({ label, serial, slotId }: SlotToken): string {
  const name = label === '' ? `in slot ${slotId}` : label;
  return serial === '' ? name : `${name} (serial ${serial})`;
}
