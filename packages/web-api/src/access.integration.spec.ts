import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './testkit/start-server.ts';

const API = '/api/v1';
let at: TestServer;

beforeAll(async () => { at = await startTestServer(); });
afterAll(() => at.server.close());

/** An address that the route takes. */
const addressOf = (url: string): string => url.replace(':host', 'web0001.ber.example.org').replaceAll(/:[a-z]+/g, 'x');

test('every route says whom it serves, and only these serve everybody', () => {
  expect(at.server.routes.length).toBeGreaterThan(20);
  expect(at.server.routes.filter(({ access }) => access === 'public').map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
    'GET /api/v1/openapi.json', 'GET /healthz', 'POST /api/v1/session',
  ]);
  expect(at.server.routes.filter(({ access }) => access === 'operator').map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /api/v1/schedules/:name/run']);
});

test('without a token no other route answers', async () => {
  for (const { method, url } of at.server.routes.filter(({ access }) => access !== 'public')) {
    const response = await at.ask(addressOf(url), { method });
    expect([method, url, response.status]).toEqual([method, url, 401]);
    expect(await response.json()).toEqual({ error: { code: 'UNAUTHENTICATED', message: 'this takes a login' } });
  }
});

test.each(['vera.wrong', 'vera', 'nobody.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '..', "' or 1=1 --"])('the token %j lets nobody in', async (token) => {
  const own = await startTestServer();
  try {
    expect((await own.ask(`${API}/overview`, { token })).status).toBe(401);
    expect((await own.ask(`${API}/session`, { method: 'POST', body: { token } })).status).toBe(401);
  } finally {
    await own.server.close();
  }
});

test('a viewer may look and not start schedules; an operator may do both', async () => {
  const run = `${API}/schedules/nightly/run`;
  expect((await at.ask(`${API}/overview`, { token: at.tokens.viewer })).status).toBe(200);
  const refused = await at.ask(run, { method: 'POST', token: at.tokens.viewer });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toEqual({ error: { code: 'FORBIDDEN', message: 'vera has the role viewer, and this takes the role operator' } });
  const started = await at.ask(run, { method: 'POST', token: at.tokens.operator });
  expect([started.status, await started.json()]).toEqual([200, { check: 'run-00' }]);
  expect((await at.ask(run, { method: 'POST', token: at.tokens.operator })).status).toBe(409);
});

describe('sessions', () => {
  test('log in, ask, and log out', async () => {
    const { cookie, csrf, response } = await at.login(at.tokens.viewer);
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(/^hsmfleet=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(await response.json()).toEqual({ user: 'vera', role: 'viewer', csrf, expiresAt: expect.stringMatching(/Z$/) as string, idleSeconds: 1_800 });
    expect(await (await at.ask(`${API}/session`, { headers: { cookie } })).json()).toMatchObject({ user: 'vera', csrf });
    const out = await at.ask(`${API}/session`, { method: 'DELETE', headers: { cookie, 'x-csrf-token': csrf } });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, 'hsmfleet=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0']);
    expect((await at.ask(`${API}/overview`, { headers: { cookie } })).status).toBe(401);
  });

  test('an id that came with the request never becomes a session, and a login ends the one before', async () => {
    const fixed = `hsmfleet=${'A'.repeat(43)}`;
    const response = await at.ask(`${API}/session`, { method: 'POST', body: { token: at.tokens.viewer }, headers: { cookie: fixed } });
    const first = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(first).not.toBe(fixed);
    expect((await at.ask(`${API}/overview`, { headers: { cookie: fixed } })).status).toBe(401);
    const again = await at.ask(`${API}/session`, { method: 'POST', body: { token: at.tokens.viewer }, headers: { cookie: first } });
    expect(again.headers.get('set-cookie')?.split(';')[0]).not.toBe(first);
    expect((await at.ask(`${API}/overview`, { headers: { cookie: first } })).status).toBe(401);
  });

  test('two cookies of the name are none: somebody else set one of them', async () => {
    const { cookie } = await at.login(at.tokens.viewer);
    expect((await at.ask(`${API}/overview`, { headers: { cookie: `hsmfleet=${'B'.repeat(43)}; ${cookie}` } })).status).toBe(401);
    expect((await at.ask(`${API}/overview`, { headers: { cookie: `theme=dark; ${cookie}` } })).status).toBe(200);
  });

  test('a session ends when nobody uses it, and at its end although somebody does', async () => {
    let now = 1_800_000_000_000;
    const own = await startTestServer({ now: () => now, limits: { sessions: { idleMs: 60_000, absoluteMs: 150_000 } } });
    try {
      const idle = await own.login(own.tokens.viewer);
      const used = await own.login(own.tokens.viewer);
      const status = async ({ cookie }: { cookie: string }): Promise<number> => (await own.ask(`${API}/session`, { headers: { cookie } })).status;
      now += 50_000;
      expect(await status(used)).toBe(200);
      now += 50_000;
      expect([await status(used), await status(idle)]).toEqual([200, 401]);
      now += 50_000;
      expect(await status(used)).toBe(401);
    } finally {
      await own.server.close();
    }
  });

  test('whoever is taken out, or has a new token, is out at once', async () => {
    const own = await startTestServer();
    try {
      const { cookie } = await own.login(own.tokens.viewer);
      const vera = own.users.get('vera');
      own.users.set('vera', { name: 'vera', role: 'viewer', token: 'scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' });
      expect((await own.ask(`${API}/overview`, { headers: { cookie } })).status).toBe(401);
      if (vera !== undefined) own.users.set('vera', vera);
      expect((await own.ask(`${API}/overview`, { token: own.tokens.viewer })).status).toBe(200);
      own.users.delete('vera');
      expect((await own.ask(`${API}/overview`, { token: own.tokens.viewer })).status).toBe(401);
    } finally {
      await own.server.close();
    }
  });
});

test('the log tells who came in and who did not, and never a token', async () => {
  const log: string[] = [];
  const own = await startTestServer({ log: ({ level, message }) => { log.push(`${level}: ${message}`); } });
  try {
    await own.login(own.tokens.operator);
    await own.ask(`${API}/session`, { token: own.tokens.operator });
    await own.ask(`${API}/schedules/nightly/run`, { method: 'POST', token: own.tokens.operator });
    await own.login(`otto.${'A'.repeat(43)}`);
    expect(log).toEqual([
      `info: otto from 127.0.0.1: POST ${API}/session`, `info: otto from 127.0.0.1: POST ${API}/schedules/nightly/run`, 'warn: a wrong token from 127.0.0.1',
    ]);
  } finally {
    await own.server.close();
  }
});

describe('requests that a page of somebody else makes', () => {
  test('with the cookie alone change nothing', async () => {
    const { cookie, csrf } = await at.login(at.tokens.viewer);
    const ask = (headers: Record<string, string>): Promise<Response> => at.ask(`${API}/query`, { method: 'POST', body: { sql: 'select 1' }, headers: { cookie, ...headers } });
    for (const headers of [{}, { 'x-csrf-token': 'wrong' }, { 'x-csrf-token': `${csrf}x` }]) {
      const response = await ask(headers as Record<string, string>);
      expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([403, 'CSRF']);
    }
    expect((await ask({ 'x-csrf-token': csrf })).status).toBe(200);
  });

  test.each([
    [{ origin: 'https://evil.example' }], [{ origin: 'null' }], [{ 'sec-fetch-site': 'cross-site' }], [{ 'sec-fetch-site': 'same-site' }],
  ])('are refused by what the browser says of them: %j', async (headers) => {
    const { cookie, csrf } = await at.login(at.tokens.operator);
    const own = { cookie, 'x-csrf-token': csrf, ...headers } as Record<string, string>;
    expect((await at.ask(`${API}/schedules/nightly/run`, { method: 'POST', headers: own })).status).toBe(403);
    expect((await at.ask(`${API}/session`, { method: 'POST', body: { token: at.tokens.viewer }, headers: headers as Record<string, string> })).status).toBe(403);
    expect((await at.ask(`${API}/session`, { method: 'DELETE', headers: own })).status).toBe(403);
  });

  test('of the own origin are taken', async () => {
    const { cookie, csrf } = await at.login(at.tokens.viewer);
    const response = await at.ask(`${API}/query`, { method: 'POST', body: { sql: 'select 1' }, headers: { cookie, 'x-csrf-token': csrf, origin: at.url, 'sec-fetch-site': 'same-origin' } });
    expect(response.status).toBe(200);
  });
});
