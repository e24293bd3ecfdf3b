import { afterEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './testkit/start-server.ts';

const API = '/api/v1';
let at: TestServer | undefined;
afterEach(async () => { await at?.server.close(); });

const wrong = (n: number): string => `vera.${String(n).padStart(43, 'A')}`;

test('wrong tokens are slowed down, as bearer and at the login, and the right one waits too', async () => {
  let now = 1_800_000_000_000;
  at = await startTestServer({ now: () => now, limits: { attempts: { free: 3, firstWaitMs: 4_000 } } });
  const statuses: number[] = [];
  for (let n = 0; n < 3; n += 1) statuses.push((await at.ask(`${API}/session`, { method: 'POST', body: { token: wrong(n) } })).status);
  expect(statuses).toEqual([401, 401, 401]);
  const limited = await at.ask(`${API}/session`, { method: 'POST', body: { token: wrong(4) } });
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '4']);
  expect((await at.ask(`${API}/overview`, { token: wrong(5) })).status).toBe(429);
  // nobody learns during the wait whether a token is right
  expect((await at.ask(`${API}/session`, { method: 'POST', body: { token: at.tokens.viewer } })).status).toBe(429);
  now += 4_001;
  expect((await at.ask(`${API}/session`, { method: 'POST', body: { token: wrong(6) } })).status).toBe(401);
  const doubled = await at.ask(`${API}/session`, { method: 'POST', body: { token: wrong(7) } });
  expect([doubled.status, doubled.headers.get('retry-after')]).toEqual([429, '8']);
  now += 8_001;
  expect((await at.ask(`${API}/session`, { method: 'POST', body: { token: at.tokens.viewer } })).status).toBe(200);
});

test('many at the same time are no way around', async () => {
  at = await startTestServer({ limits: { attempts: { free: 4 } } });
  const { ask } = at;
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => ask(`${API}/session`, { method: 'POST', body: { token: wrong(n) } })));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401).length).toBe(4);
  expect(statuses.filter((status) => status === 429).length).toBe(26);
});

test('right tokens never count, however many come', async () => {
  at = await startTestServer({ limits: { attempts: { free: 2 } } });
  const { ask, tokens } = at;
  expect((await ask(`${API}/session`, { token: wrong(1) })).status).toBe(401);
  for (let n = 0; n < 20; n += 1) expect((await ask(`${API}/session`, { token: tokens.viewer })).status).toBe(200);
  expect((await ask(`${API}/session`, { token: wrong(2) })).status).toBe(401);
  // those that were found right before are not held up by the wrong ones of a neighbour at the same address
  expect((await ask(`${API}/session`, { token: wrong(3) })).status).toBe(429);
  expect((await ask(`${API}/session`, { token: tokens.viewer })).status).toBe(200);
});
