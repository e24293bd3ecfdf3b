import { expect, it } from 'vitest';
import { moduleTargets } from './collect-inventory.ts';

it('gives every library of -m the variables of --module-env', () => {
  expect(moduleTargets([], [])).toEqual([]);
  expect(moduleTargets(['/a.so'], [])).toEqual(['/a.so']);
  expect(moduleTargets(['/a.so', '/b.so'], ['X=1', 'ADDRESS=unix:path=/run/x'])).toEqual([
    { path: '/a.so', env: { X: '1', ADDRESS: 'unix:path=/run/x' } }, { path: '/b.so', env: { X: '1', ADDRESS: 'unix:path=/run/x' } },
  ]);
});
