import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { holdStore } from './hold-store.ts';
import { openStore } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-hold-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
const holder = { user: 'anna@desk', pid: 4711, since: '2026-03-01T00:00:00.000Z', file: '/etc/hsmfleet/serve.yml' };

it('one holds a store; another is told who, and may use it all the same', async () => {
  const location = join(folder, 'one.db');
  const hold = await holdStore(location, holder);
  await expect(holdStore(location, { ...holder, user: 'otto@desk' })).rejects.toThrow(
    `the schedules of the store ${location} are run by anna@desk already (process 4711, since 2026-03-01T00:00:00.000Z, /etc/hsmfleet/serve.yml)`,
  );
  const store = await openStore(location);
  await store.saveScheduleState({ name: 'a', lastDueAt: null, lastStartedAt: null, lastFinishedAt: null, running: null, outcome: null, error: null });
  expect(await store.scheduleStates()).toHaveLength(1);
  await store.close();
  await hold.release();
  const next = await holdStore(location, { ...holder, user: 'otto@desk' });
  await next.release();
});

it('a process that is killed holds it no more', async () => {
  const location = join(folder, 'two.db');
  const script = `import { holdStore } from ${JSON.stringify(new URL('hold-store.ts', import.meta.url).href)};
    await holdStore(${JSON.stringify(location)}, ${JSON.stringify(holder)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await expect(holdStore(location, holder)).rejects.toThrow('already');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await holdStore(location, holder)).release();
});
