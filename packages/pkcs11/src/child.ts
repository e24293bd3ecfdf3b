import { readFileSync } from 'node:fs';
import { CKF_SERIAL_SESSION, CKU_USER } from './cryptoki.ts';
import { listSlots, observeModule, openModule, readTokenInfo, type Announce } from './child-observe.ts';
import { answerOf, loadPkcs11, resultOf, type Cryptoki } from './native.ts';
import type { ChildAnswer, ChildLine, ChildRequest, LoginRequest } from './protocol.ts';
import { writeAnswer } from './write-answer.ts';

/**
 * The child program: reads one request, does it, answers, and kills itself.
 *
 * It never logs out, closes a session or finalizes, and it does not end in the ordinary way either, because libraries
 * finalize in their destructors: each of these was seen to take the login or the power from the token of a web server
 * that was serving (field notes 0b). SIGKILL is the one end that no library notices.
 * @param addonPath see {@link loadPkcs11}
 */
export function runPkcs11Child(addonPath?: string): void {
  let call = 'starting';
  const announce: Announce = (next) => {
    call = next;
    writeAnswer<ChildLine>({ call });
  };
  try {
    const request = JSON.parse(readFileSync(0, 'utf8')) as ChildRequest;
    writeAnswer<ChildLine>({ answer: answer(request, addonPath, announce) });
  } catch (thrown) {
    const result = resultOf(thrown);
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // when even this cannot be written the parent is gone, and nobody is left to be told
    try { writeAnswer<ChildLine>({ answer: { kind: 'failed', call, message, ...(result === undefined ? {} : { result }) } }); } catch { /* see above */ }
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}

function answer(request: ChildRequest, addonPath: string | undefined, announce: Announce): ChildAnswer {
  announce('loading the add-on');
  const cryptoki = loadPkcs11(addonPath);
  return request.op === 'observe'
    ? { kind: 'observed', module: observeModule(cryptoki, request.library, announce) }
    : login(cryptoki, request, announce);
}

/** Exactly one C_Login, and only while the flags, read right before it, allow it. */
function login(cryptoki: Cryptoki, request: LoginRequest, announce: Announce): ChildAnswer {
  openModule(cryptoki, request.library, announce);
  const found = listSlots(cryptoki, announce).find(({ slotId }) => slotId === request.slotId);
  const before = found === undefined ? undefined : readTokenInfo(cryptoki, found.slot, found.slotId, announce);
  if (found === undefined || before === undefined || before.label !== request.label || before.serial !== request.serial) {
    return { kind: 'not_tried', reason: 'gone', flags: 0 };
  }
  if ((before.flags & request.refuseFlags) !== 0) return { kind: 'not_tried', reason: 'flags', flags: before.flags };
  announce('C_OpenSession');
  const session = cryptoki.C_OpenSession(found.slot, CKF_SERIAL_SESSION);
  announce('C_Login');
  const result = answerOf(() => { cryptoki.C_Login(session, CKU_USER, request.pin); });
  let flagsAfter: number | null = null;
  // told before anything else is asked of the token: a call that hangs from here on must not make a login look untried
  writeAnswer<ChildLine>({ answer: { kind: 'login', result, flagsBefore: before.flags, flagsAfter } });
  try {
    flagsAfter = readTokenInfo(cryptoki, found.slot, found.slotId, announce)?.flags ?? null;
  } catch {
    // the answer to the login is what counts; a token that cannot say its state afterwards changes nothing about it
  }
  return { kind: 'login', result, flagsBefore: before.flags, flagsAfter };
}
