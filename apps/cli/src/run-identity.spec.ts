import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { newRunId, runUser } from './run-identity.ts';

it('makes run ids that sort by time and that plans take', () => {
  const [early, late] = [newRunId(new Date('2026-01-02T03:04:05Z')), newRunId(new Date('2026-01-02T03:04:06Z'))];
  expect(early).toMatch(/^20260102-030405-[0-9a-f]{6}$/);
  expect(early < late).toBe(true);
  expect(newRunId()).toMatch(/^[0-9A-Za-z-]{8,64}$/);
  expect(newRunId()).not.toBe(newRunId());
});

it('names the person behind sudo', () => {
  expect(runUser({ SUDO_USER: 'anna' })).toBe(`anna@${hostname()}`);
  expect(runUser({})).toMatch(/^[^@]+@/);
});
