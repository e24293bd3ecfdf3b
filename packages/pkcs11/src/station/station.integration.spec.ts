import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createPublicKey, verify } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import { CURVES, parseKeyType, type Station, type TokenSession } from '@hsmfleet/station';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeSoftToken, stationChildArgvForTests, whyNoTokens, type SoftToken } from '../testkit.ts';
import { openStation } from './open-station.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`token tests are skipped: ${reason}\n`);

const childArgv = stationChildArgvForTests();
const rsa = parseKeyType('rsa:2048');
const p256 = parseKeyType('EC:prime256v1');

async function failureOf(promise: Promise<unknown>): Promise<HsmfleetError> {
  const thrown: unknown = await promise.then(() => undefined, (error: unknown) => error);
  if (!(thrown instanceof HsmfleetError)) throw new Error(`expected an HsmfleetError, got ${String(thrown)}`);
  return thrown;
}

describe.skipIf(reason !== undefined)('a station', () => {
  let soft: SoftToken;
  let station: Station;
  let sessions: TokenSession[];
  beforeEach(() => {
    soft = makeSoftToken('Station Token');
    station = openStation({ childArgv, stateDir: join(soft.folder, 'state'), generateTimeoutMs: 4_000 });
    sessions = [];
  });
  afterEach(async () => {
    for (const session of sessions) await session.close();
    soft.remove();
  });

  const open = async (module: ModuleTarget = soft.target): Promise<TokenSession> => {
    const session = await station.open({ module, token: { label: soft.label } });
    sessions.push(session);
    return session;
  };
  const openAsUser = async (module?: ModuleTarget): Promise<TokenSession> => {
    const session = await open(module);
    await session.login(new Secret(soft.pin));
    return session;
  };
  const logins = (spy: ReturnType<SoftToken['spied']>): number => spy.calls().filter((call) => call === 'C_Login').length;

  test('lists slots with number and ID, and finds the one token that there is', async () => {
    const { slots, description } = await station.list(soft.target);
    expect(description).toBe('Implementation of PKCS11');
    expect(slots.map(({ slotIndex, token }) => [slotIndex, token?.label, token?.initialized])).toEqual([[0, soft.label, true], [1, '', false]]);
    const session = await station.open({ module: soft.target, token: {} });
    sessions.push(session);
    expect(session.token).toMatchObject({ label: soft.label, slotId: slots[0]?.slotId, minPinLength: 4, pinState: 'ok', soPinState: 'ok' });
    expect(await failureOf(station.open({ module: soft.target, token: { label: 'other' } }))).toMatchObject({
      code: 'TOKEN_NOT_FOUND', message: expect.stringContaining('no token of') as string, hint: expect.stringContaining(soft.label) as string,
    });
    expect(await failureOf(station.list({ path: '/nowhere.so' }))).toMatchObject({ code: 'PKCS11', message: 'the module /nowhere.so does not exist' });
  });

  test('does not log in while a web server of this machine holds a card, whoever asks, and no try is spent', async () => {
    // a library under another name counts as one of a card, and a process of that name that has it loaded as a web server
    const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-card-'));
    const [module, program] = [join(folder, 'libcard-pkcs11.so'), join(folder, 'apache2')];
    copyFileSync(soft.target.path, module);
    copyFileSync('/bin/sleep', program);
    const server = spawn(program, ['60'], { env: { LD_PRELOAD: module }, stdio: 'ignore' });
    try {
      const session = await open({ ...soft.target, path: module });
      await expect.poll(() => failureOf(session.login(new Secret(soft.pin)))).toMatchObject({
        code: 'HOST_BUSY', message: `the web server apache2 (process ${String(server.pid)}) uses ${module}: a login here would take its token away`,
      });
      expect(session.loggedIn).toBe(false);
      const ended = once(server, 'exit');
      server.kill();
      await ended;
      await session.login(new Secret(soft.pin));
      expect(session.loggedIn).toBe(true);
    } finally {
      server.kill();
      rmSync(folder, { recursive: true });
    }
  });

  test.each(['rsa:1024', 'rsa:2048', ...Object.keys(CURVES).map((curve) => `EC:${curve}`)])('makes a key pair %s that signs and stays on the token', async (text) => {
    const type = parseKeyType(text);
    const session = await openAsUser();
    const key = await session.generateKeyPair({ type, id: '0a1b', label: 'wëb' });
    expect(key).toMatchObject({ id: '0a1b', label: 'wëb', warnings: [] });
    const [privateKey, publicKey, ...more] = await session.objects({ id: '0a1b' });
    expect(more).toEqual([]);
    expect(publicKey).toMatchObject({ class: 'public', label: 'wëb', fingerprint: key.fingerprint, curve: type.type === 'ec' ? type.curve : null });
    expect(privateKey).toMatchObject({ class: 'private', access: ['private', 'always sensitive', 'never extractable', 'made on the token'] });
    expect(privateKey?.usage).toContain('sign');

    const signer = await session.signer('0a1b');
    const data = Buffer.from('to be signed');
    const publicHalf = createPublicKey({ key: signer.spki, format: 'der', type: 'spki' });
    const algorithm = type.type === 'rsa' ? 'rsa-pkcs1-sha384' : 'ecdsa-sha384';
    expect(verify('sha384', data, publicHalf, await signer.sign(algorithm, data))).toBe(true);
    if (type.type === 'rsa') await expect(signer.sign('rsa-pss-sha256', data)).resolves.toHaveLength(type.bits / 8);
    expect((await failureOf(signer.sign(type.type === 'rsa' ? 'ecdsa-sha256' : 'rsa-pss-sha256', data))).code).toBe('USAGE');
  });

  test('refuses an ID or a label that anything on the token has', async () => {
    soft.addKey('p256', '01', 'web');
    const session = await openAsUser();
    await session.deleteObjects((await session.objects({ id: '01' })).filter(({ class: kind }) => kind !== 'certificate'));
    expect(await failureOf(session.generateKeyPair({ type: p256, id: '01', label: 'other' }))).toMatchObject({ code: 'OBJECT_EXISTS', message: expect.stringMatching(/^ID 01 is in use on the token .*: certificate 01 "web"$/) as string });
    expect(await failureOf(session.generateKeyPair({ type: p256, id: '02', label: 'web' }))).toMatchObject({ code: 'OBJECT_EXISTS', message: expect.stringContaining('label "web" is in use') as string });
    expect(await session.objects()).toHaveLength(1);
  });

  test('writes a certificate as it is, and deletes what it is told to', async () => {
    soft.addKey('p256', '01', 'web', '/C=DE/CN=web');
    const session = await openAsUser();
    const [certificate] = await session.objects({ class: 'certificate' });
    await session.createCertificate({ der: certificate?.value ?? Buffer.alloc(0), id: '02', label: 'copy' });
    const [copy] = await session.objects({ id: '02' });
    expect(copy).toMatchObject({ class: 'certificate', label: 'copy', subject: 'CN=web,C=DE', value: certificate?.value, fingerprint: certificate?.fingerprint });
    await expect(session.deleteObjects(await session.objects({ id: '02' }))).resolves.toBe(1);
    expect(await session.objects({ id: '02' })).toEqual([]);
    expect((await failureOf(session.signer('02'))).code).toBe('OBJECT_NOT_FOUND');
  });

  test('reads without a login and without a good-bye, and logs out once where it logged in', async () => {
    const reading = soft.spied();
    const reader = await open(reading.target);
    await reader.objects();
    await reader.close();
    expect(reading.calls()).not.toEqual(expect.arrayContaining([expect.stringMatching(/C_(Login|Logout|CloseSession|Finalize)/)]));

    const working = soft.spied();
    const worker = await openAsUser(working.target);
    await worker.generateKeyPair({ type: p256, id: '01', label: 'web' });
    await (await worker.signer('01')).sign('ecdsa-sha256', Buffer.from('x'));
    await worker.close();
    expect(working.calls().filter((call) => /C_(Login|Logout|Finalize)/.test(call))).toEqual(['C_Login', 'C_Logout', 'C_Finalize']);
  });

  describe('PINs', () => {
    test('a wrong one costs one try, and is not tried again by anything', async () => {
      const spy = soft.spied();
      const first = await open(spy.target);
      expect(first.pinTries()).toMatchObject({ state: 'ok' });
      expect(await failureOf(first.login(new Secret('999999')))).toMatchObject({ code: 'PIN_INCORRECT', message: expect.stringContaining('one try is spent') as string });
      await first.close();
      expect(logins(spy)).toBe(1);

      const second = await open(spy.target);
      expect(second.pinTries()).toMatchObject({ state: 'count_low' });
      expect(await failureOf(second.login(new Secret('999999'), { allowLowPinCount: true }))).toMatchObject({ code: 'PIN_REFUSED', message: expect.stringContaining('called this PIN wrong') as string });
      expect(await failureOf(second.login(new Secret(soft.pin)))).toMatchObject({ code: 'PIN_REFUSED', hint: expect.stringContaining('--allow-low-pin-count') as string });
      expect(await failureOf(second.login(new Secret('')))).toMatchObject({ code: 'PIN_REFUSED' });
      expect(logins(spy)).toBe(1);
      await second.login(new Secret(soft.pin), { allowLowPinCount: true });
      expect(logins(spy)).toBe(2);
      await second.close();
      expect((await open()).pinTries()).toMatchObject({ state: 'ok' });
    });

    test.each([[0x20000, 'final_try', 'one more wrong PIN locks it'], [0x40000, 'locked', 'its PIN is locked']] as const)('flags %d refuse a login: %s', async (flag, state, words) => {
      const module = soft.distorted('flags', `
        static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR i) { CK_RV rv = real->C_GetTokenInfo(slot, i); i->flags |= ${String(flag)}; return rv; }
        static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE u, CK_UTF8CHAR_PTR p, CK_ULONG n) { abort(); return CKR_OK; }`.replace('static CK_RV info', '#include <stdlib.h>\nstatic CK_RV info'),
        { C_GetTokenInfo: 'info', C_Login: 'login' });
      const session = await open(module);
      expect(session.pinTries().state).toBe(state);
      expect(await failureOf(session.login(new Secret(soft.pin)))).toMatchObject({ code: 'PIN_REFUSED', message: expect.stringContaining(words) as string });
      if (state === 'locked') expect((await failureOf(session.login(new Secret(soft.pin), { allowLowPinCount: true }))).code).toBe('PIN_REFUSED');
    });

    test('flags that turn bad after the list are seen right before the login', async () => {
      const module = soft.distorted('turning', `
        static int asked;
        static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR i) { CK_RV rv = real->C_GetTokenInfo(slot, i); if (++asked > 3) i->flags |= CKF_USER_PIN_FINAL_TRY; return rv; }`, { C_GetTokenInfo: 'info' });
      const session = await open(module);
      expect(session.pinTries().state).toBe('ok');
      expect(await failureOf(session.login(new Secret(soft.pin)))).toMatchObject({ code: 'PIN_REFUSED', message: expect.stringContaining('one more wrong PIN locks it') as string });
    });

    test('are changed, and set again with the SO PIN; what was wrong before is forgotten', async () => {
      const wrong = await open();
      await failureOf(wrong.login(new Secret('4711-new')));
      await wrong.close();
      const changing = await open();
      expect(await failureOf(changing.changePin(new Secret(soft.pin), new Secret('1')))).toMatchObject({ code: 'USAGE', message: expect.stringContaining('too short') as string });
      await changing.changePin(new Secret(soft.pin), new Secret('4711-new'), { allowLowPinCount: true });
      await changing.close();
      const user = await open();
      await user.login(new Secret('4711-new'));
      await user.close();

      const so = await open();
      expect(await failureOf(so.unblockPin(new Secret('00000000'), new Secret('unblocked')))).toMatchObject({ code: 'PIN_INCORRECT', message: expect.stringContaining('the SO PIN is wrong') as string });
      await so.close();
      const again = await open();
      await again.unblockPin(new Secret('11111111'), new Secret('unblocked'), { allowLowPinCount: true });
      await again.close();
      const unblocked = await open();
      await unblocked.login(new Secret('unblocked'));
      expect(unblocked.loggedIn).toBe(true);
    });

    test('a new token gets both', async () => {
      const token = await station.initialize({ module: soft.target, token: {}, label: 'Zweiter Töken', soPin: new Secret('87654321'), userPin: new Secret('2468') });
      expect(token).toMatchObject({ label: 'Zweiter Töken', initialized: true, pinState: 'ok' });
      const session = await station.open({ module: soft.target, token: { label: 'Zweiter Töken' } });
      sessions.push(session);
      await session.login(new Secret('2468'));
      const again = { module: soft.target, token: { label: 'Zweiter Töken' }, label: 'third', userPin: new Secret('2468') };
      await session.close();
      expect((await failureOf(station.initialize({ ...again, soPin: new Secret('00000000') }))).code).toBe('PIN_INCORRECT');
      expect((await failureOf(station.initialize({ ...again, soPin: new Secret('00000000') }))).code).toBe('PIN_REFUSED');
      expect(await failureOf(station.initialize({ ...again, label: soft.label, soPin: new Secret('87654321'), allowLowPinCount: true }))).toMatchObject({ code: 'OBJECT_EXISTS' });
      await expect(station.initialize({ ...again, soPin: new Secret('87654321'), allowLowPinCount: true })).resolves.toMatchObject({ label: 'third' });
    });
  });

  describe('when things go wrong', () => {
    test.each(['CKR_DEVICE_REMOVED', 'CKR_TOKEN_NOT_PRESENT', 'CKR_SESSION_HANDLE_INVALID'])('%s in the middle is one clear message', async (result) => {
      soft.addKey('p256', '01', 'web');
      const module = soft.distorted('removed', `static CK_RV sign(CK_SESSION_HANDLE s, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR m) { return ${result}; }`, { C_Sign: 'sign' });
      const session = await openAsUser(module);
      const signer = await session.signer('01');
      expect(await failureOf(signer.sign('ecdsa-sha256', Buffer.from('x')))).toMatchObject({
        code: 'TOKEN_REMOVED', message: expect.stringMatching(new RegExp(`^the token Station Token \\(serial \\w+\\) went away while signing with key 01 \\(C_Sign answered ${result}\\)$`)) as string,
        hint: expect.stringContaining('plug it in') as string,
      });
    });

    test('a token whose files go is an error, not a crash', async () => {
      const session = await openAsUser();
      for (const name of readdirSync(join(soft.folder, 'tokens'))) rmSync(join(soft.folder, 'tokens', name), { recursive: true });
      const failure = await failureOf(session.generateKeyPair({ type: p256, id: '01', label: 'web' }));
      expect(['PKCS11', 'TOKEN_REMOVED']).toContain(failure.code);
    });

    const halfMade = `static CK_RV generate(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR a, CK_ULONG n, CK_ATTRIBUTE_PTR b, CK_ULONG o, CK_OBJECT_HANDLE_PTR x, CK_OBJECT_HANDLE_PTR y) {
      CK_RV rv = real->C_GenerateKeyPair(s, m, a, n, b, o, x, y); if (rv == CKR_OK) real->C_DestroyObject(s, *y); return CKR_DEVICE_ERROR; }`;
    test('half a key pair is deleted again, and that is said', async () => {
      const session = await openAsUser(soft.distorted('half', halfMade, { C_GenerateKeyPair: 'generate' }));
      expect(await failureOf(session.generateKeyPair({ type: p256, id: '01', label: 'web' }))).toMatchObject({
        code: 'PKCS11', message: expect.stringMatching(/C_GenerateKeyPair.* answered CKR_DEVICE_ERROR; what was half made of key 01 was deleted again$/) as string,
      });
      expect(await session.objects()).toEqual([]);
    });

    test('half a key pair that cannot be deleted is told of', async () => {
      const module = soft.distorted('stuck', `${halfMade}
        static CK_RV destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o) { return CKR_DEVICE_REMOVED; }`, { C_GenerateKeyPair: 'generate', C_DestroyObject: 'destroy' });
      const session = await openAsUser(module);
      expect(await failureOf(session.generateKeyPair({ type: p256, id: '01', label: 'web' }))).toMatchObject({
        message: expect.stringContaining('something half made of key 01 may be left on the token') as string, hint: expect.stringContaining('hsmfleet token delete --id 01') as string,
      });
    });

    test('a token that hangs while it makes a key is left at the deadline, with progress until then', async () => {
      const module = soft.distorted('hang', `static CK_RV generate(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR a, CK_ULONG n, CK_ATTRIBUTE_PTR b, CK_ULONG o, CK_OBJECT_HANDLE_PTR x, CK_OBJECT_HANDLE_PTR y) { for (;;) sleep(1); }`, { C_GenerateKeyPair: 'generate' });
      const session = await openAsUser(module);
      const ticks: number[] = [];
      expect(await failureOf(session.generateKeyPair({ type: rsa, id: '01', label: 'web', onProgress: (seconds) => ticks.push(seconds) }))).toMatchObject({
        code: 'TIMEOUT', message: expect.stringMatching(/it hangs in C_GenerateKeyPair; something half made of key 01 may be left/) as string,
      });
      expect(ticks).toEqual([1, 2, 3]);
    });

    test('a library that crashes is told of', async () => {
      const module = soft.distorted('crash', '#include <signal.h>\nstatic CK_RV find(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR a, CK_ULONG n) { raise(SIGSEGV); return CKR_OK; }', { C_FindObjectsInit: 'find' });
      const session = await open(module);
      expect(await failureOf(session.objects())).toMatchObject({ code: 'PKCS11', message: expect.stringMatching(/crashed with SIGSEGV in C_FindObjects$/) as string });
    });

    test('a module that does not write says so, and what would', async () => {
      soft.addKey('p256', '01', 'web');
      const { target } = await soft.serveReadOnly();
      const session = await openAsUser(target);
      await expect((await session.signer('01')).sign('ecdsa-sha256', Buffer.from('x'))).resolves.toBeInstanceOf(Buffer);
      expect(await failureOf(session.generateKeyPair({ type: p256, id: '02', label: 'other' }))).toMatchObject({ code: 'PKCS11', hint: expect.stringContaining('writable module') as string });
    });

    test('a key pair that nobody waits for any more is deleted again', async () => {
      const module = soft.distorted('slow', `static CK_RV generate(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR a, CK_ULONG n, CK_ATTRIBUTE_PTR b, CK_ULONG o, CK_OBJECT_HANDLE_PTR x, CK_OBJECT_HANDLE_PTR y) { sleep(1); return real->C_GenerateKeyPair(s, m, a, n, b, o, x, y); }`, { C_GenerateKeyPair: 'generate' });
      const { token } = await open();
      const [program = '', ...argv] = childArgv;
      const child = spawn(program, [...argv, module.path], { env: { ...module.env }, stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      const { slotId, label, serial } = token;
      for (const request of [
        { op: 'open', slotId, label, serial }, { op: 'login', owner: 'user', pin: soft.pin, refuseFlags: 0 }, { op: 'generate', key: { type: 'rsa', bits: 2048 }, id: '01', label: 'web' },
      ]) child.stdin?.write(`${JSON.stringify(request)}\n`);
      const answers = child.stdio[3] as Readable;
      await new Promise<void>((resolve) => answers.on('data', (chunk: Buffer) => { if (chunk.toString().includes('C_GenerateKeyPair')) resolve(); }));
      await sleep(100);
      // as when the program was killed
      answers.destroy();
      child.stdin?.destroy();
      await ended;
      expect(await (await openAsUser()).objects()).toEqual([]);
    });
  });
});

test.skipIf(reason !== undefined)("OpenSC's module without a reader shows no slots", async () => {
  const station = openStation({ childArgv, stateDir: '/nonexistent' });
  const path = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
  const listing = await station.list({ path });
  expect(listing).toMatchObject({ path, manufacturer: 'OpenSC Project' });
  if (listing.slots.length === 0) expect((await failureOf(station.open({ module: { path }, token: {} }))).code).toBe('TOKEN_NOT_FOUND');
});
