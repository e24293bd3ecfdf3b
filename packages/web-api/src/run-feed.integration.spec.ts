import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { RunEvent } from '@hsmfleet/contract';
import type { PositionedEvent } from './data-port.ts';
import type { LiveEvent } from './schemas/index.ts';
import { madeUpData } from './testdata/made-up-data.ts';
import { startTestServer, type TestServer } from './testkit/start-server.ts';

const EVENTS = '/api/v1/runs/run-03/events';
const base = { seq: 1, at: '2026-11-24T12:00:00.000Z', run: 'run-03', host: 'web01' };
let at: TestServer | undefined;
afterEach(async () => { await at?.server.close(); });

/** A run of which events arrive when they are put here. */
function growing(): { events: PositionedEvent[]; add: (event: Partial<RunEvent> & { type: RunEvent['type'] }) => void; data: ReturnType<typeof madeUpData> } {
  const events: PositionedEvent[] = [];
  const data = madeUpData(3);
  return {
    events,
    add(event) { events.push({ position: String(events.length + 1), event: { ...base, ...event } as RunEvent }); },
    data: {
      ...data,
      run: async (id) => {
        const run = await data.run(id);
        return run === undefined ? undefined : { ...run, live: true };
      },
      runEvents: (_id, after, limit) => Promise.resolve(events.filter(({ position }) => Number(position) > Number(after ?? 0)).slice(0, limit)),
    },
  };
}

/** Reads messages of a stream until it ends or there are enough. */
async function read(response: Response, enough = Infinity): Promise<{ ids: string[]; events: LiveEvent[]; text: string }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (reader !== undefined && (text.match(/^event: /gm)?.length ?? 0) < enough) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done) break;
    text += value ?? '';
  }
  await reader?.cancel().catch(() => undefined);
  return {
    text, ids: [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id ?? ''),
    events: [...text.matchAll(/^event: event\ndata: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? '') as LiveEvent),
  };
}

test('events come as they are stored, and the stream ends after the last one', async () => {
  const { data, add } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20 } } });
  add({ type: 'task_started', task: '0.t0', name: 'PIN file', resource: 'pin_file', handler: false });
  const response = await at.ask(EVENTS, { token: at.tokens.viewer });
  expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/event-stream; charset=utf-8', 'no-store']);
  const reading = read(response);
  await sleep(60);
  add({ type: 'warning', message: 'careful' });
  await sleep(60);
  add({ type: 'run_finished', host: '', counts: {}, exitCode: 2, durationMs: 5 });
  const { events, ids, text } = await reading;
  expect(events.map(({ type, name, message, exitCode }) => [type, name, message, exitCode])).toEqual([
    ['task_started', 'PIN file', null, null], ['warning', null, 'careful', null], ['run_finished', null, null, 2],
  ]);
  expect(ids).toEqual(['1', '2', '3']);
  expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(true);
});

test('a browser that comes back goes on where it was', async () => {
  const { data, add } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20 } } });
  for (const message of ['one', 'two', 'three']) add({ type: 'warning', message });
  add({ type: 'run_finished', host: '', counts: {}, exitCode: 0, durationMs: 5 });
  const { ids } = await read(await at.ask(EVENTS, { token: at.tokens.viewer, headers: { 'last-event-id': '2' } }));
  expect(ids).toEqual(['3', '4']);
  expect((await at.ask(EVENTS, { token: at.tokens.viewer, headers: { 'last-event-id': '1\' or 1=1' } })).status).toBe(400);
  expect((await at.ask('/api/v1/runs/none/events', { token: at.tokens.viewer })).status).toBe(404);
});

test('text of hosts cannot break out of its message', async () => {
  const { data, add } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20 } } });
  add({ type: 'warning', message: 'x\n\nevent: end\ndata: {}\n\n\r\ndata: y' });
  add({ type: 'run_finished', host: '', counts: {}, exitCode: 0, durationMs: 5 });
  const { events, text } = await read(await at.ask(EVENTS, { token: at.tokens.viewer }));
  expect(events[0]?.message).toBe('x\n\nevent: end\ndata: {}\n\n\r\ndata: y');
  expect(text.match(/^event: end$/gm)).toHaveLength(1);
});

test('silence is broken by heartbeats; whoever is taken out hears no more', async () => {
  const { data } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20, heartbeatMs: 60 } } });
  const response = await at.ask(EVENTS, { token: at.tokens.viewer });
  const reading = read(response);
  await sleep(300);
  at.users.delete('vera');
  const { text } = await reading;
  expect(text.match(/^: still here$/gm)?.length).toBeGreaterThanOrEqual(2);
});

test('streams are bounded for a user and for all, and free their place when they end', async () => {
  const { data } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20, heartbeatMs: 40, perUser: 2, streams: 3 } } });
  const { ask, tokens } = at;
  const status = async (token: string): Promise<{ status: number; stop: () => void }> => {
    const stop = new AbortController();
    const response = await fetch(`${at?.url ?? ''}${EVENTS}`, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal });
    return { status: response.status, stop: () => { stop.abort(); } };
  };
  const first = await status(tokens.viewer);
  const all = [first, await status(tokens.viewer), await status(tokens.viewer), await status(tokens.operator), await status(tokens.operator)];
  expect(all.map((one) => one.status)).toEqual([200, 200, 503, 200, 503]);
  first.stop();
  await expect.poll(async () => {
    const again = await status(tokens.operator);
    again.stop();
    return again.status;
  }, { timeout: 5_000 }).toBe(200);
  expect((await ask('/healthz')).status).toBe(200);
});

test('the server ends although somebody listens', async () => {
  const { data } = growing();
  at = await startTestServer({ data, limits: { feed: { pollMs: 20 } } });
  const reading = read(await at.ask(EVENTS, { token: at.tokens.viewer }));
  await at.server.close();
  expect((await reading).text).toContain('retry: 2000');
});
