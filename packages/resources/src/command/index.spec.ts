import type { StepResult } from '@hsmfleet/resource';
import { readCases, runCase } from '@hsmfleet/resource/testkit';
import { expect, test } from 'vitest';
import { resource } from './index.ts';

test.each(readCases(import.meta.url))('$title', (planCase) => {
  expect(runCase(resource, planCase)).toEqual(planCase.expect);
});

const done: StepResult = {
  step: { kind: 'run', argv: ['x', 'y'], why: '' }, code: 3, stdout: 'a\nb\n\n', stderr: '', startedAt: '2026-01-01T00:00:00.000Z', durationMs: 1500,
};

test("what is registered has Ansible's shape", () => {
  expect(resource.result?.({ cmd: 'x y' }, {}, [done])).toEqual({
    rc: 3, stdout: 'a\nb', stderr: '', stdout_lines: ['a', 'b'], stderr_lines: [], cmd: ['x', 'y'],
    start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:00:01.500Z', delta: 1.5,
  });
  expect(resource.result?.({ cmd: 'x', strip_empty_ends: false }, {}, [done])?.stdout).toBe('a\nb\n\n');
});

test('a command that was not run is registered too', () => {
  const outcome = resource.plan({ cmd: 'x', creates: '/a' }, { createsExists: true, removesExists: false }, {});
  expect(outcome.result).toMatchObject({ rc: 0, stdout: 'skipped, since /a exists' });
});
