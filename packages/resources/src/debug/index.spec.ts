import { Secret } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { resource } from './index.ts';

test.each<[string, Record<string, unknown>, string | undefined, unknown]>([
  ['text', { msg: 'hello' }, 'hello', { msg: 'hello' }],
  ['nothing', {}, 'Hello world!', { msg: 'Hello world!' }],
  ['a mapping', { msg: { a: [1] } }, '{\n  "a": [\n    1\n  ]\n}', { msg: { a: [1] } }],
  ['a number', { msg: 0 }, '0', { msg: 0 }],
  ['a variable', { var: { expression: 'x.y', value: true } }, 'x.y: true', { 'x.y': true }],
  ['a variable that does not exist', { var: { expression: 'x', value: undefined } }, 'x: VARIABLE IS NOT DEFINED!', { x: 'VARIABLE IS NOT DEFINED!' }],
  ['only for the curious', { msg: 'hello', verbosity: 2 }, undefined, { msg: 'hello' }],
])('%s', (_title, params, message, result) => {
  const outcome = resource.plan(params, null, {});
  expect(outcome.steps).toEqual([]);
  expect(outcome.message).toBe(message);
  expect(outcome.result).toEqual(result);
});

test('a secret is masked, wherever it is', () => {
  const pin = new Secret('648219');
  for (const params of [{ msg: pin }, { msg: { deep: [pin] } }, { var: { expression: 'pin', value: pin } }]) {
    const { message } = resource.plan(params, null, {});
    expect(message).toContain('[secret]');
    expect(message).not.toContain('648219');
  }
});
