import { expect, test } from 'vitest';
import { createCustodyRegistry } from './custody-registry.ts';

test('a token belongs to the host that shows it first, for the whole run', async () => {
  const registry = createCustodyRegistry();
  expect(await registry.claim('web01', 'm1')).toBeUndefined();
  expect(await registry.claim('web02', 'm2')).toBeUndefined();
  expect(await registry.claim('web01', 'm1')).toBeUndefined();
  expect(await registry.claim('web02', 'm1')).toBe('web01');
  expect(await registry.claim('web03', 'm2')).toBe('web02');
});
