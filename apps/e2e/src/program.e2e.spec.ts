import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from './fleet.ts';

/* The program and its commands as a person meets them. */
const program = join(ROOT, 'apps/cli/bin/hsmfleet');

test('--help names every command and starts within 150 ms', async () => {
  const times: number[] = [];
  const bare: number[] = [];
  const timed = async (into: number[], argv: readonly string[]): Promise<string> => {
    const started = performance.now();
    const ended = await run(argv);
    into.push(performance.now() - started);
    expect(ended.code).toBe(0);
    return ended.stdout;
  };
  for (let count = 0; count < 9; count += 1) {
    await timed(bare, [process.execPath, '-e', '0']);
    const help = await timed(times, [program, '--help']);
    for (const command of ['apply', 'hosts', 'inventory', 'query']) expect(help).toContain(command);
  }
  // the fastest of a few, beside an empty program: a slow or busy machine (an empty Node over 60 ms) gets its factor
  const allowed = 150 * Math.max(1, Math.min(...bare) / 60);
  expect(Math.min(...times)).toBeLessThan(allowed);
});
