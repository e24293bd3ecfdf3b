import type { EventBody, RunEvent } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { DriftReader } from './read-drift.ts';

const AT = '2026-03-10T12:00:00.000Z';
const event = (host: string, body: EventBody): RunEvent => ({ seq: 0, at: AT, run: 'r', host, ...body }) as RunEvent;
const task = (name: string, outcome: 'ok' | 'changed' | 'skipped' | 'failed', more: object = {}): EventBody => ({
  type: 'task_finished', task: '0.t0', name, resource: 'file', handler: false, outcome, ignored: false, durationMs: 1,
  changes: outcome === 'changed' ? ['write /etc/x'] : [], warnings: [], diffs: [], ...more,
});
const broken = { code: 'TASK_FAILED', message: 'it broke' };

test('what a playbook would do is told by host, and how far it came', () => {
  const reader = new DriftReader();
  for (const each of [
    event('', { type: 'play_started', play: 0, name: 'p', hosts: ['a', 'b', 'c', 'd'], tasks: 2 }),
    event('a', task('A', 'changed')), event('a', task('B', 'skipped')), event('a', { type: 'host_finished', play: 0, status: 'ok' }),
    event('b', task('A', 'failed', { error: broken })), event('b', { type: 'host_finished', play: 0, status: 'failed' }),
    event('c', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }),
    event('d', task('A', 'failed', { error: broken, ignored: true })), event('d', { type: 'host_finished', play: 0, status: 'stopped' }),
  ]) reader.add(each);
  expect([...reader.hosts.keys()]).toEqual(['a', 'b', 'c', 'd']);
  expect(reader.hosts.get('a')).toMatchObject({ error: null, at: AT, tasks: [{ name: 'A', outcome: 'changed', changes: ['write /etc/x'] }, { name: 'B', outcome: 'skipped' }] });
  expect(reader.hosts.get('b')?.error).toEqual(broken);
  expect(reader.hosts.get('c')).toMatchObject({ tasks: [], error: { code: 'UNREACHABLE' } });
  expect(reader.hosts.get('d')?.error?.message).toBe('the playbook ended on the host as stopped');
});
