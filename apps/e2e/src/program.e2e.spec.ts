import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from './fleet.ts';

/* The program and its commands as a person meets them. */
const program = join(ROOT, 'apps/cli/bin/hsmfleet');

test('--help names every command and starts within 150 ms', async () => {
  const times: number[] = [];
  for (let count = 0; count < 7; count += 1) {
    const started = performance.now();
    const ended = await run([program, '--help']);
    times.push(performance.now() - started);
    expect(ended.code).toBe(0);
    for (const command of ['apply', 'hosts', 'inventory', 'query']) expect(ended.stdout).toContain(command);
  }
  // the fastest of a few: other work on the machine must not fail the test
  expect(Math.min(...times)).toBeLessThan(150);
});
