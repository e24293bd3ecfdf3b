import { Value } from '@sinclair/typebox/value';
import { expect, test } from 'vitest';
import { Mode, formatMode, parseMode } from './schema.ts';

test.each<[unknown, boolean]>([
  ['0644', true], ['644', true], ['04755', true], [0o644, true], [0o2755, true],
  ['u+rw', false], ['0888', false], [644, false], [755, false], [600, false], [-1, false],
])('mode %s: %s', (mode, good) => {
  expect(Value.Check(Mode, mode)).toBe(good);
});

test('modes are read as octal and printed with four digits', () => {
  expect(parseMode('0644')).toBe(0o644);
  expect(parseMode('644')).toBe(0o644);
  expect(parseMode(420)).toBe(0o644);
  expect(formatMode(0o644)).toBe('0644');
  expect(formatMode(0o4755)).toBe('4755');
});
