import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody, RunEvent } from '@hsmfleet/contract';
import { CONTROL_SEQ_BASE } from '@hsmfleet/contract';
import { openStore, type Store } from '@hsmfleet/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunFollower } from './run-follower.ts';

const RUN = 'run-00001';
let folder: string;
let store: Store;
let told: string[];
let follower: RunFollower;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-follow-'));
  store = await openStore(join(folder, 'store.db'));
  told = [];
  follower = new RunFollower(store, RUN, ({ host, seq }) => told.push(`${host} ${seq < CONTROL_SEQ_BASE ? String(seq) : `+${String(seq - CONTROL_SEQ_BASE)}`}`));
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Stores warnings with these numbers. */
async function write(host: string, ...seqs: number[]): Promise<void> {
  const body: EventBody = { type: 'warning', message: 'x' };
  for (const seq of seqs) store.appendEvent({ seq, at: '2026-11-24T12:00:00.000Z', run: RUN, host, ...body } as RunEvent);
  await store.flush();
}

test('tells each event once, and those of the run itself never', async () => {
  await write('', 0, 1);
  await write('a', CONTROL_SEQ_BASE, 0, 1);
  await follower.poll();
  await follower.poll();
  expect(told).toEqual(['a +0', 'a 0', 'a 1']);
  await write('a', 2, CONTROL_SEQ_BASE + 50_000);
  await follower.complete(['a']);
  await follower.poll();
  expect(told).toEqual(['a +0', 'a 0', 'a 1', 'a 2', 'a +50000']);
});

test('a host with a gap waits until it is complete; others do not', async () => {
  await write('a', 0, 2);
  await write('b', 0);
  await follower.poll();
  expect(told).toEqual(['a 0', 'b 0']);
  await write('a', 1, 3);
  await follower.poll();
  expect(told).toEqual(['a 0', 'b 0']);
  await follower.complete(['a']);
  expect([...told].sort()).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'b 0']);
  await write('a', 4);
  await follower.poll();
  expect(told.at(-1)).toBe('a 4');
});

test('tells hosts that were never looked at when they are complete, and only those', async () => {
  await write('a', 0, 1);
  await write('b', 0);
  await follower.complete(['a']);
  expect(told).toEqual(['a 0', 'a 1']);
});
