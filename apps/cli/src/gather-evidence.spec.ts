import type { EventBody, RunEvent } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { ReachReader } from './gather-evidence.ts';

const event = (host: string, body: EventBody): RunEvent => ({ seq: 0, at: '2026-03-10T12:00:00.000Z', run: 'r', host, ...body }) as RunEvent;
const failed = (code: string): EventBody => ({
  type: 'task_finished', task: '0.t0', name: 'Inventory', resource: 'inventory', handler: false, outcome: 'failed', ignored: false, durationMs: 1,
  changes: [], warnings: [], diffs: [], error: { code, message: code },
});

test('how hosts answered follows from the events of a run; one that said nothing has not answered', () => {
  const reader = new ReachReader(['good', 'bad', 'busy', 'lost', 'silent']);
  for (const each of [
    event('good', { type: 'host_finished', play: 0, status: 'ok' }),
    event('bad', failed('TASK_FAILED')), event('bad', { type: 'host_finished', play: 0, status: 'failed' }),
    event('busy', { type: 'host_finished', play: 0, status: 'refused', error: { code: 'HOST_BUSY', message: 'busy' } }),
    event('lost', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }),
  ]) reader.add(each);
  expect(Object.fromEntries([...reader.hosts].map(([host, { status, error }]) => [host, [status, error?.code]]))).toEqual({
    good: ['ok', undefined], bad: ['failed', 'TASK_FAILED'], busy: ['refused', 'HOST_BUSY'], lost: ['unreachable', 'UNREACHABLE'], silent: ['stopped', undefined],
  });
});
