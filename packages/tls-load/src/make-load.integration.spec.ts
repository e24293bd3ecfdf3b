import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeLoad } from './make-load.ts';

let folder: string;
let key: string;
let cert: string;
let server: Server | undefined;
const sockets = new Set<Socket>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-tls-load-'));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key'), '-out', join(folder, 'crt'), '-days', '2', '-subj', '/CN=load.test'], { stdio: 'ignore' });
  key = readFileSync(join(folder, 'key'), 'utf8');
  cert = readFileSync(join(folder, 'crt'), 'utf8');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** A web server of one page. */
async function serve(options: TlsOptions, status = '200 OK', mute = false): Promise<number> {
  const made = createServer({ key, cert, ...options }, (socket) => {
    socket.on('error', () => undefined);
    if (!mute) socket.once('data', () => { socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`); });
  });
  made.on('connection', (socket: Socket) => sockets.add(socket));
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

const request = (port: number, resumption: 'full' | 'resumed') =>
  ({ address: '127.0.0.1', port, serverName: 'load.test', paths: ['/'], concurrency: 3, seconds: 0.5, delayS: 0, resumption }) as const;

test.each(['TLSv1.2', 'TLSv1.3'] as const)('makes full handshakes only, or resumed ones only, with %s', async (version) => {
  const port = await serve({ minVersion: version, maxVersion: version });
  const full = await makeLoad(request(port, 'full'));
  expect(full).toMatchObject({ failed: 0, resumedShare: 0, problem: null });
  expect(full.successful).toBe(full.transactions);
  const resumed = await makeLoad(request(port, 'resumed'));
  expect(resumed).toMatchObject({ failed: 0, resumedShare: 1, problem: null });
  expect(Math.min(full.transactions, resumed.transactions)).toBeGreaterThan(5);
  expect(full.elapsedS).toBeGreaterThan(0.45);
  expect(full.shortestS).toBeLessThanOrEqual(full.longestS);
});

test('tells of statuses, of refused connections, and ends in time when nothing is answered', async () => {
  const busy = await makeLoad(request(await serve({}, '503 Busy'), 'full'));
  expect(busy).toMatchObject({ successful: 0, failed: 0, problem: 'status 503' });
  const refused = await makeLoad(request(1, 'full'));
  expect(refused).toMatchObject({ transactions: 0, resumedShare: null });
  expect(refused.failed).toBeGreaterThan(0);
  expect(refused.problem).toContain('ECONNREFUSED');
  const begin = Date.now();
  const mute = await makeLoad(request(await serve({}, '', true), 'full'));
  expect(mute).toMatchObject({ transactions: 0, failed: 0 });
  expect(Date.now() - begin).toBeLessThan(3_000);
});
