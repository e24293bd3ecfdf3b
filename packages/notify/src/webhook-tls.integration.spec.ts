import { Secret } from '@hsmfleet/contract';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { composeMessage } from './message.ts';
import { makeCertificate, type MadeCertificate } from './testkit/make-certificate.ts';
import { startReceiver, type Receiver } from './testkit/receiver.ts';
import { change } from './testkit/sample-changes.ts';
import { createWebhookSink } from './webhook.ts';

let here: MadeCertificate;
let elsewhere: MadeCertificate;
let server: Receiver | undefined;
beforeAll(() => {
  here = makeCertificate('IP:127.0.0.1');
  elsewhere = makeCertificate('DNS:elsewhere.example');
});
afterEach(async () => { await server?.close(); });
afterAll(() => {
  here.remove();
  elsewhere.remove();
});

async function post(certificate: MadeCertificate, ca: string | undefined): Promise<void> {
  server = await startReceiver(undefined, certificate);
  const sink = createWebhookSink({ name: 'a', url: server.url, secret: new Secret('a key of a spec'), timeout: 5, interval: 0, give_up_after: 1, ...(ca === undefined ? {} : { ca }) });
  await sink.send(composeMessage([change()]), new AbortController().signal);
}

test('a server whose authority is trusted gets the message', async () => {
  await post(here, here.file);
  expect(server?.received).toHaveLength(1);
});

test.each([undefined, '0'])('one that nobody vouches for gets nothing (NODE_TLS_REJECT_UNAUTHORIZED=%s)', async (setting) => {
  if (setting !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = setting;
  try {
    await expect(post(here, undefined)).rejects.toThrow(/self-signed certificate.*DEPTH_ZERO_SELF_SIGNED_CERT/);
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
  expect(server?.received).toEqual([]);
});

test('one with the certificate of another gets nothing', async () => {
  await expect(post(elsewhere, elsewhere.file)).rejects.toThrow(/ERR_TLS_CERT_ALTNAME_INVALID/);
  expect(server?.received).toEqual([]);
});

test('a file of authorities that is not there is told of', async () => {
  await expect(post(here, '/no/such/ca.pem')).rejects.toThrow('cannot read the authorities in /no/such/ca.pem');
});
