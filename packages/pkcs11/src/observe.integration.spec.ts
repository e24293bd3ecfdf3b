import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCertificate } from '@hsmfleet/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPkcs11Port, type Pkcs11Port } from './index.ts';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from './testkit.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`token tests are skipped: ${reason}\n`);

describe.skipIf(reason !== undefined)('observing', () => {
  let token: SoftToken;
  let port: Pkcs11Port;
  const certificates: Record<string, string> = {};
  beforeAll(() => {
    token = makeSoftToken();
    port = createPkcs11Port({ childArgv: childArgvForTests(), stateDir: join(token.folder, 'state') });
    certificates['01'] = token.addKey('rsa1024', '01', 'old');
    certificates['02'] = token.addKey('p256', '02', 'web', '/O=Fleet/CN=www.example.org');
    certificates['03'] = token.addKey('p384', '03', 'next');
  });
  afterAll(() => token.remove());

  test('reads module, token, keys and certificates as openssl knows them', async () => {
    const row = await port.observe(token.target);
    expect(row.error).toBeNull();
    expect(row).toMatchObject({ manufacturer: 'SoftHSM', description: 'Implementation of PKCS11', version: '2.6', cryptokiVersion: '2.40' });
    expect(row.sha256).toBe(execFileSync('sha256sum', [token.target.path], { encoding: 'utf8' }).split(' ')[0]);
    const found = row.tokens.find(({ label }) => label === token.label);
    expect(found).toMatchObject({ pinState: 'ok', loginRequired: true, manufacturer: 'SoftHSM project' });
    expect(found?.flags).toEqual(expect.arrayContaining(['LOGIN_REQUIRED', 'TOKEN_INITIALIZED', 'USER_PIN_INITIALIZED']));
    const keys = found?.keys.map(({ id, label, type, bits, curve }) => ({ id, label, type, bits, curve })).sort((a, b) => a.id.localeCompare(b.id));
    expect(keys).toEqual([
      { id: '01', label: 'old', type: 'rsa', bits: 1024, curve: null },
      { id: '02', label: 'web', type: 'ec', bits: 256, curve: 'prime256v1' },
      { id: '03', label: 'next', type: 'ec', bits: 384, curve: 'secp384r1' },
    ]);
    for (const certificate of found?.certificates ?? []) {
      const expected = parseCertificate(certificates[certificate.id] ?? '');
      expect(certificate).toMatchObject({ sha256: expected.sha256, keyFingerprint: expected.keyFingerprint, matchesKey: true });
      expect(found?.keys.find(({ id }) => id === certificate.id)?.fingerprint).toBe(expected.keyFingerprint);
    }
    expect(found?.certificates).toHaveLength(3);
    // SoftHSM's spare slot is shown for what it is
    expect(row.tokens.filter(({ label }) => label === '').map(({ pinState }) => pinState)).toEqual(['uninitialized']);
  });

  test('SoftHSM is writable, and was not asked to make keys', async () => {
    const { readOnly } = await port.observe(token.target);
    expect(readOnly).toMatchObject({
      verdict: 'writable', token: token.label, flagWriteProtected: false, openReadWriteSession: 'CKR_OK', generateKeyPair: 'not tried',
    });
  });

  test('the same token behind a write-protected server is read-only, and the same token', async () => {
    const served = await token.serveReadOnly();
    const row = await port.observe(served.target);
    expect(row.error).toBeNull();
    expect(row.readOnly).toMatchObject({ verdict: 'read_only', openReadWriteSession: 'CKR_TOKEN_WRITE_PROTECTED' });
    const direct = (await port.observe(token.target)).tokens.find(({ label }) => label === token.label);
    expect(row.tokens.map(({ identity }) => identity)).toEqual([direct?.identity]);

    process.kill(served.pid, 'SIGSTOP');
    const begun = Date.now();
    const other = createPkcs11Port({ childArgv: childArgvForTests(), stateDir: join(token.folder, 'state') });
    const hung = await other.observe({ ...served.target, timeoutMs: 1500 });
    expect(Date.now() - begun).toBeLessThan(5000);
    expect(hung.error).toMatchObject({ code: 'TIMEOUT' });
    expect(hung.error?.message).toMatch(/did not answer within 1\.5 s: it hangs in C_/);
    expect(hung).toMatchObject({ tokens: [], readOnly: { verdict: 'unproven' } });
    process.kill(served.pid, 'SIGCONT');
    expect((await other.observe({ ...served.target, timeoutMs: 1501 })).error?.code).toBe('TIMEOUT');
    other.invalidate();
    expect((await other.observe(served.target)).error).toBeNull();
  });

  test('never logs in or out, never closes, never finalizes, lists slots without regard to tokens', async () => {
    const spy = token.spied();
    expect((await port.observe(spy.target)).error).toBeNull();
    const calls = spy.calls();
    expect(calls).toContain('C_GetSlotList');
    for (const forbidden of ['C_Login', 'C_Logout', 'C_CloseSession', 'C_CloseAllSessions', 'C_Finalize', 'C_GenerateKeyPair', 'C_CreateObject', 'C_DestroyObject']) {
      expect(calls).not.toContain(forbidden);
    }
    expect(calls.filter((call) => call === 'C_OpenSession')).toHaveLength(2);
  });

  test('a module like sc-hsm-embedded V2.9 is proven read-only, with no more asked than is known to be harmless', async () => {
    // its answers as recorded in the field notes: flag set, no key generation, a listing of slots with tokens that
    // never returns, labels and serials padded with NULs, 2048 bits for every key
    const module = token.distorted('v29', `
      static CK_RV info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR out) {
        CK_RV rv = real->C_GetTokenInfo(slot, out);
        if (!(out->flags & CKF_TOKEN_INITIALIZED)) return CKR_TOKEN_NOT_PRESENT; /* SoftHSM's spare slot */
        out->flags |= CKF_WRITE_PROTECTED;
        memset(out->label, 0, sizeof out->label); memcpy(out->label, "SmartCard-HSM", 13);
        memset(out->serialNumber, 0, sizeof out->serialNumber);
        return rv;
      }
      static CK_RV slots(CK_BBOOL present, CK_SLOT_ID_PTR ids, CK_ULONG_PTR count) {
        if (present) for (;;) pause();
        return real->C_GetSlotList(present, ids, count);
      }
      static CK_RV open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
        return flags & CKF_RW_SESSION ? CKR_GENERAL_ERROR : real->C_OpenSession(slot, flags, application, notify, session);
      }
      static CK_RV values(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template, CK_ULONG count) {
        if (count == 1 && template->type == CKA_MODULUS_BITS) { *(CK_ULONG *)template->pValue = 2048; return CKR_OK; }
        return count == 1 ? real->C_GetAttributeValue(session, object, template, count) : CKR_ATTRIBUTE_TYPE_INVALID;
      }
      static CK_RV generate() { return CKR_FUNCTION_NOT_SUPPORTED; }
      static CK_RV dead() { for (;;) pause(); }`, {
      C_GetTokenInfo: 'info', C_GetSlotList: 'slots', C_OpenSession: 'open', C_GetAttributeValue: 'values', C_GenerateKeyPair: '(CK_C_GenerateKeyPair)generate',
      C_Finalize: '(CK_C_Finalize)dead', C_Logout: '(CK_C_Logout)dead', C_CloseSession: '(CK_C_CloseSession)dead',
    });
    const row = await port.observe({ ...module, timeoutMs: 5000 });
    expect(row.readOnly).toMatchObject({
      verdict: 'read_only', flagWriteProtected: true, openReadWriteSession: null, generateKeyPair: 'CKR_FUNCTION_NOT_SUPPORTED',
      reason: 'the token is flagged write-protected and key generation answers CKR_FUNCTION_NOT_SUPPORTED',
    });
    const found = row.tokens[0];
    expect(found).toMatchObject({ label: 'SmartCard-HSM', serial: '' });
    expect(found?.keys.map(({ id, bits }) => [id, bits]).sort()).toEqual([['01', 1024], ['02', 256], ['03', 384]]);
  });

  test('one observation serves a run until something changes', async () => {
    const spy = token.spied();
    await Promise.all([port.observe(spy.target), port.observe(spy.target)]);
    await port.observe(spy.target);
    expect(spy.calls().filter((call) => call === 'C_Initialize')).toHaveLength(1);
    port.invalidate();
    await port.observe(spy.target);
    expect(spy.calls().filter((call) => call === 'C_Initialize')).toHaveLength(2);
  });

  test('a token without keys but with another label is another token', async () => {
    const other = makeSoftToken('Other');
    try {
      const row = await port.observe(other.target);
      const identities = [...row.tokens, ...(await port.observe(token.target)).tokens].filter(({ label }) => label !== '').map(({ identity }) => identity);
      expect(new Set(identities).size).toBe(2);
    } finally {
      other.remove();
    }
  });

  test('the key-generation probe makes nothing, not even where everything is allowed', () => {
    const script = join(token.folder, 'probe.mjs');
    const from = new URL('.', import.meta.url).href;
    writeFileSync(script, `
      import { loadPkcs11, addonFileName } from '${from}native.ts';
      import { openModule, listSlots } from '${from}child-observe.ts';
      import { probeKeyGeneration } from '${from}write-probe.ts';
      import { fileURLToPath } from 'node:url';
      const cryptoki = loadPkcs11(fileURLToPath(new URL('../dist/' + addonFileName(), '${from}')));
      openModule(cryptoki, '${token.target.path}', () => {});
      const { slot } = listSlots(cryptoki, () => {})[0];
      const readOnly = cryptoki.C_OpenSession(slot, 4);
      const before = probeKeyGeneration(cryptoki, readOnly);
      cryptoki.C_Login(readOnly, 1, '${token.pin}');
      const answers = [before, probeKeyGeneration(cryptoki, readOnly), probeKeyGeneration(cryptoki, cryptoki.C_OpenSession(slot, 6))];
      cryptoki.C_FindObjectsInit(readOnly, [{ type: 0, value: 3 }]);
      console.log(JSON.stringify({ answers, privateKeys: cryptoki.C_FindObjects(readOnly, 99).length }));
    `);
    const printed = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8', env: { ...process.env, ...token.target.env } })) as { answers: string[]; privateKeys: number };
    for (const answer of printed.answers) expect(answer).toMatch(/^CKR_TEMPLATE_(INCONSISTENT|INCOMPLETE)$|^CKR_USER_NOT_LOGGED_IN$/);
    expect(printed.privateKeys).toBe(3);
  });
});

describe.skipIf(reason !== undefined)('modules that are none', () => {
  const port = (): Pkcs11Port => createPkcs11Port({ childArgv: childArgvForTests(), stateDir: '/nonexistent' });

  test('a missing file, a text, a library of another kind', async () => {
    expect((await port().observe({ path: '/nonexistent/p11.so' })).error).toMatchObject({ code: 'PKCS11', message: 'the module /nonexistent/p11.so does not exist' });
    const text = (await port().observe({ path: '/etc/passwd' })).error;
    expect(text).toMatchObject({ code: 'PKCS11' });
    expect(text?.message).toContain('cannot be loaded');
    const other = (await port().observe({ path: '/usr/lib/x86_64-linux-gnu/libm.so.6' })).error;
    expect(other?.message).toBe('/usr/lib/x86_64-linux-gnu/libm.so.6 is not a PKCS#11 module: it has no C_GetFunctionList');
  });

  test('a library that crashes, and one that never returns', async () => {
    const token = makeSoftToken('Fault');
    try {
      const compile = (name: string, body: string): string => {
        const library = join(token.folder, `${name}.so`);
        execFileSync('gcc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', library], { input: body });
        return library;
      };
      const crash = compile('crash', 'long C_GetFunctionList(void **list) { *(volatile int *)0 = 1; return 0; }');
      expect((await port().observe({ path: crash })).error).toMatchObject({ code: 'PKCS11', message: `the module ${crash} crashed with SIGSEGV in loading it` });
      const exit = compile('exit', '#include <stdlib.h>\nlong C_GetFunctionList(void **list) { exit(0); }');
      expect((await port().observe({ path: exit })).error).toMatchObject({ code: 'PKCS11', message: `the module ${exit} ended its process with code 0 in loading it` });
      const pipe = join(token.folder, 'pipe.so');
      execFileSync('mkfifo', [pipe]);
      expect((await port().observe({ path: pipe })).error).toMatchObject({ code: 'PKCS11', message: `the module ${pipe} is not a regular file` });
      const hang = compile('hang', '#include <unistd.h>\nlong C_GetFunctionList(void **list) { for (;;) pause(); }');
      expect((await port().observe({ path: hang, timeoutMs: 1500 })).error).toMatchObject({ code: 'TIMEOUT' });
    } finally {
      token.remove();
    }
  });

  test('a library that prints garbage, and one that leaves a daemon behind, which holds the pipes open', async () => {
    const token = makeSoftToken('Noise');
    try {
      const noise = token.distorted('noise', `#include <stdio.h>
        static CK_RV info(CK_INFO_PTR out) { CK_RV rv = real->C_GetInfo(out); for (int fd = 1; fd <= 3; fd++) { write(fd, "\\xff{\\"answer\\":\\n7\\nnull\\n", 20); } return rv; }`, { C_GetInfo: 'info' });
      expect(await port().observe(noise)).toMatchObject({ error: null, tokens: [{ label: 'Noise' }, {}] });

      const daemon = token.distorted('daemon', `
        static CK_RV info(CK_INFO_PTR out) { if (fork() == 0) { setsid(); sleep(20); _exit(0); } return real->C_GetInfo(out); }`, { C_GetInfo: 'info' });
      const startedAt = Date.now();
      expect(await port().observe(daemon)).toMatchObject({ error: null, tokens: [{ label: 'Noise' }, {}] });
      expect(Date.now() - startedAt).toBeLessThan(8_000);
    } finally {
      token.remove();
    }
  });

  test('a client whose server is gone says so', async () => {
    const row = await port().observe({ path: '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so', env: { P11_KIT_SERVER_ADDRESS: 'unix:path=/nonexistent' } });
    expect(row.error ?? row.readOnly).toMatchObject(row.error === null ? { verdict: 'unproven' } : { code: 'PKCS11' });
  });
});

const extra = process.env['HSMFLEET_TEST_PKCS11_MODULE'];
if (extra === undefined) process.stderr.write('HSMFLEET_TEST_PKCS11_MODULE is not set: no further module is tested\n');

test.skipIf(extra === undefined)('a further module: answers, and its verdict follows from its evidence', async () => {
  const row = await createPkcs11Port({ childArgv: childArgvForTests(), stateDir: '/nonexistent' }).observe({ path: extra ?? '' });
  expect(row.error).toBeNull();
  const { verdict, flagWriteProtected, openReadWriteSession, generateKeyPair } = row.readOnly;
  const proven = openReadWriteSession === 'CKR_TOKEN_WRITE_PROTECTED' || (flagWriteProtected === true && /NOT_SUPPORTED|MECHANISM_INVALID/.test(generateKeyPair ?? ''));
  expect(verdict).toBe(row.tokens.some(({ label }) => label !== '') ? (proven ? 'read_only' : 'writable') : 'unproven');
  expect(row.tokens.flatMap(({ keys }) => keys).filter(({ type, bits }) => type === 'rsa' && bits === null)).toEqual([]);
});
