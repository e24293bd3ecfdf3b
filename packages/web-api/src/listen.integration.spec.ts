import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebServer, fixedUsers } from './index.ts';
import { madeUpData, madeUpSchedules } from './testdata/made-up-data.ts';
import { startTestServer } from './testkit/start-server.ts';

const parts = { data: madeUpData(1), schedules: madeUpSchedules(), version: '0.1.0' };
const user = { name: 'vera', role: 'viewer' as const, token: 'scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' };
let folder: string;
let tls: { cert: string; key: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=fleet', '-addext', 'subjectAltName=DNS:fleet.example.org,DNS:localhost'], { stdio: 'ignore' });
  tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
});
afterAll(() => { rmSync(folder, { recursive: true }); });

test.each(['0.0.0.0', '::', '192.0.2.1', 'fleet.example.org', '127.0.0.1.example.org'])('listening on %s without TLS is refused', async (host) => {
  await expect(createWebServer({ ...parts, users: fixedUsers([user]), listen: { host, port: 0 } })).rejects.toMatchObject({
    code: 'USAGE', message: `the server would listen on ${host} without TLS: tokens and answers could be read on the way`,
  });
});

test('a server that nobody could log in to is refused', async () => {
  await expect(createWebServer({ ...parts, users: fixedUsers([]), listen: { host: '127.0.0.1', port: 0 } })).rejects.toMatchObject({
    code: 'USAGE', message: 'nobody could log in: there are no users',
  });
});

test('a port that is taken is told', async () => {
  const first = await startTestServer();
  const second = await createWebServer({ ...parts, users: fixedUsers([user]), listen: { host: '127.0.0.1', port: Number(new URL(first.url).port) } });
  await expect(second.listen()).rejects.toMatchObject({ code: 'USAGE' });
  await second.close();
  await first.server.close();
});

test('with TLS it may listen anywhere; cookies are secure, browsers are told to stay with TLS, names are those of the certificate', async () => {
  const at = await startTestServer({ listen: { host: '0.0.0.0', port: 0 }, tls });
  const { port } = new URL(at.url);
  const ask = (host: string, body: unknown, options: object = {}): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; protocol: string }> => new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1', port, path: '/api/v1/session', method: 'POST', ca: tls.cert, servername: 'localhost', headers: { host: `${host}:${port}`, 'content-type': 'application/json' }, ...options,
    }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, protocol: (answer.socket as unknown as { getProtocol(): string }).getProtocol() });
      answer.resume();
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
  try {
    const answer = await ask('fleet.example.org', { token: at.tokens.viewer });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-hsmfleet=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/);
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
    expect(answer.protocol).toBe('TLSv1.3');
    expect((await ask('other.example.org', { token: at.tokens.viewer })).status).toBe(421);
    await expect(ask('localhost', {}, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
  } finally {
    await at.server.close();
  }
});

test('behind a proxy with TLS the given origin counts', async () => {
  const at = await startTestServer({ origins: ['https://fleet.example.org'] });
  const { port } = new URL(at.url.startsWith('https') ? 'http://127.0.0.1' : at.url);
  expect(at.url).toBe('https://fleet.example.org');
  expect(port).toBe('');
  await at.server.close();
});
