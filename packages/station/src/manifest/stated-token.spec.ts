import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { SlotToken, TokenObject } from '../port.ts';
import { statedToken } from './stated-token.ts';

const token = { label: 'Web', serial: 'S1', manufacturer: 'M', model: 'HSM' } as SlotToken;
const object = (more: Partial<TokenObject>): TokenObject => ({
  handle: '1', class: 'public', id: '01', label: 'web', keyType: 'ec', bits: 256, curve: 'prime256v1', fingerprint: 'a'.repeat(64), spki: null, value: null,
  subject: null, notAfter: null, usage: [], access: [], ...more,
});
const identityOf = (label: string, serial: string, fingerprints: readonly string[]): string => [label, serial, ...[...fingerprints].sort()].join(' ');

test('halves of a key are one row, with what the private half lets one see', () => {
  const stated = statedToken(token, [
    object({ class: 'private', id: '02', label: 'old', fingerprint: null, access: ['NOT SENSITIVE', 'EXTRACTABLE'] }),
    object({ id: '02', label: 'old', fingerprint: 'b'.repeat(64), keyType: 'rsa', bits: 1024, curve: null }),
    object({}),
    object({ class: 'private', fingerprint: null, access: ['always sensitive', 'never extractable'] }),
    object({ class: 'data', id: '' }),
  ], identityOf);
  expect(stated.keys).toEqual([
    { id: '01', label: 'web', class: 'pair', type: 'ec', bits: 256, curve: 'prime256v1', fingerprint: 'a'.repeat(64), sensitive: true, extractable: false },
    { id: '02', label: 'old', class: 'pair', type: 'rsa', bits: 1024, curve: null, fingerprint: 'b'.repeat(64), sensitive: false, extractable: true },
  ]);
  expect(stated).toMatchObject({ label: 'Web', serial: 'S1', certificates: [], identity: `Web S1 ${'a'.repeat(64)} ${'b'.repeat(64)}` });
});

test('bytes that are no certificate are none', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const stated = statedToken(token, [object({ class: 'certificate', value: publicKey.export({ type: 'spki', format: 'der' }) })], identityOf);
  expect(stated.certificates).toEqual([]);
});
