import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { ExecuteContext, PinGate, ProvePin } from '@hsmfleet/resource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPkcs11Port, type Pkcs11Port } from './index.ts';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from './testkit.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`token tests are skipped: ${reason}\n`);

/** The control host's side, as the runner implements it for one host: it only remembers. */
function recordingGate(answer: { go: true } | { go: false; reason: string } = { go: true }) {
  const asked: string[] = [];
  const reported: string[] = [];
  const gate: PinGate = {
    ask(_pin, token) {
      asked.push(token);
      return Promise.resolve(answer.go ? { go: true, report: (outcome) => reported.push(outcome) } : answer);
    },
  };
  return { gate, asked, reported };
}

const contextWith = (pins: PinGate): ExecuteContext => ({ pins, learn: () => undefined, progress: () => undefined, measured: () => undefined });

async function failureOf(promise: Promise<unknown>): Promise<HsmfleetError> {
  const thrown: unknown = await promise.then(() => undefined, (error: unknown) => error);
  if (!(thrown instanceof HsmfleetError)) throw new Error(`expected an HsmfleetError, got ${String(thrown)}`);
  return thrown;
}

describe.skipIf(reason !== undefined)('the PIN guard', () => {
  let token: SoftToken;
  beforeAll(() => {
    token = makeSoftToken('Guarded Token');
    token.addKey('p256', '01', 'web');
  });
  afterAll(() => token.remove());

  let states = 0;
  const begin = (): { port: Pkcs11Port; stateDir: string; spy: ReturnType<SoftToken['spied']>; step: (pin: string) => ProvePin } => {
    const stateDir = join(token.folder, `state-${(states += 1)}`);
    const spy = token.spied();
    const step = (pin: string): ProvePin => ({ kind: 'prove_pin', module: spy.target, tokenLabel: token.label, pin: new Secret(pin) });
    return { port: createPkcs11Port({ childArgv: childArgvForTests(), stateDir }), stateDir, spy, step };
  };
  const logins = (spy: ReturnType<SoftToken['spied']>): number => spy.calls().filter((call) => call === 'C_Login').length;

  test('a right PIN costs one login, once and for all', async () => {
    const { port, stateDir, spy, step } = begin();
    const { gate, asked, reported } = recordingGate();
    await port.provePin(step(token.pin), contextWith(gate));
    await port.provePin(step(token.pin), contextWith(gate));
    expect(logins(spy)).toBe(1);
    expect(asked).toEqual([expect.stringMatching(/^Guarded Token \(serial [0-9a-f]+\)$/)]);
    expect(reported).toEqual(['correct']);

    const identity = (await port.observe(spy.target)).tokens.find(({ label }) => label === token.label)?.identity ?? '';
    const nextRun = createPkcs11Port({ childArgv: childArgvForTests(), stateDir });
    expect(await nextRun.isPinProven(identity, new Secret(token.pin))).toBe(true);
    expect(await nextRun.isPinProven(identity, new Secret('999999'))).toBe(false);
    expect(await nextRun.isPinProven('another token', new Secret(token.pin))).toBe(false);
    expect(await Promise.all([token.pin, '999999'].map((pin) => nextRun.standingOf(identity, new Secret(pin))))).toEqual(['proven', 'unproven']);
    const untouched = mkdtempSync(join(tmpdir(), 'hsmfleet-ledger-'));
    expect(await createPkcs11Port({ childArgv: childArgvForTests(), stateDir: untouched }).standingOf(identity, new Secret(token.pin))).toBe('unproven');
    expect(readdirSync(untouched)).toEqual([]);
    rmSync(untouched, { recursive: true });
    await nextRun.provePin(step(token.pin), contextWith(gate));
    expect(logins(spy)).toBe(1);

    for (const name of ['pins.json', 'pins.key']) expect(statSync(join(stateDir, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(stateDir, 'pins.json'), 'utf8')).not.toContain(token.pin);
    for (const forbidden of ['C_Logout', 'C_CloseSession', 'C_Finalize']) expect(spy.calls()).not.toContain(forbidden);
  });

  test('a wrong PIN costs exactly one login, and is never tried again in this run', async () => {
    const { port, stateDir, spy, step } = begin();
    const { gate, asked, reported } = recordingGate();
    const wrong = await failureOf(port.provePin(step('000111'), contextWith(gate)));
    expect(wrong).toMatchObject({ code: 'PIN_INCORRECT', details: { result: 'CKR_PIN_INCORRECT', pinStateBefore: 'ok' } });
    expect(JSON.stringify([wrong.toShape(), wrong.message, wrong.stack])).not.toContain('000111');
    expect(reported).toEqual(['incorrect']);
    const again = await failureOf(port.provePin(step('000111'), contextWith(gate)));
    expect(again).toMatchObject({ code: 'PIN_REFUSED' });
    expect(again.message).toContain('was wrong on this token earlier in this run');
    expect(logins(spy)).toBe(1);
    expect(asked).toHaveLength(1);
    expect(existsSync(join(stateDir, 'pins.json'))).toBe(false);

    // SoftHSM tells after one wrong login that the counter is low: now even the right PIN waits for a person
    expect(wrong.details?.['pinStateAfter']).toBe('count_low');
    const low = await failureOf(port.provePin(step(token.pin), contextWith(gate)));
    expect(low).toMatchObject({ code: 'PIN_REFUSED', message: 'no login on the token Guarded Token: wrong PINs were tried on it before' });
    expect(logins(spy)).toBe(1);
    await port.provePin({ ...step(token.pin), allowLowCount: true }, contextWith(gate));
    expect(logins(spy)).toBe(2);
    expect(reported).toEqual(['incorrect', 'correct']);
    expect((await port.observe(token.target)).tokens.find(({ label }) => label === token.label)?.pinState).toBe('ok');
  });

  test('a wrong PIN is not tried again by later runs, until a right login or a person forgets it', async () => {
    const { port, stateDir, spy, step } = begin();
    expect((await failureOf(port.provePin(step('000333'), contextWith(recordingGate().gate)))).code).toBe('PIN_INCORRECT');
    const wrongFile = join(stateDir, 'pins-wrong.json');
    expect(statSync(wrongFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(wrongFile, 'utf8')).not.toContain('000333');
    const nextRun = (): Pkcs11Port => createPkcs11Port({ childArgv: childArgvForTests(), stateDir });

    const told = recordingGate();
    const refused = await failureOf(nextRun().provePin({ ...step('000333'), allowLowCount: true }, contextWith(told.gate)));
    expect(refused).toMatchObject({ code: 'PIN_REFUSED', hint: expect.stringContaining(wrongFile) as string });
    expect(refused.message).toMatch(/called this PIN wrong at \d{4}-/);
    // the other hosts of the run are spared the try
    expect(told.reported).toEqual(['incorrect']);
    expect(logins(spy)).toBe(1);

    await nextRun().provePin({ ...step(token.pin), allowLowCount: true }, contextWith(recordingGate().gate));
    expect(JSON.parse(readFileSync(wrongFile, 'utf8'))).toEqual({ version: 1, wrong: [] });
    expect(logins(spy)).toBe(2);
  });

  test('a PIN that was changed on the token is noticed by a fresh proof, and is proven no more', async () => {
    const { port, stateDir, spy, step } = begin();
    await port.provePin(step(token.pin), contextWith(recordingGate().gate));
    const nextRun = createPkcs11Port({ childArgv: childArgvForTests(), stateDir });
    token.changePin(token.pin, '135790');
    try {
      // believed, as the flags say nothing
      await nextRun.provePin(step(token.pin), contextWith(recordingGate().gate));
      expect(logins(spy)).toBe(1);
      const wrong = await failureOf(nextRun.provePin({ ...step(token.pin), fresh: true }, contextWith(recordingGate().gate)));
      expect(wrong.code).toBe('PIN_INCORRECT');
      expect(logins(spy)).toBe(2);
      const identity = (await port.observe(spy.target)).tokens.find(({ label }) => label === token.label)?.identity ?? '';
      expect(await nextRun.isPinProven(identity, new Secret(token.pin))).toBe(false);
      expect(await nextRun.standingOf(identity, new Secret(token.pin))).toBe('failed');
    } finally {
      token.changePin('135790', token.pin);
    }
    await nextRun.provePin({ ...step(token.pin), fresh: true }, contextWith(recordingGate().gate)).catch(() => undefined);
  });

  test('no permit, no login', async () => {
    const { port, spy, step } = begin();
    const { gate } = recordingGate({ go: false, reason: 'this PIN was wrong on host t1' });
    const refused = await failureOf(port.provePin(step(token.pin), contextWith(gate)));
    expect(refused).toMatchObject({ code: 'PIN_REFUSED', message: 'no login on the token Guarded Token: this PIN was wrong on host t1' });
    expect(logins(spy)).toBe(0);
  });

  test('an empty PIN, an unknown token and a serial that differs are refused before any login', async () => {
    const { port, spy, step } = begin();
    const { gate, asked } = recordingGate();
    expect((await failureOf(port.provePin(step(''), contextWith(gate)))).code).toBe('PIN_REFUSED');
    const unknown = await failureOf(port.provePin({ ...step(token.pin), tokenLabel: 'Nobody' }, contextWith(gate)));
    expect(unknown).toMatchObject({ code: 'TOKEN_NOT_FOUND', hint: 'present: Guarded Token' });
    expect((await failureOf(port.provePin({ ...step(token.pin), tokenSerial: 'ff' }, contextWith(gate)))).code).toBe('TOKEN_NOT_FOUND');
    expect(logins(spy) + asked.length).toBe(0);
  });

  test('a token that hangs is a deadline error, and the permit is given back', async () => {
    const served = await token.serveReadOnly();
    const { port, step } = begin();
    const { gate, asked, reported } = recordingGate();
    process.kill(served.pid, 'SIGSTOP');
    const hung = await failureOf(port.provePin({ ...step(token.pin), module: { ...served.target, timeoutMs: 600 } }, contextWith(gate)));
    expect(hung.code).toBe('TIMEOUT');
    expect([asked, reported]).toEqual([[], []]);
  });

  test('a login without an answer is never repeated in this run', async () => {
    const hanging = token.distorted('hanging-login', 'static CK_RV hang() { for (;;) pause(); }', { C_Login: '(CK_C_Login)hang' });
    const { port, step } = begin();
    const { gate, asked, reported } = recordingGate();
    const module = { ...hanging, timeoutMs: 2500 };
    const hung = await failureOf(port.provePin({ ...step(token.pin), module }, contextWith(gate)));
    expect(hung).toMatchObject({ code: 'TIMEOUT', details: { call: 'C_Login' } });
    expect(reported).toEqual(['not_tried']);
    const again = await failureOf(port.provePin(step(token.pin), contextWith(gate)));
    expect(again).toMatchObject({ code: 'PIN_REFUSED' });
    expect(again.message).toContain('was tried without an answer');
    expect(asked).toHaveLength(1);
  });

  test('a token that hangs after a login does not hide what the login showed', async () => {
    const module = { ...token.distorted('hangs-after', `
      static int tried;
      static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) { tried = 1; return real->C_Login(session, user, pin, length); }
      static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR out) { while (tried) pause(); return real->C_GetTokenInfo(slot, out); }`, { C_Login: 'login', C_GetTokenInfo: 'info' }), timeoutMs: 2500 };
    const { port, step } = begin();
    const { gate, asked, reported } = recordingGate();
    const wrong = await failureOf(port.provePin({ ...step('000222'), module }, contextWith(gate)));
    expect(wrong.code).toBe('PIN_INCORRECT');
    expect(reported).toEqual(['incorrect']);
    expect((await failureOf(port.provePin(step('000222'), contextWith(gate)))).code).toBe('PIN_REFUSED');
    expect(asked).toHaveLength(1);
    await port.provePin({ ...step(token.pin), allowLowCount: true }, contextWith(recordingGate().gate));
  });

  test.each([
    ['locked', 'CKF_USER_PIN_LOCKED', 'its PIN is locked'],
    ['final try', 'CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW', 'one more wrong PIN locks it'],
  ])('%s: refused without a login', async (name, flags, message) => {
    const module = token.distorted(`flags-${name.replace(' ', '-')}`, `
      static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR out) { CK_RV rv = real->C_GetTokenInfo(slot, out); out->flags |= ${flags}; return rv; }
      static CK_RV login() { return CKR_GENERAL_ERROR; }`, { C_GetTokenInfo: 'info', C_Login: '(CK_C_Login)login' });
    const { port, step } = begin();
    const { gate, asked } = recordingGate();
    const refused = await failureOf(port.provePin({ ...step(token.pin), module }, contextWith(gate)));
    expect(refused).toMatchObject({ code: 'PIN_REFUSED', message: `no login on the token Guarded Token: ${message}` });
    expect(asked).toEqual([]);
    // a locked token is refused whatever is allowed; the other goes on to the (here useless) login
    const allowed = await failureOf(port.provePin({ ...step(token.pin), module, allowLowCount: true }, contextWith(gate)));
    expect(allowed.code).toBe(name === 'locked' ? 'PIN_REFUSED' : 'PKCS11');
  });

  test('flags that turn bad between the look and the login stop the login', async () => {
    const module = token.distorted('turning', `
      #include <stdio.h>
      static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR out) {
        CK_RV rv = real->C_GetTokenInfo(slot, out);
        if (access("${token.folder}/seen", F_OK) == 0) out->flags |= CKF_USER_PIN_COUNT_LOW;
        return rv;
      }`, { C_GetTokenInfo: 'info' });
    const { port, step } = begin();
    const reported: string[] = [];
    const gate: PinGate = {
      ask: () => {
        writeFileSync(join(token.folder, 'seen'), '');
        return Promise.resolve({ go: true, report: (outcome) => reported.push(outcome) });
      },
    };
    const refused = await failureOf(port.provePin({ ...step(token.pin), module }, contextWith(gate)));
    expect(refused).toMatchObject({ code: 'PIN_REFUSED', message: 'no login on the token Guarded Token: wrong PINs were tried on it before' });
    expect(reported).toEqual(['not_tried']);
  });
});
