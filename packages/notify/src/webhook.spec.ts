import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { Secret } from '@hsmfleet/contract';
import { afterEach, describe, expect, it } from 'vitest';
import { DeliveryError } from './delivery-error.ts';
import { composeMessage } from './message.ts';
import type { WebhookSink } from './sinks.ts';
import { startReceiver, type Answer, type Received, type Receiver } from './testkit/receiver.ts';
import { SAMPLE_CHANGES } from './testkit/sample-changes.ts';
import { createWebhookSink } from './webhook.ts';

const KEY = 'correct horse battery staple';
const message = composeMessage(SAMPLE_CHANGES);
const never = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => { await Promise.all(closing.splice(0).map((close) => close())); });

async function receiver(answer?: Answer): Promise<Receiver> {
  const started = await startReceiver(answer);
  closing.push(started.close);
  return started;
}

function sink(url: string | Secret, changes: Partial<WebhookSink> = {}) {
  return createWebhookSink({ name: 'chat', url, secret: new Secret(KEY), timeout: 1, interval: 60, give_up_after: 24, ...changes }, () => new Date('2026-11-24T14:00:30.500Z'));
}

/** The error that sending ends with. */
async function failure(url: string | Secret, changes: Partial<WebhookSink> = {}, signal = never): Promise<DeliveryError> {
  const error: unknown = await sink(url, changes).send(message, signal).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

/** The function that the guide gives to receivers. */
async function guideReceiver(): Promise<(secret: string, headers: Received['headers'], body: string, now?: number) => boolean> {
  const guide = readFileSync(new URL('../../../docs/guide/notifications.md', import.meta.url), 'utf8');
  const code = /```js\n(?<code>[^]*?)```/.exec(guide)?.groups?.['code'] ?? '';
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as { isGenuine: never };
  return module.isGenuine;
}

describe('a webhook', () => {
  it('knows genuine messages by what the guide says', async () => {
    const server = await receiver();
    await sink(server.url).send(message, never);
    const isGenuine = await guideReceiver();
    const [got] = server.received as [Received];
    const now = Date.parse('2026-11-24T14:01:00Z');
    expect(isGenuine(KEY, got.headers, got.body, now)).toBe(true);
    expect(isGenuine('another key', got.headers, got.body, now)).toBe(false);
    expect(isGenuine(KEY, got.headers, `${got.body} `, now)).toBe(false);
    expect(isGenuine(KEY, { ...got.headers, 'hsmfleet-timestamp': '1795528831' }, got.body, now)).toBe(false);
    expect(isGenuine(KEY, got.headers, got.body, now + 3_600_000)).toBe(false);
    expect(isGenuine(KEY, {}, got.body, now)).toBe(false);
  });

  it('gets everything at once, signed, with an id', async () => {
    const server = await receiver();
    await sink(server.url, { authorization: new Secret('Bearer abcdef') }).send(message, never);
    const [got] = server.received;
    expect(server.received).toHaveLength(1);
    expect(got).toMatchObject({ method: 'POST', url: '/hook' });
    expect(got?.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer abcdef', 'idempotency-key': message.id, 'hsmfleet-timestamp': '1795528830' });
    const expected = createHmac('sha256', KEY).update(`1795528830.${got?.body ?? ''}`).digest('hex');
    expect(got?.headers['hsmfleet-signature']).toBe(`sha256=${expected}`);
    const body = JSON.parse(got?.body ?? '') as { changes: unknown[] };
    expect(body).toMatchObject({ schema: 'hsmfleet.notification/1', id: message.id, sink: 'chat', severity: 'critical', subject: message.subject });
    expect(body.changes).toHaveLength(SAMPLE_CHANGES.length);
  });

  it('that refuses is quoted, harmlessly and without the secrets that it may repeat', async () => {
    const server = await receiver((response, { headers }) => {
      response.writeHead(403).end(`no \u001b[31m${KEY} ${String(headers.authorization)} ${encodeURIComponent(KEY)}\n${'x'.repeat(5_000)}`);
    });
    const { message: text } = await failure(server.url, { authorization: new Secret('Bearer abcdef') });
    expect(text).toMatch(/^answered HTTP 403: no \\x1b\[31m\[secret\] \[secret\] \[secret\]\\nxxx/);
    expect(text.length).toBeLessThan(260);
  });

  it.each([['120', 120_000], ['0', 0], ['99999999', 3_600_000], ['soon', undefined]])('that asks to be left alone for %s is understood', async (header, expected) => {
    const server = await receiver((response) => { response.writeHead(429, { 'Retry-After': header }).end(); });
    expect((await failure(server.url)).retryAfterMs).toBe(expected);
  });

  it('that asks to be left alone until a date is understood', async () => {
    const server = await receiver((response) => { response.writeHead(503, { 'Retry-After': new Date(Date.now() + 60_000).toUTCString() }).end(); });
    const { retryAfterMs } = await failure(server.url);
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it.each([301, 302, 307, 308])('that answers %i leads nowhere', async (status) => {
    const other = await receiver();
    const server = await receiver((response) => { response.writeHead(status, { Location: other.url }).end(); });
    expect((await failure(server.url)).message).toBe(`answered HTTP ${String(status)}: redirects are not followed, give the address that it leads to`);
    expect(other.received).toEqual([]);
  });

  it('that does not answer is left in time', async () => {
    const server = await receiver(() => undefined);
    const before = Date.now();
    expect((await failure(server.url)).message).toBe('no answer in time');
    expect(Date.now() - before).toBeLessThan(8_000);
  });

  it('that refuses at endless length is left after little, and one that does so drop by drop is left in time', async () => {
    let written = 0;
    const flood = await receiver((response) => {
      response.writeHead(500);
      const more = (): void => {
        if (response.destroyed || written > 200_000_000) return;
        written += 65_536;
        if (response.write('x'.repeat(65_536))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    expect((await failure(flood.url)).message).toMatch(/^answered HTTP 500: x{200}…$/);
    expect(written).toBeLessThan(20_000_000);
    const drops = await receiver((response) => {
      response.writeHead(500).write('slow');
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => { clearInterval(timer); });
    });
    const before = Date.now();
    expect((await failure(drops.url)).message).toMatch(/^answered HTTP 500: slow\.+$/);
    expect(Date.now() - before).toBeLessThan(8_000);
  });

  it.each([
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X-Flood: yes\r\n', /HPE_HEADER_OVERFLOW/],
    ['preliminary answers', '', 'HTTP/1.1 102 Processing\r\n\r\n', /no answer in time|HPE_/],
  ])('that sends %s without end is left', async (_what, begin, flood, expected) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.write(begin);
      const timer = setInterval(() => socket.write(flood.repeat(200)), 5);
      socket.on('close', () => { clearInterval(timer); });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => { server.close(() => { resolve(); }); }));
    expect((await failure(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`)).message).toMatch(expected);
  });

  it('that says yes has it, however long it goes on talking', async () => {
    const server = await receiver((response) => { response.writeHead(202).write('thanks'); });
    const before = Date.now();
    await sink(server.url, { timeout: 30 }).send(message, never);
    expect(Date.now() - before).toBeLessThan(10_000);
  });

  it('that speaks no HTTP, and one that is not there, are told of by what went wrong', async () => {
    const ssh = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('SSH-2.0-OpenSSH_9.2p1\r\n');
    });
    await new Promise<void>((resolve) => ssh.listen(0, '127.0.0.1', resolve));
    const { port } = ssh.address() as AddressInfo;
    expect((await failure(`http://127.0.0.1:${String(port)}/`)).message).toMatch(/HPE_INVALID/);
    await new Promise((resolve) => ssh.close(resolve));
    expect((await failure(`http://127.0.0.1:${String(port)}/`)).message).toMatch(/ECONNREFUSED/);
  });

  it('whose address is a secret is never named', async () => {
    const server = await receiver((response, { url }) => { response.writeHead(404).end(`nothing at ${url}`); });
    const address = new Secret(`${server.url}/T0K3N-of-the-channel?key=also-secret`);
    expect((await failure(address)).message).toBe('answered HTTP 404: nothing at [secret][secret]');
    await server.close();
    expect((await failure(address)).message).not.toContain('T0K3N');
    expect((await failure(new Secret('nonsense T0K3N'))).message).toBe('url is no address');
    expect((await failure(new Secret('http://192.0.2.1/T0K3N'))).message).toBe('url would post in the clear');
  });

  it('is left alone when delivery stops', async () => {
    const server = await receiver(() => undefined);
    const stop = new AbortController();
    const sending = failure(server.url, { timeout: 60 }, stop.signal);
    await server.waitFor(1);
    stop.abort();
    expect((await sending).message).toBe('stopped');
  });
});
