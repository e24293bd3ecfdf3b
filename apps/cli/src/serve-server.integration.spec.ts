import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToken } from '@hsmfleet/web-api';
import type { StateChange } from '@hsmfleet/contract';
import { openStore } from '@hsmfleet/store';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { loadServeConfiguration } from './serve-configuration.ts';
import { createLog } from './serve-log.ts';
import { FleetServer } from './serve-server.ts';

/* The server around a real store and a real sink; what it checks is judged from the store, so no host is needed. */
const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-server-'));
const at = (name: string): string => join(folder, name);
const location = at('store/hsmfleet.db');
const lines: string[] = [];
const log = createLog((line) => { lines.push(line); }, false);
let server: FleetServer | undefined;
let users: string;
let token: string;

beforeAll(async () => {
  const made = await createToken('anna');
  token = made.token;
  users = `users: [{ name: anna, role: viewer, token: "${made.hash}" }]`;
  writeFileSync(at('hosts.yml'), 'all: {hosts: {web01: {}}}\n');
  writeFileSync(at('profile.yml'), 'profile: p\ntitle: t\ncontrols:\n  - {id: c, title: t, why: w, severity: low, query: select host from hosts}\n');
});
afterEach(async () => { await stop(); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

async function start(...schedule: string[]): Promise<FleetServer> {
  writeFileSync(at('serve.yml'), [
    'listen: 127.0.0.1:0', users, 'hosts: [hosts.yml]', 'stop_after: 0s', 'notify: { file: [{ name: log, path: told.ndjson }] }',
    'schedules:', '  - name: every-second', '    profile: profile.yml', '    evidence: snapshot', ...(schedule.length === 0 ? ['    cron: "* * * * * *"'] : schedule),
  ].join('\n'));
  server = await FleetServer.open(location, await loadServeConfiguration(at('serve.yml')), log);
  await server.start();
  return server;
}

async function stop(): Promise<void> {
  const running = server;
  server = undefined;
  await running?.stop();
}

function told(): StateChange[] {
  return existsSync(at('told.ndjson')) ? readFileSync(at('told.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as StateChange) : [];
}

const eventually = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 15_000, interval: 50 });

it('tells when a schedule begins to fail and when it does its work again, once each, also over a restart', async () => {
  await start();
  await eventually(() => { expect(lines.filter((line) => line.includes(' finished '))[0]).toContain('outcome=errors'); });
  renameSync(at('profile.yml'), at('away.yml'));
  await eventually(() => { expect(told().map(({ kind }) => kind)).toContain('check_failed'); });
  const failures = (): number => lines.filter((line) => line.includes('outcome=failed')).length;
  const before = failures();
  await eventually(() => { expect(failures()).toBeGreaterThan(before); });
  await stop();
  renameSync(at('away.yml'), at('profile.yml'));
  await start();
  await eventually(() => { expect(told().map(({ kind }) => kind)).toContain('check_recovered'); });
  const [failed, recovered] = told().filter(({ key }) => key === 'schedule:every-second');
  expect(failed).toMatchObject({ kind: 'check_failed', schedule: 'every-second', severity: 'high', details: { outcome: 'failed', error: expect.stringContaining('profile.yml does not exist') as unknown } });
  expect(recovered).toMatchObject({ kind: 'check_recovered', key: failed?.key });
  expect(told().filter(({ key }) => key === 'schedule:every-second')).toHaveLength(2);
});

it('serves metrics to those who may come in, and to nobody else', async () => {
  await start('    cron: "@yearly"');
  const url = /url=(\S+)/.exec(lines.findLast((line) => line.includes(' listening ')) ?? '')?.[1] ?? '';
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  expect(text).toContain('hsmfleet_schedule_last_success_timestamp_seconds{schedule="every-second"} 1');
  expect(text).toContain('hsmfleet_notifications_waiting{sink="log"} 0');
  expect(text).toContain('hsmfleet_schedule_waiting{schedule="every-second"} 0');
});

it('lets somebody who was taken out of the file in no more', async () => {
  const running = await start('    cron: "@yearly"');
  const url = /url=(\S+)/.exec(lines.findLast((line) => line.includes(' listening ')) ?? '')?.[1] ?? '';
  const status = async (): Promise<number> => (await fetch(`${url}/api/v1/schedules`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await status()).toBe(200);
  const other = await createToken('otto');
  writeFileSync(at('serve.yml'), readFileSync(at('serve.yml'), 'utf8').replace(/^users: .*$/m, `users: [{ name: otto, role: viewer, token: "${other.hash}" }]`));
  await running.reload();
  expect(await status()).toBe(401);
});

it('takes up a check that was stored before the process was killed as done', async () => {
  await start();
  await eventually(() => { expect(lines.filter((line) => line.includes(' finished ')).length).toBeGreaterThan(0); });
  await stop();
  const store = await openStore(location);
  const [last] = await store.checks({ limit: 1 });
  const [state] = await store.scheduleStates();
  if (last === undefined || state === undefined) throw new Error('nothing was checked');
  // as it is when the process dies between storing the check and the schedule's state
  await store.saveScheduleState({ ...state, running: last.id, lastStartedAt: new Date().toISOString(), outcome: 'errors' });
  await store.close();
  lines.length = 0;
  await start('    cron: "@yearly"');
  await eventually(() => { expect(lines.find((line) => line.includes(' finished '))).toContain(`run=${last.id} outcome=errors`); });
  const after = await openStore(location);
  expect((await after.checks({ limit: 100 })).filter(({ id }) => id === last.id)).toHaveLength(1);
  await after.close();
});
