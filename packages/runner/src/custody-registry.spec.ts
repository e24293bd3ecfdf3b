import { expect, test } from 'vitest';
import { createCustodyRegistry } from './custody-registry.ts';

test('a token belongs to the host that shows it first, for the whole run', () => {
  const registry = createCustodyRegistry();
  expect(registry.claim('web01', 'm1')).toBeUndefined();
  expect(registry.claim('web02', 'm2')).toBeUndefined();
  expect(registry.claim('web01', 'm1')).toBeUndefined();
  expect(registry.claim('web02', 'm1')).toBe('web01');
  expect(registry.claim('web03', 'm2')).toBe('web02');
});
