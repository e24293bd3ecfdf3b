import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { HsmfleetError } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendRaw } from './testkit/raw-request.ts';
import { startTestServer, type TestServer } from './testkit/start-server.ts';
import { madeUpData } from './testdata/made-up-data.ts';

const API = '/api/v1';
const SECRET = 'what lies beside the build';
const SCRIPT = `export const text = '${'x'.repeat(3_000)}';`;
let at: TestServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-web-'));
  writeFileSync(join(folder, 'secret.txt'), SECRET);
  const web = join(folder, 'web');
  mkdirSync(join(web, 'assets'), { recursive: true });
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>fleet</title>');
  writeFileSync(join(web, 'assets/index-C0ffee12.js'), SCRIPT);
  writeFileSync(join(web, 'build.sh'), SECRET);
  symlinkSync(join(folder, 'secret.txt'), join(web, 'link.txt'));
  at = await startTestServer({ web });
});
afterAll(async () => {
  await at.server.close();
  rmSync(folder, { recursive: true });
});

describe('files', () => {
  test.each([
    '/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/assets/%2e%2e%2f%2e%2e%2fsecret.txt', '/assets/..%5c..%5csecret.txt',
    '//secret.txt', '/assets/....//....//secret.txt', '/%252e%252e/secret.txt', '/secret.txt%00.html', '/link.txt', '/build.sh', '/assets/', '/etc/passwd',
  ])('no path leads out of the build: %s', async (path) => {
    const { answer } = await sendRaw(at.url, `GET ${path} HTTP/1.1\r\nHost: ${new URL(at.url).host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toContain(SECRET);
    expect(answer).not.toContain('root:');
  });

  test('are compressed, kept for good when their name holds a hash, and asked about otherwise', async () => {
    const asset = await at.ask('/assets/index-C0ffee12.js', { headers: { 'accept-encoding': 'br' } });
    expect(Object.fromEntries(['content-type', 'content-encoding', 'cache-control', 'vary'].map((name) => [name, asset.headers.get(name)]))).toEqual({
      'content-type': 'text/javascript; charset=utf-8', 'content-encoding': 'br', 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding',
    });
    expect(await asset.text()).toBe(SCRIPT);
    const raw = await sendRaw(at.url, `GET /assets/index-C0ffee12.js HTTP/1.1\r\nHost: ${new URL(at.url).host}\r\nAccept-Encoding: gzip;q=0, br\r\nConnection: close\r\n\r\n`);
    expect(brotliDecompressSync(Buffer.from(raw.answer.slice(raw.answer.indexOf('\r\n\r\n') + 4), 'latin1')).toString()).toBe(SCRIPT);
    const page = await at.ask('/', { headers: { 'accept-encoding': 'identity' } });
    expect([page.headers.get('cache-control'), page.headers.get('content-encoding')]).toEqual(['no-cache', null]);
    const again = await at.ask('/', { headers: { 'accept-encoding': 'identity', 'if-none-match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  test('addresses of pages are the one page; those of missing files and of the API are not', async () => {
    const status = async (path: string): Promise<number> => (await at.ask(path, { headers: { accept: 'text/html' } })).status;
    expect([await status('/hosts/web01.example.org'), await status('/runs/20261124T150000-ab12')]).toEqual([200, 200]);
    expect([await status('/assets/index-00000000.js'), await status(`${API}/nothing`), await status('/api/v2/overview')]).toEqual([404, 404, 404]);
    expect((await at.ask('/', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('headers', () => {
  const common = {
    'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin', 'strict-transport-security': null,
  };
  const read = (response: Response): Record<string, string | null> => Object.fromEntries(Object.keys(common).map((name) => [name, response.headers.get(name)]));

  test('pages may load from this server and nothing else', async () => {
    const page = await at.ask('/');
    expect(read(page)).toEqual(common);
    const policy = Object.fromEntries((page.headers.get('content-security-policy') ?? '').split('; ').map((part) => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]));
    expect(policy).toEqual({
      'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'", 'img-src': "'self' data:", 'font-src': "'self'", 'connect-src': "'self'",
      'manifest-src': "'self'", 'form-action': "'self'", 'base-uri': "'none'", 'frame-ancestors': "'none'",
    });
  });

  test.each(['/healthz', `${API}/overview`, `${API}/nothing`, `${API}/openapi.json`])('answers of the API are kept by nobody and are no pages: %s', async (path) => {
    for (const options of [{}, { token: at.tokens.viewer }]) {
      const answer = await at.ask(path, options);
      expect(read(answer)).toEqual(common);
      expect([answer.headers.get('cache-control'), answer.headers.get('content-security-policy')]).toEqual(['no-store', "default-src 'none'; frame-ancestors 'none'"]);
      expect([answer.headers.get('server'), answer.headers.get('x-powered-by'), answer.headers.get('access-control-allow-origin')]).toEqual([null, null, null]);
    }
  });

  test('other names of the server are refused, so a page cannot point its own name here', async () => {
    const { port } = new URL(at.url);
    const ask = async (host: string): Promise<string> =>
      (await sendRaw(at.url, `GET ${API}/openapi.json HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).answer.split('\r\n')[0] ?? '';
    expect(await ask(`evil.example:${port}`)).toBe('HTTP/1.1 421 Misdirected Request');
    expect(await ask(`127.0.0.1.evil.example:${port}`)).toBe('HTTP/1.1 421 Misdirected Request');
    expect(await ask('localhost')).toBe('HTTP/1.1 421 Misdirected Request');
    expect(await ask(`LOCALHOST:${port}`)).toBe('HTTP/1.1 200 OK');
    expect(await ask(`[::1]:${port}`)).toBe('HTTP/1.1 200 OK');
  });
});

describe('requests that are wrong', () => {
  const failure = async (response: Response): Promise<unknown[]> => [response.status, ((await response.json()) as { error: { code: string } }).error.code];
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> => at.ask(`${API}/query`, { method: 'POST', token: at.tokens.viewer, body, headers });

  test('bodies that are too large, no JSON, of another type, or with fields that nobody knows', async () => {
    expect(await failure(await post({ sql: 'x'.repeat(70_000) }))).toEqual([413, 'TOO_LARGE']);
    expect(await failure(await post({ sql: 'x'.repeat(30_000) }))).toEqual([400, 'INVALID']);
    expect(await failure(await post('{"sql": '))).toEqual([400, 'INVALID']);
    expect(await failure(await post('{"sql": "select 1", "__proto__": {"role": "operator"}}'))).toEqual([400, 'INVALID']);
    expect(await failure(await post({ sql: 'select 1', role: 'operator' }))).toEqual([400, 'INVALID']);
    expect(await failure(await post({ sql: 1 }))).toEqual([400, 'INVALID']);
    expect(await failure(await post(''))).toEqual([400, 'INVALID']);
    expect(await failure(await post('sql=select+1', { 'content-type': 'application/x-www-form-urlencoded' }))).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(await failure(await post('<sql/>', { 'content-type': 'text/plain' }))).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test('a body whose length is not told is cut at the limit as well', async () => {
    const head = `POST ${API}/query HTTP/1.1\r\nHost: ${new URL(at.url).host}\r\nAuthorization: Bearer ${at.tokens.viewer}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const { answer } = await sendRaw(at.url, head + chunk.repeat(6));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('queries that are out of range, of the wrong kind or unknown', async () => {
    for (const query of ['limit=0', 'limit=100000', 'limit=x', 'state=odd', 'unknown=1', 'limit=1&limit=2', `after=${'9'.repeat(600)}`]) {
      expect([query, ...(await failure(await at.ask(`${API}/hosts?${query}`, { token: at.tokens.viewer })))]).toEqual([query, 400, 'INVALID']);
    }
    expect((await at.ask(`${API}/hosts?limit=5`, { token: at.tokens.viewer })).status).toBe(200);
  });

  test('addresses that are not there, methods that are not for them, and paths that cannot be read', async () => {
    expect(await failure(await at.ask(`${API}/hosts/no-such-host`, { token: at.tokens.viewer }))).toEqual([404, 'NOT_FOUND']);
    expect(await failure(await at.ask(`${API}/nothing`, { token: at.tokens.viewer }))).toEqual([404, 'NOT_FOUND']);
    const wrong = await at.ask(`${API}/session`, { method: 'PUT', token: at.tokens.viewer });
    expect([wrong.headers.get('allow'), ...(await failure(wrong))]).toEqual(['POST, GET, DELETE', 405, 'METHOD_NOT_ALLOWED']);
    expect(await failure(await at.ask(`${API}/hosts/%E0%A4%A`, { token: at.tokens.viewer }))).toEqual([400, 'INVALID']);
    expect((await at.ask(`${API}/hosts/${'a'.repeat(390)}`, { token: at.tokens.viewer })).status).toBe(400);
    for (const text of ['NONSENSE\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`]) {
      expect((await sendRaw(at.url, text)).answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });

  test('mistakes of the server are told without their insides, and logged', async () => {
    const log: string[] = [];
    const data = { ...madeUpData(1), overview: () => Promise.reject(new Error(`cannot open /srv/${SECRET}`)), controls: () => Promise.reject(new HsmfleetError('STORE', `cannot read /srv/${SECRET}`)) };
    const own = await startTestServer({ data, log: ({ message }) => { log.push(message); } });
    try {
      for (const [path, status, code] of [['overview', 500, 'INTERNAL'], ['controls', 503, 'STORE']] as const) {
        const response = await own.ask(`${API}/${path}`, { token: own.tokens.viewer });
        const text = await response.text();
        expect([response.status, (JSON.parse(text) as { error: { code: string } }).error.code]).toEqual([status, code]);
        expect(text).not.toMatch(/srv|\.ts|at /);
      }
      expect(log.join('\n')).toContain(`cannot open /srv/${SECRET}`);
      expect(log.join('\n')).not.toContain(own.tokens.viewer);
    } finally {
      await own.server.close();
    }
  });
});

describe('clients that are slow', () => {
  test('are cut off: headers that trickle, bodies that never end, connections that say nothing', async () => {
    const own = await startTestServer({ limits: { connections: { headersMs: 600, requestMs: 1_200, idleMs: 900 } } });
    const { host } = new URL(own.url);
    try {
      const [headers, body, silent] = await Promise.all([
        sendRaw(own.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n`, { waitMs: 8_000, pieces: { text: 'X-A: b\r\n', everyMs: 150 } }),
        sendRaw(own.url, `POST ${API}/session HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`, { waitMs: 8_000, pieces: { text: ' ', everyMs: 150 } }),
        sendRaw(own.url, '', { waitMs: 8_000 }),
      ]);
      expect(headers.answer).toMatch(/^HTTP\/1\.1 408 /);
      expect([headers.closed, body.closed, silent.closed]).toEqual([true, true, true]);
      expect((await own.ask('/healthz')).status).toBe(200);
    } finally {
      await own.server.close();
    }
  });

  test('take no more connections than there may be', async () => {
    const own = await startTestServer({ limits: { connections: { connections: 5 } } });
    try {
      const waiting = Array.from({ length: 12 }, () => sendRaw(own.url, '', { waitMs: 1_000 }));
      const closed = (await Promise.all(waiting)).filter((connection) => connection.closed && connection.ms < 900).length;
      expect(closed).toBe(7);
      expect((await own.ask('/healthz')).status).toBe(200);
    } finally {
      await own.server.close();
    }
  });
});
