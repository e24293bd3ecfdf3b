import type { TokenRow } from '@hsmfleet/contract';
import { describe, expect, test } from 'vitest';
import { createManifest, preparedToken } from './create-manifest.ts';
import { proveToken } from './prove-token.ts';
import { certificateRow, hashOf, keyRow, MODULE, tokenRow } from './testkit/samples.ts';

const PREPARATION = { by: 'op', at: '2026-03-01T10:00:00.000Z', host: 'station', program: 'hsmfleet 0' };
const prepare = (token: TokenRow, file = 'a.json') => preparedToken(createManifest(MODULE, token, PREPARATION), hashOf(file), file);
const other = tokenRow({ label: 'Web 2', serial: 'DENK02', keys: [keyRow('01', 'three')], certificates: [certificateRow('01', 'three')] });
const prove = (token: TokenRow, prepared = [prepare(tokenRow()), prepare(other, 'b.json')]) => proveToken(prepared, '/p11.so', token, '2026-03-02T00:00:00.000Z');

describe('the token that was prepared', () => {
  test('is known by its keys, certificates and serial number, among several', () => {
    expect(prove(tokenRow())).toEqual({
      at: '2026-03-02T00:00:00.000Z', module: '/p11.so', token: 'Web 1', serial: 'DENK01', identity: hashOf('identity'), verdict: 'proven',
      manifest: hashOf('a.json'), file: 'a.json', preparedBy: 'op', preparedAt: '2026-03-01T10:00:00.000Z', differences: [], notes: [],
    });
    expect(prove(other)).toMatchObject({ verdict: 'proven', file: 'b.json' });
  });

  test('is known through a module that shows no serial number, another label, and no key without a certificate', () => {
    const prepared = [prepare(tokenRow({ keys: [keyRow('01', 'one'), keyRow('02', 'two'), keyRow('09', 'spare')] }))];
    const seen = prove(tokenRow({ label: 'SmartCard-HSM', serial: '\0\0' }), prepared);
    expect(seen).toMatchObject({ verdict: 'proven', serial: '' });
    expect(seen.notes).toEqual([
      'the module shows no serial number: token "SmartCard-HSM" is known by its keys',
      'label "SmartCard-HSM", on the station "Web 1"',
      expect.stringMatching(/^key 09 \(.*\) has no certificate and is not shown: not compared$/),
    ]);
  });

  test('may be shown without certificates of others, and with one of several of a key', () => {
    const prepared = [prepare(tokenRow({ certificates: [certificateRow('01', 'one'), certificateRow('01', 'one', '2'), certificateRow('02', 'two'), certificateRow('', 'ca')] }))];
    const seen = prove(tokenRow(), prepared);
    expect(seen.verdict).toBe('proven');
    expect(seen.notes).toHaveLength(2);
  });
});

describe('what is not as it was prepared', () => {
  const cases: [string, TokenRow, RegExp[]][] = [
    ['another device with the same keys', tokenRow({ serial: 'DENK99' }), [/^serial number: "DENK99" instead of "DENK01"/]],
    ['a key too many', tokenRow({ keys: [...tokenRow().keys, keyRow('07', 'mallory')] }), [/^key 07 "mallory" \(ec prime256v1, [0-9a-f]{16}…\) is on the token, but not in the manifest$/]],
    ['a private key too many', tokenRow({ keys: [...tokenRow().keys, keyRow('07', 'm', { class: 'private', fingerprint: null })] }), [/^key 07 "m" .* is on the token, but not/]],
    ['a key too few', tokenRow({ keys: [keyRow('01', 'one')], certificates: [certificateRow('01', 'one')] }), [/^key 02 \([0-9a-f]{16}…, CN=two\) is missing$/]],
    ['another certificate', tokenRow({ certificates: [certificateRow('01', 'one', '2'), certificateRow('02', 'two')] }), [/^certificate of key 01: [0-9a-f]{16}… \(CN=one, until 2027-.*\) instead of [0-9a-f]{16}… \(CN=one\)$/]],
    ['a certificate too few', tokenRow({ certificates: [certificateRow('01', 'one')] }), [/^certificate [0-9a-f]{16}… \(ID 02, CN=two\) is missing$/]],
    ['a certificate too many', tokenRow({ certificates: [...tokenRow().certificates, certificateRow('05', 'ca')] }), [/^certificate [0-9a-f]{16}… \(ID 05, "ca", CN=ca\) is on the token, but not/]],
    ['all of it', tokenRow({ serial: 'X', keys: [keyRow('01', 'one')], certificates: [] }), [/^serial number/, /^key 02/, /^certificate .* \(ID 01, CN=one\) is missing/]],
  ];
  test.each(cases)('%s', (_title, token, differences) => {
    const seen = prove(token);
    expect(seen).toMatchObject({ verdict: 'differs', file: 'a.json' });
    expect(seen.differences).toEqual(differences.map((pattern) => expect.stringMatching(pattern) as string));
  });

  test('of a token that nobody prepared: says what it has and what was prepared', () => {
    const stranger = tokenRow({ serial: 'DENK77', keys: [keyRow('01', 'x')], certificates: [certificateRow('01', 'x')] });
    const seen = prove(stranger);
    expect(seen).toMatchObject({ verdict: 'unknown', manifest: null });
    expect(seen.differences.join()).toMatch(/^it has serial DENK77, keys [0-9a-f]{16}…; prepared were a\.json: serial DENK01, keys .*; b\.json: serial DENK02/);
  });

  test('a token that shows nothing is nobody', () => {
    expect(prove(tokenRow({ serial: '', keys: [], certificates: [] }))).toMatchObject({ verdict: 'unknown', differences: [expect.stringContaining('neither a serial number nor a public key')] });
  });

  test('of two manifests with the same keys the one counts whose certificates fit', () => {
    const renewed = tokenRow({ certificates: [certificateRow('01', 'one', '2'), certificateRow('02', 'two')] });
    expect(prove(renewed, [prepare(tokenRow(), 'old.json'), prepare(renewed, 'new.json')])).toMatchObject({ verdict: 'proven', file: 'new.json' });
  });
});

test('nothing is vouched for that shows no public half', () => {
  expect(() => createManifest(MODULE, tokenRow({ keys: [keyRow('01', 'one', { class: 'private', fingerprint: null })] }), PREPARATION)).toThrow(/key 01 "one" on token "Web 1" shows no public half/);
  expect(() => createManifest(MODULE, tokenRow({ keys: [] }), PREPARATION)).toThrow(/shows no key to vouch for/);
});
