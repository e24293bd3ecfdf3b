import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createToken, type DashboardData, type ScheduleControl } from '@hsmfleet/web-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from './serve-log.ts';
import { ServeWeb } from './serve-web.ts';

const lines: string[] = [];
const schedules: ScheduleControl = { list: () => Promise.resolve({ items: [], problem: null }), run: () => Promise.resolve(undefined) };
let web: ServeWeb;
let token: string;
let users: Parameters<ServeWeb['apply']>[0]['users'];

beforeEach(async () => {
  const made = await createToken('anna');
  token = made.token;
  users = [{ name: 'anna', role: 'viewer', token: made.hash }];
  lines.length = 0;
  // what is asked for here are schedules alone
  web = new ServeWeb({ data: {} as DashboardData, schedules, metrics: () => Promise.resolve({ type: 'text/plain', text: '' }), log: createLog((line) => { lines.push(line); }, false) });
});
afterEach(async () => { await web.close(); });

const url = (): string => /url=(\S+)/.exec(lines.findLast((line) => line.includes(' listening ')) ?? '')?.[1] ?? '';
const status = async (): Promise<number> => (await fetch(`${url()}/api/v1/schedules`, { headers: { authorization: `Bearer ${token}` } })).status;
const here = { listen: { host: '127.0.0.1', port: 0 }, tls: undefined, origins: [] };

it('a server that cannot listen where the file wants leaves the one before, with its users', async () => {
  await web.apply({ ...here, users });
  expect(await status()).toBe(200);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(web.apply({ ...here, listen: { host: '127.0.0.1', port }, users: users.map((user) => ({ ...user, name: 'otto' })) })).rejects.toThrow(`cannot listen on 127.0.0.1, port ${String(port)}`);
  expect(await status()).toBe(200);
  other.close();
});

it('without users there is no server, and the log says so', async () => {
  await web.apply({ ...here, users: [] });
  expect(lines.join('')).toContain('there are no users');
  await web.apply({ ...here, users });
  expect(await status()).toBe(200);
});
