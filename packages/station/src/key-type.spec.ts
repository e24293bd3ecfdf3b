import { expect, test } from 'vitest';
import { formatKeyType, isWeak, parseKeyId, parseKeyType } from './key-type.ts';

test.each([
  ['rsa:2048', 'rsa:2048'], ['RSA:1024', 'rsa:1024'], ['EC:prime256v1', 'EC:prime256v1'], ['ec:P-384', 'EC:secp384r1'], ['EC:brainpoolp512R1', 'EC:brainpoolP512r1'],
])('%s is the key type %s', (text, formatted) => {
  expect(formatKeyType(parseKeyType(text))).toBe(formatted);
});

test.each(['', 'rsa', 'rsa:512', 'rsa:2047', 'EC:secp192k1', 'EC:', 'dsa:2048', 'EC:constructor'])('%s is no key type', (text) => {
  expect(() => parseKeyType(text)).toThrow(/is no key type/);
});

test('only short RSA keys are weak', () => {
  expect(['rsa:1024', 'rsa:2048', 'EC:prime256v1'].map((text) => isWeak(parseKeyType(text)))).toEqual([true, false, false]);
});

test('IDs are hex bytes', () => {
  expect(['03', '0A:1b', '0a1B'].map(parseKeyId)).toEqual(['03', '0a1b', '0a1b']);
  for (const text of ['', '3', '0x03', 'zz', '0a1']) expect(() => parseKeyId(text)).toThrow(/is no ID/);
});
