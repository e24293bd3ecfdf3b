import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CheckReport } from '@hsmfleet/contract';
import { openStore } from '@hsmfleet/store';
import { afterAll, expect, test } from 'vitest';
import { startReceiver } from './testkit/receiver.ts';
import { SAMPLE_CHANGES } from './testkit/sample-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-notify-crash-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});
const [location, path] = [join(folder, 'store.sqlite'), join(folder, 'changes.ndjson')];

function start(url: string): { child: ChildProcess; log: () => string } {
  const child = spawn(process.execPath, [fileURLToPath(new URL('testkit/deliver-from-store.ts', import.meta.url)), location, url, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let log = '';
  child.stdout?.on('data', (part: Buffer) => { log += part.toString(); });
  return { child, log: () => log };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a sender that is killed in the middle loses nothing, and tells it again under the same id', async () => {
  const report: CheckReport = {
    schema: 'hsmfleet.check/1', id: '20261124T140000Z-5f3a', schedule: 'hourly', profile: { name: 'p', title: 'P', file: 'p.yml', sha256: '0'.repeat(64) }, user: 'spec', version: '0.1.0',
    startedAt: '2026-11-24T14:00:00.000Z', finishedAt: '2026-11-24T14:00:23.000Z', hosts: ['web01'], controls: [], results: [], warnings: [],
    counts: { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 },
  };
  const store = await openStore(location);
  await store.recordCheck(report, [...SAMPLE_CHANGES], ['hook', 'file']);
  await store.close();

  // the receiver has it, and its answer never arrives
  const server = await startReceiver((response, _, count) => { if (count > 1) response.end('ok'); });
  try {
    const first = start(server.url);
    await server.waitFor(1);
    await kill(first.child);

    const second = start(server.url);
    await server.waitFor(2);
    while (!second.log().includes('told hook of')) await sleep(20);
    // what was told is told no more, however often it looks
    const looks = (): number => second.log().split('looked').length;
    const before = looks();
    while (looks() < before + 3) await sleep(20);
    await kill(second.child);
    expect(server.received).toHaveLength(2);
    expect(server.received[1]?.headers['idempotency-key']).toBe(server.received[0]?.headers['idempotency-key']);
    expect(server.received[1]?.body).toBe(server.received[0]?.body);
    expect((JSON.parse(server.received[1]?.body ?? '') as { changes: unknown[] }).changes).toHaveLength(SAMPLE_CHANGES.length);
  } finally {
    await server.close();
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { id: string });
  expect(new Set(lines.map(({ id }) => id)).size).toBe(SAMPLE_CHANGES.length);
  const after = await openStore(location);
  expect(await after.pendingNotifications(new Date(Date.now() + 86_400_000))).toEqual([]);
  await after.close();
}, 60_000);
