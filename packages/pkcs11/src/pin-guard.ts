import { HsmfleetError, type ModuleRow, type TokenRow } from '@hsmfleet/contract';
import type { ExecuteContext, ProvePin } from '@hsmfleet/resource';
import { runInChild } from './child-process.ts';
import { CKF } from './cryptoki.ts';
import { describeFailure } from './failure.ts';
import type { PinLedger } from './pin-ledger.ts';
import type { ChildAnswer } from './protocol.ts';
import { pinStateOf } from './token-state.ts';

/** Answers that mean "this is not the PIN"; the last two are about its form, but some modules ask the card first. */
const WRONG_PIN: ReadonlySet<string> = new Set(['CKR_PIN_INCORRECT', 'CKR_PIN_INVALID', 'CKR_PIN_LEN_RANGE']);

export interface PinGuardOptions {
  childArgv: readonly string[];
  ledger: PinLedger;
  /** Reads the module afresh, never from a cache. */
  observe(step: ProvePin): Promise<ModuleRow>;
}

/**
 * The PIN guard of one host (see the package's README for its rules).
 * @returns a function that proves one PIN, or throws: PIN_REFUSED (nothing was tried), PIN_INCORRECT (one try was
 *   spent), TOKEN_NOT_FOUND, PKCS11, TIMEOUT
 */
export function createPinGuard(options: PinGuardOptions): (step: ProvePin, context: ExecuteContext) => Promise<void> {
  /** Keyed hashes of PINs that failed, or whose try had no answer, in this run. */
  const spent = new Map<string, string>();
  /** Those that a login has proven in this run. */
  const fresh = new Set<string>();

  return async (step, context) => {
    if (step.pin.reveal() === '') {
      // an empty PIN is a status query to some cards: it can even "succeed" when another process is logged in
      throw refuse(step, 'the PIN is empty', 'check where the PIN comes from');
    }
    const token = findToken(step, await options.observe(step));
    const mac = await options.ledger.macOf(token.identity, step.pin);
    const before = spent.get(mac);
    if (before !== undefined) {
      throw refuse(step, `this PIN ${before} on this token earlier in this run, and is not tried again`, 'correct the PIN and start a new run');
    }
    const wrongSince = await options.ledger.wrongSince(mac);
    if (wrongSince === undefined) {
      checkFlags(step, token);
      // with a low counter the ledger is not believed: the PIN may have been changed, and a right login resets the counter
      const low = token.pinState === 'count_low' || token.pinState === 'final_try';
      if (!low && (fresh.has(mac) || (step.fresh !== true && (await options.ledger.has(mac))))) return;
    }

    const permit = await context.pins.ask(step.pin, describeToken(token));
    if (!permit.go) throw refuse(step, permit.reason, 'correct the PIN and start a new run');
    let outcome: 'correct' | 'incorrect' | 'not_tried' = 'not_tried';
    try {
      if (wrongSince !== undefined) {
        // told, not tried: the other hosts are spared the try as they were in the run that found out
        outcome = 'incorrect';
        throw refuse(step, `this token called this PIN wrong at ${wrongSince}, and it is not tried again`,
          `correct the PIN; if the token was given this PIN since, remove ${options.ledger.wrongFile} on the host`);
      }
      // from here on a crash of this program or of the child leaves the PIN marked
      spent.set(mac, 'was tried without an answer');
      const result = await tryOnce(options, step, token, () => spent.delete(mac));
      if (WRONG_PIN.has(result.result)) {
        outcome = 'incorrect';
        spent.set(mac, 'was wrong');
        fresh.delete(mac);
        // a disk that is full must not hide that the PIN was wrong
        await options.ledger.addWrong(mac, token.identity, new Date().toISOString()).catch(() => undefined);
      }
      checkResult(step, token, result);
      outcome = 'correct';
      fresh.add(mac);
      spent.delete(mac);
      await options.ledger.addProven(mac, token.identity, new Date().toISOString());
    } finally {
      permit.report(outcome);
    }
  };
}

type LoginAnswer = Extract<ChildAnswer, { kind: 'login' }>;

/** One C_Login in a child. `notTried` is called when it is certain that the token never saw the PIN. */
async function tryOnce(options: PinGuardOptions, step: ProvePin, token: TokenRow, notTried: () => void): Promise<LoginAnswer> {
  const refuseFlags = CKF.USER_PIN_LOCKED | (step.allowLowCount === true ? 0 : CKF.USER_PIN_COUNT_LOW | CKF.USER_PIN_FINAL_TRY);
  const { slotId, label, serial } = token;
  const request = { op: 'login', library: step.module.path, slotId, label, serial, pin: step.pin.reveal(), refuseFlags } as const;
  const outcome = await runInChild(options.childArgv, request, step.module);
  if (outcome.kind === 'answer' && outcome.answer.kind === 'login') return outcome.answer;
  if (outcome.kind === 'answer') {
    const { answer } = outcome;
    notTried();
    if (answer.kind === 'not_tried' && answer.reason === 'flags') {
      throw refuseForState(step, pinStateOf(answer.flags));
    }
    if (answer.kind === 'failed') throw describeFailure(step.module.path, answer, false);
    throw new HsmfleetError('TOKEN_NOT_FOUND', `the token ${step.tokenLabel} left its slot before the login`, { hint: 'is it plugged in firmly?' });
  }
  if (outcome.call !== 'C_Login') notTried();
  throw describeFailure(step.module.path, outcome, false);
}

function checkResult(step: ProvePin, token: TokenRow, { result, flagsAfter }: LoginAnswer): void {
  if (result === 'CKR_OK') return;
  const after = flagsAfter === null ? 'unknown' : pinStateOf(flagsAfter);
  const details = { token: token.label, serial: token.serial, pinStateBefore: token.pinState, pinStateAfter: after, result };
  if (WRONG_PIN.has(result)) {
    throw new HsmfleetError('PIN_INCORRECT', `the token ${describeToken(token)} answered that the PIN is wrong (${result}): one try is spent, the state of its PIN is now ${after}`, {
      hint: 'correct the PIN; nothing in this run tries it again. A login with the right PIN resets the counter',
      details,
    });
  }
  if (result === 'CKR_PIN_LOCKED') throw refuseForState(step, 'locked');
  throw new HsmfleetError('PKCS11', `C_Login on the token ${describeToken(token)} answered ${result}`, { details });
}

function findToken(step: ProvePin, module: ModuleRow): TokenRow {
  const found = module.tokens.filter(({ label, serial }) => label === step.tokenLabel && (step.tokenSerial === undefined || serial === step.tokenSerial));
  const [token] = found;
  if (token !== undefined && found.length === 1) return token;
  if (token !== undefined) {
    throw new HsmfleetError('TOKEN_NOT_FOUND', `${found.length} tokens of ${step.module.path} have the label ${step.tokenLabel}: no PIN is tried on a guess`, {
      hint: `name the serial number (${found.map(({ serial }) => serial || 'none').join(', ')}), or leave one reader to the module with PKCS11_READER_FILTER`,
    });
  }
  if (module.error !== null) throw asError(module);
  const present = module.tokens.map(({ label }) => label).filter((label) => label !== '');
  throw new HsmfleetError('TOKEN_NOT_FOUND', `no token with the label ${step.tokenLabel} is present in ${step.module.path}`, {
    hint: present.length === 0 ? 'no token is present: is it plugged in, and does pcscd run?' : `present: ${present.join(', ')}`,
  });
}

function asError({ path, error }: ModuleRow): HsmfleetError {
  const code = error?.code === 'TIMEOUT' ? 'TIMEOUT' : 'PKCS11';
  return new HsmfleetError(code, error?.message ?? `the module ${path} failed`, { hint: error?.hint });
}

/** The flags decide before anything else: even a PIN that was proven once may have been changed on the token since. */
function checkFlags(step: ProvePin, { pinState }: TokenRow): void {
  if (pinState === 'locked' || pinState === 'uninitialized') throw refuseForState(step, pinState);
  if ((pinState === 'count_low' || pinState === 'final_try') && step.allowLowCount !== true) throw refuseForState(step, pinState);
}

function refuseForState(step: ProvePin, state: TokenRow['pinState']): HsmfleetError {
  switch (state) {
    case 'locked':
      return refuse(step, 'its PIN is locked', 'unblock it with the SO PIN at the station');
    case 'uninitialized':
      return refuse(step, 'its PIN is not initialized', 'prepare the token at the station first');
    case 'final_try':
      return refuse(step, 'one more wrong PIN locks it', 'log in once by hand with the right PIN, which resets the counter, or allow it for this token with allow_low_count: true');
    default:
      return refuse(step, 'wrong PINs were tried on it before', 'log in once by hand with the right PIN, which resets the counter, or allow it for this token with allow_low_count: true');
  }
}

function refuse(step: ProvePin, reason: string, hint: string): HsmfleetError {
  return new HsmfleetError('PIN_REFUSED', `no login on the token ${step.tokenLabel}: ${reason}`, { hint, details: { token: step.tokenLabel, module: step.module.path } });
}

function describeToken({ label, serial }: TokenRow): string {
  return serial === '' ? label : `${label} (serial ${serial})`;
}
