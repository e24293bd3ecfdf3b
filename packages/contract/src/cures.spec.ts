import { expect, test } from 'vitest';
import { ERROR_CURES } from './cures.ts';
import { ERROR_CODES } from './error.ts';

test('every error code has a cure of its own, in sentences', () => {
  expect(Object.keys(ERROR_CURES).sort()).toEqual(Object.keys(ERROR_CODES).sort());
  for (const [code, cure] of Object.entries(ERROR_CURES)) expect(cure, code).toMatch(/^[A-Z].{30,}\.$/s);
  expect(new Set(Object.values(ERROR_CURES)).size).toBe(Object.keys(ERROR_CODES).length);
});
