import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '@hsmfleet/contract';
import { afterEach, describe, expect, it } from 'vitest';
import { startDelivery, type Delivery, type DeliveryOptions } from './delivery.ts';
import type { NotifySinks } from './sinks.ts';
import { createMemoryQueue, type MemoryQueue } from './testkit/memory-queue.ts';
import { startReceiver, type Answer, type Receiver } from './testkit/receiver.ts';
import { change } from './testkit/sample-changes.ts';

const KEY = 'a key that nobody may see';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

async function receiver(answer?: Answer): Promise<Receiver> {
  const started = await startReceiver(answer);
  closing.push(started.close);
  return started;
}

function webhook(name: string, { url }: { url: string }, changes: Partial<NotifySinks['webhook'][number]> = {}): NotifySinks['webhook'][number] {
  return { name, url, secret: new Secret(KEY), timeout: 10, interval: 0, give_up_after: 24, ...changes };
}

function start(queue: MemoryQueue, sinks: NotifySinks['webhook'], options: Partial<DeliveryOptions> = {}): { delivery: Delivery; log: string[] } {
  const log: string[] = [];
  const delivery = startDelivery({ sinks: { webhook: sinks, smtp: [], file: [] }, queue, log: (level, text) => log.push(`${level}: ${text}`), pollMs: 50, firstRetryMs: 40, stopMs: 1_000, ...options });
  closing.push(delivery.stop);
  return { delivery, log };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not reached: ${what}`);
    await sleep(10);
  }
}

const changes = (count: number, from = 0) => Array.from({ length: count }, (_, index) => change({ key: `key-${String(from + index)}` }));
const idsIn = (server: Receiver): string[] => server.received.map(({ headers }) => String(headers['idempotency-key']));
const keysIn = (server: Receiver, index: number): string[] => (JSON.parse(server.received[index]?.body ?? '{}') as { changes: { key: string }[] }).changes.map(({ key }) => key);

describe('delivery', () => {
  it('tells everything that waits for a sink in one message, and of what it did', async () => {
    const server = await receiver();
    const queue = createMemoryQueue();
    queue.add('a', changes(3));
    const { log } = start(queue, [webhook('a', server)]);
    await until(() => queue.states().every((state) => state === 'sent'), 'all sent');
    expect(server.received).toHaveLength(1);
    expect(keysIn(server, 0)).toEqual(['key-0', 'key-1', 'key-2']);
    expect(log).toEqual(['info: told a of 3 changes']);
  });

  it('sends no second message before the interval is over, and groups what comes meanwhile', async () => {
    const server = await receiver();
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    const { delivery } = start(queue, [webhook('a', server, { interval: 1 })]);
    await server.waitFor(1);
    for (let index = 1; index <= 4; index += 1) {
      await sleep(50);
      queue.add('a', changes(1, index));
      delivery.kick();
    }
    await until(() => queue.states().every((state) => state === 'sent'), 'all sent');
    expect(server.received).toHaveLength(2);
    expect(keysIn(server, 1)).toEqual(['key-1', 'key-2', 'key-3', 'key-4']);
    expect((server.received[1]?.at ?? 0) - (server.received[0]?.at ?? 0)).toBeGreaterThanOrEqual(950);
  });

  it('tries the same message again with the same id, and what came meanwhile after it', async () => {
    const server = await receiver((response, _, count) => { response.writeHead(count <= 3 ? 503 : 200).end(); });
    const queue = createMemoryQueue();
    queue.add('a', changes(2));
    const { delivery, log } = start(queue, [webhook('a', server)]);
    await server.waitFor(1);
    queue.add('a', changes(1, 2));
    delivery.kick();
    await until(() => queue.states().every((state) => state === 'sent'), 'all sent');
    const ids = idsIn(server);
    expect(ids).toHaveLength(5);
    expect(new Set(ids.slice(0, 4)).size).toBe(1);
    expect(ids[4]).not.toBe(ids[0]);
    expect(keysIn(server, 3)).toEqual(['key-0', 'key-1']);
    expect(keysIn(server, 4)).toEqual(['key-2']);
    const gaps = server.received.slice(1, 4).map(({ at }, index) => at - (server.received[index]?.at ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(35);
    // doubled, and doubled again
    expect(gaps[2]).toBeGreaterThanOrEqual(140);
    expect(log.filter((line) => line.startsWith('warning'))).toHaveLength(3);
  });

  it('waits as long as a receiver asks', async () => {
    const server = await receiver((response, _, count) => { response.writeHead(count === 1 ? 429 : 200, { 'Retry-After': '1' }).end(); });
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    start(queue, [webhook('a', server)]);
    await until(() => queue.states()[0] === 'sent', 'sent');
    expect((server.received[1]?.at ?? 0) - (server.received[0]?.at ?? 0)).toBeGreaterThanOrEqual(950);
  });

  it('gives up what cannot be delivered, says so, and goes on with what comes after', async () => {
    let broken = true;
    const server = await receiver((response) => { response.writeHead(broken ? 500 : 200).end('no'); });
    const queue = createMemoryQueue();
    queue.add('a', changes(1), new Date(Date.now() - 23.9999 * 3_600_000).toISOString());
    const { log } = start(queue, [webhook('a', server)]);
    await until(() => queue.states()[0] === 'given up', 'given up');
    expect(log.at(-1)).toMatch(/^error: a could not be told of 1 change, given up after \d+ tries: answered HTTP 500: no$/);
    broken = false;
    queue.add('a', changes(1, 1));
    await until(() => queue.states()[1] === 'sent', 'sent');
    expect(queue.entries[0]?.error).toBe('answered HTTP 500: no');
  });

  it('does not let a sink that hangs, or has much waiting, hold up another', async () => {
    const hanging = await receiver(() => undefined);
    const server = await receiver();
    const queue = createMemoryQueue();
    queue.add('slow', changes(2_500));
    queue.add('a', changes(1));
    start(queue, [webhook('slow', hanging), webhook('a', server)]);
    await until(() => queue.states().at(-1) === 'sent', 'sent');
    expect(queue.states()[0]).toBe('waiting');
  });

  it('cuts a long queue into messages of 500', async () => {
    const server = await receiver();
    const queue = createMemoryQueue();
    queue.add('a', changes(1_200));
    start(queue, [webhook('a', server)]);
    await until(() => queue.states().every((state) => state === 'sent'), 'all sent');
    expect(server.received.map((_, index) => keysIn(server, index).length)).toEqual([500, 500, 200]);
  });

  it('gives up what waits for a sink that is not there any more', async () => {
    const queue = createMemoryQueue();
    queue.add('gone', changes(2));
    const { log } = start(queue, []);
    queue.add('gone', changes(1, 2));
    await until(() => queue.states().every((state) => state === 'given up'), 'given up');
    expect(log[0]).toMatch(/^error: \d notifications? (is|are) given up: there is no sink named gone any more$/);
  });

  it('tells nobody twice because the queue did not take a result, nor is it stopped by a queue that fails', async () => {
    const server = await receiver();
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    const { settle, pending } = queue;
    let failing = true;
    queue.settle = async (...told) => { if (failing) throw new Error('disk full'); await settle(...told); };
    const { log } = start(queue, [webhook('a', server)]);
    await until(() => log.some((line) => line.includes('disk full')), 'failure told');
    await sleep(300);
    expect(server.received).toHaveLength(1);
    failing = false;
    await until(() => queue.states()[0] === 'sent', 'sent');
    queue.pending = async () => { throw new Error('gone for a moment'); };
    await until(() => log.some((line) => line.includes('gone for a moment')), 'failure told');
    await sleep(200);
    expect(log.filter((line) => line.includes('gone for a moment'))).toHaveLength(1);
    queue.pending = pending;
    queue.add('a', changes(1, 1));
    await until(() => queue.states()[1] === 'sent', 'sent');
    expect(server.received).toHaveLength(2);
  });

  it('stops in time, and leaves what was not taken in the queue as it was', async () => {
    const hanging = await receiver(() => undefined);
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    const { delivery } = start(queue, [webhook('a', hanging, { timeout: 60 })]);
    await hanging.waitFor(1);
    const before = Date.now();
    await delivery.stop();
    expect(Date.now() - before).toBeLessThan(10_000);
    expect(queue.entries[0]).toMatchObject({ state: 'waiting', attempts: 0 });
    queue.add('a', changes(1, 1));
    delivery.kick();
    await sleep(150);
    expect(hanging.received).toHaveLength(1);
  });

  it('lets what is under way end before it stops', async () => {
    const server = await receiver((response) => { setTimeout(() => response.end(), 300); });
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    const { delivery } = start(queue, [webhook('a', server)], { stopMs: 10_000 });
    await server.waitFor(1);
    await delivery.stop();
    expect(queue.states()).toEqual(['sent']);
  });

  it('shows no secret in what it logs or keeps', async () => {
    const server = await receiver((response, { headers }) => { response.writeHead(500).end(`${KEY} ${String(headers.authorization)}`); });
    const queue = createMemoryQueue();
    queue.add('a', changes(1));
    const { log } = start(queue, [webhook('a', server, { authorization: new Secret('Bearer of-a-secret'), url: new Secret(`${server.url}/in-the-address`) })]);
    await until(() => log.length >= 2, 'two failures');
    const told = JSON.stringify([log, queue.entries]);
    expect(told).toContain('answered HTTP 500: [secret] [secret]');
    for (const secret of [KEY, 'of-a-secret', 'in-the-address']) expect(told).not.toContain(secret);
  });
});
