import { Secret } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { resource } from './index.ts';

test('variables are set as they are, types and secrets kept', () => {
  const pin = new Secret('648219');
  const outcome = resource.plan({ a: 1, b: ['x'], pin, cacheable: true }, null, {});
  expect(outcome.steps).toEqual([]);
  expect(outcome.setVars).toEqual({ a: 1, b: ['x'], pin });
  expect(outcome.setVars?.pin).toBe(pin);
  expect(outcome.result).toEqual({ ansible_facts: { a: 1, b: ['x'], pin } });
});
