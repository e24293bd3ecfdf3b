import type { LiveEvent, RunHost } from '@hsmfleet/web-api/schemas';
import { expect, test } from 'vitest';
import { addEvents, emptyRun, LOG_LINES, mergeHosts } from './live-run.ts';

const event = (type: LiveEvent['type'], more: Partial<LiveEvent> = {}): LiveEvent => ({
  type, at: '2026-11-24T12:00:00.000Z', host: '', task: null, name: null, outcome: null, status: null, changes: [], message: null, exitCode: null, hosts: null, ...more,
});

test('a host is at work on a task, says what it does, and is done', () => {
  let run = addEvents(emptyRun(), [event('run_started', { hosts: 24 }), event('play_started', { name: 'webservers' }), event('task_started', { host: 'web01', name: 'PIN file' })]);
  expect(run).toMatchObject({ play: 'webservers', size: 24 });
  expect(run.hosts.get('web01')).toEqual({ status: 'running', now: 'PIN file', ended: 0, changed: 0, failed: 0 });
  run = addEvents(run, [event('progress', { host: 'web01', message: 'waits for the canary' })]);
  expect(run.hosts.get('web01')?.now).toBe('waits for the canary');
  run = addEvents(run, [
    event('task_finished', { host: 'web01', name: 'PIN file', outcome: 'changed', changes: ['write /etc/pin', 'mode 0600'] }),
    event('host_finished', { host: 'web01', status: 'ok' }),
    event('run_finished', { exitCode: 0 }),
  ]);
  expect(run.hosts.get('web01')).toEqual({ status: 'ok', now: null, ended: 1, changed: 1, failed: 0 });
  expect(run).toMatchObject({ finished: true, exitCode: 0 });
  expect(run.log.map(({ text }) => text)).toEqual(['finished with exit code 0', 'PIN file: write /etc/pin; mode 0600']);
});

test('what goes wrong is in the log with its reason', () => {
  const run = addEvents(emptyRun(), [
    event('task_finished', { host: 'web02', name: 'module', outcome: 'refused', message: 'the module is writable' }),
    event('host_finished', { host: 'web02', status: 'refused', message: 'the module is writable' }),
    event('host_unreachable', { host: 'web03', message: 'no route' }),
  ]);
  expect(run.log.map(({ host, text }) => [host, text])).toEqual([
    ['web03', 'unreachable: no route'],
    ['web02', 'refused: the module is writable'],
    ['web02', 'module refused: the module is writable'],
  ]);
  expect(run.hosts.get('web02')).toMatchObject({ status: 'refused', failed: 1 });
});

test('the log of a long run stays short', () => {
  const run = addEvents(emptyRun(), Array.from({ length: 500 }, (_, index) => event('warning', { message: String(index) })));
  expect(run.log).toHaveLength(LOG_LINES);
  expect(run.log[0]?.text).toBe('499');
});

test('hosts that only the store knows stay, those that events told of are newer', () => {
  const stored = (host: string): RunHost => ({ host, status: 'running', error: null, ok: 1, changed: 1, skipped: 0, failed: 0, refused: 0, ignored: 0, lastEventAt: '' });
  const run = addEvents(emptyRun(), [event('host_finished', { host: 'b', status: 'failed' }), event('task_started', { host: 'c', name: 'x' })]);
  expect(mergeHosts([stored('a'), stored('b')], run).map(({ host, status }) => [host, status])).toEqual([['a', 'running'], ['b', 'failed'], ['c', 'running']]);
});
