import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CKF, unpad } from './cryptoki.ts';
import { interpretModule, tokenIdentity } from './interpret.ts';
import type { RawKey, RawModule, RawToken } from './protocol.ts';
import { judgeReadOnly, pinStateOf } from './token-state.ts';

const AT = '2026-01-01T00:00:00.000Z';

describe('the verdict over a module (field notes 0a)', () => {
  const judge = (flags: number, openReadWriteSession: string | null, generateKeyPair: string | null) =>
    judgeReadOnly([{ token: 'T', flags, evidence: { openReadWriteSession, generateKeyPair } }], AT).verdict;
  test.each([
    ['sc-hsm-embedded V2.9', CKF.WRITE_PROTECTED, null, 'CKR_FUNCTION_NOT_SUPPORTED', 'read_only'],
    ['a flagged module without the mechanism', CKF.WRITE_PROTECTED, null, 'CKR_MECHANISM_INVALID', 'read_only'],
    ['sc-hsm-embedded between V2.9 and 2.10: flagged, but it makes keys', CKF.WRITE_PROTECTED, 'CKR_OK', 'CKR_TEMPLATE_INCOMPLETE', 'writable'],
    ['sc-hsm-embedded 2.12', 0, 'CKR_OK', null, 'writable'],
    ['OpenSC, SoftHSM', 0, 'CKR_OK', null, 'writable'],
    ['p11-kit server with write-protected=yes', 0, 'CKR_TOKEN_WRITE_PROTECTED', null, 'read_only'],
    ['no flag, but no key generation either', 0, 'CKR_OK', 'CKR_FUNCTION_NOT_SUPPORTED', 'writable'],
    ['a refusal of another kind proves nothing', 0, 'CKR_SESSION_COUNT', null, 'writable'],
    ['a token that failed before it was asked', 0, null, null, 'unproven'],
  ] as const)('%s', (_name, flags, session, generate, verdict) => {
    expect(judge(flags, session, generate)).toBe(verdict);
  });

  test('one writable token makes the module writable, and none proves nothing', () => {
    const readOnly = { token: 'A', flags: 0, evidence: { openReadWriteSession: 'CKR_TOKEN_WRITE_PROTECTED', generateKeyPair: null } };
    const writable = { token: 'B', flags: 0, evidence: { openReadWriteSession: 'CKR_OK', generateKeyPair: null } };
    expect(judgeReadOnly([readOnly, writable], AT)).toMatchObject({ verdict: 'writable', token: 'B' });
    expect(judgeReadOnly([readOnly], AT)).toMatchObject({ verdict: 'read_only', token: 'A' });
    expect(judgeReadOnly([], AT)).toMatchObject({ verdict: 'unproven', token: null });
  });
});

test('the state of a PIN from the flags (field notes 3.3)', () => {
  const set = CKF.LOGIN_REQUIRED | CKF.USER_PIN_INITIALIZED;
  expect(pinStateOf(set)).toBe('ok');
  expect(pinStateOf(set | CKF.USER_PIN_COUNT_LOW)).toBe('count_low');
  expect(pinStateOf(set | CKF.USER_PIN_COUNT_LOW | CKF.USER_PIN_FINAL_TRY)).toBe('final_try');
  expect(pinStateOf(set | CKF.USER_PIN_LOCKED)).toBe('locked');
  expect(pinStateOf(CKF.LOGIN_REQUIRED)).toBe('uninitialized');
  expect(pinStateOf(0)).toBe('unknown');
});

test('text padded with blanks or NULs', () => {
  expect([unpad('SmartCard-HSM      '), unpad('abc\0\0\0\0'), unpad('\0'.repeat(16)), unpad('a b \0c')]).toEqual(['SmartCard-HSM', 'abc', '', 'a b']);
});

describe('objects', () => {
  const rawKey = (values: Partial<RawKey>): RawKey => ({
    id: '01', label: 'k', keyType: 0, modulus: null, publicExponent: null, ecParams: null, ecPoint: null, sensitive: null, extractable: null, alwaysSensitive: null, neverExtractable: null, ...values,
  });
  const rawToken = (values: Partial<RawToken>): RawToken => ({
    slotId: 1, slotIndex: 0, slotDescription: 'Reader', label: 'T', serial: '', manufacturer: 'M', model: 'X', flags: CKF.TOKEN_INITIALIZED,
    evidence: { openReadWriteSession: 'CKR_OK', generateKeyPair: null }, publicKeys: [], privateKeys: [], certificates: [], ...values,
  });
  const rawModule = (token: RawToken): RawModule => ({ manufacturer: 'M', description: 'D', version: '2.8', cryptokiVersion: '2.20', tokens: [token], problems: [] });
  const rows = (token: Partial<RawToken>) => interpretModule(rawModule(rawToken(token)), AT).tokens[0];

  test('are sorted by id and label, tokens by label with blank ones last, in whatever order the module lists them', () => {
    const privateKeys = [rawKey({ id: '02', label: 'b' }), rawKey({ id: '01', label: 'z' }), rawKey({ id: '02', label: 'a' })];
    const tokens = [rawToken({ label: '' }), rawToken({ label: 'B', privateKeys }), rawToken({ label: 'A', serial: '2' }), rawToken({ label: 'A', serial: '1' })];
    const { tokens: sorted } = interpretModule({ ...rawModule(rawToken({})), tokens }, AT);
    expect(sorted.map(({ label, serial }) => label + serial)).toEqual(['A1', 'A2', 'B', '']);
    expect(sorted[2]?.keys.map(({ id, label }) => id + label)).toEqual(['01z', '02a', '02b']);
  });

  test('halves with one ID are a pair; sizes come from the modulus', () => {
    const { n, e } = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const hex = (text = '') => Buffer.from(text, 'base64url').toString('hex');
    const token = rows({
      publicKeys: [rawKey({ modulus: hex(n), publicExponent: hex(e) })],
      privateKeys: [rawKey({ sensitive: true, extractable: false, alwaysSensitive: true, neverExtractable: false }), rawKey({ id: '02', keyType: 3, sensitive: true, extractable: true })],
    });
    expect(token?.keys).toEqual([
      expect.objectContaining({ id: '01', class: 'pair', type: 'rsa', bits: 1024, sensitive: true, extractable: false, alwaysSensitive: true, neverExtractable: false }),
      { id: '02', label: 'k', class: 'private', type: 'ec', bits: null, curve: null, fingerprint: null, sensitive: true, extractable: true, alwaysSensitive: null, neverExtractable: null },
    ]);
  });

  test('what cannot be read does not stop the rest', () => {
    const token = rows({
      publicKeys: [rawKey({ keyType: 3, ecParams: '0000', ecPoint: '04' }), rawKey({ id: null, label: null, keyType: null })],
      certificates: [{ id: '01', label: 'junk', value: '3000' }, { id: '02', label: 'none', value: null }],
    });
    expect(token?.keys.map(({ type, bits }) => [type, bits])).toEqual([['unknown', null], ['ec', null]]);
    expect(token?.certificates).toEqual([]);
  });

  test('the identity does not depend on order, and on nothing else than label, serial and keys', () => {
    expect(tokenIdentity('T', '1', ['b', 'a', 'a'])).toBe(tokenIdentity('T', '1', ['a', 'b']));
    expect(tokenIdentity('T', '1', ['a'])).not.toBe(tokenIdentity('T', '1a', []));
  });
});
