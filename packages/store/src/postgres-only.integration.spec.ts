import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './store.ts';
import { defaultLocation, takeDatabaseUrls } from './store-path.ts';
import { parsePostgresUrl, withoutPassword } from './postgres-url.ts';
import { sampleReport, stamp } from './testkit/samples.ts';
import { createTestDatabase, onTestServer, whyNoPostgres } from './testkit/test-database.ts';
import { openTestStore, removeTestDatabases, type TestStore } from './testkit/test-store.ts';

const missing = whyNoPostgres();
if (missing !== undefined) process.stderr.write(`what is special about PostgreSQL is not tried: ${missing}\n`);

describe.skipIf(missing !== undefined)('a store in PostgreSQL', () => {
  let at: TestStore;
  beforeEach(async () => { at = await openTestStore('postgres'); });
  afterEach(async () => { await at.remove(); });
  afterAll(removeTestDatabases);

  it('takes events of one run from several workers, and numbers them without a gap that closes later', async () => {
    const other = await openStore(at.location);
    const read: number[] = [];
    const follow = async (): Promise<void> => {
      const events = await at.store.runEvents('r1', String(read.at(-1) ?? 0));
      read.push(...events.map(({ position }) => Number(position)));
    };
    for (let seq = 0; seq < 12; seq += 1) {
      for (const [store, host] of [[at.store, 'a'], [other, 'b']] as const) {
        store.appendEvent({ seq, at: '2026-01-02T10:00:00.000Z', run: 'r1', host, type: 'task_started', task: '0.t0', name: 'x', resource: 'file', handler: false });
      }
      await Promise.all([at.store.flush(), other.flush(), follow()]);
    }
    await follow();
    await other.close();
    expect(read).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  });

  it('goes on after the server has ended its connections, and keeps the events meanwhile', async () => {
    const event = stamp('r1');
    at.store.appendEvent(event('a', { type: 'host_started', agent: '0.1.0', node: 'v24.0.0', uploaded: [] }));
    await at.store.flush();
    const name = new URL(at.location).pathname.slice(1);
    await onTestServer(at.location, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`);
    at.store.appendEvent(event('a', { type: 'host_finished', play: 0, status: 'ok' }));
    await expect.poll(async () => { await at.store.flush(); return at.store.problem(); }, { timeout: 15_000 }).toBeUndefined();
    expect(await at.sql('select type from event order by seq')).toEqual([{ type: 'host_started' }, { type: 'host_finished' }]);
    expect(await at.store.read('select last_status from hosts')).toEqual([{ last_status: 'ok' }]);
  });

  it('makes its schema once when several open it at the same time', async () => {
    const database = await createTestDatabase();
    const stores = await Promise.all([1, 2, 3].map(() => openStore(database.url)));
    await stores[0]?.recordInventory(sampleReport('a', '2026-01-02T10:00:00.000Z'));
    expect(await stores[2]?.read('select host from keys')).toEqual([{ host: 'a' }]);
    for (const store of stores) await store.close();
    await database.drop();
  });

  it('refuses a role for queries that may do more than read the views', async () => {
    const secret = new URL(at.location).password;
    process.env.HSMFLEET_DATABASE_QUERY_URL = at.location;
    const store = await openStore(at.location);
    process.env.HSMFLEET_DATABASE_QUERY_URL = '';
    takeDatabaseUrls();
    const refused = store.query('select 1');
    await expect(refused).rejects.toMatchObject({ code: 'STORE', message: 'the role hsmfleet_test may do more than read the views, so it is not used for queries' });
    await expect(refused).rejects.not.toThrow(secret);
    await store.close();
  });

  it('reads no table, not even in ways that run text as a statement', async () => {
    await at.store.recordInventory(sampleReport('a', '2026-01-02T10:00:00.000Z'));
    for (const sql of [
      "select query_to_xml('select body from hsmfleet.event', true, true, '')", "select table_to_xml('hsmfleet.host', true, true, '')",
      "select set_config('role', 'hsmfleet_test', true), query_to_xml('select 1 from hsmfleet.host', true, true, '')", "select set_config('session_authorization', 'hsmfleet_test', true)",
      "select pg_ls_dir('/')", "select lo_import('/etc/passwd')", "select pg_terminate_backend(1), pg_reload_conf()", 'select passwd from pg_shadow',
      "select dblink('dbname=postgres', 'select 1')", 'select nextval(pg_get_serial_sequence(\'hsmfleet.notification\', \'id\'))',
    ]) await expect(at.store.query(sql), sql).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('keeps texts that PostgreSQL does not take, as near as it can', async () => {
    const report = sampleReport('a', '2026-01-02T10:00:00.000Z');
    for (const token of report.modules[0]?.tokens ?? []) token.label = 'nul \0 half \ud800 kind 🔑';
    await at.store.recordInventory(report);
    expect(await at.store.read('select label from tokens')).toEqual([{ label: 'nul \ufffd half \ufffd kind 🔑' }]);
  });
});

describe('the URL of a database', () => {
  const secret = 'p%40ss-word';

  it('is shown without its password and options', () => {
    expect(withoutPassword(`postgres://anna:${secret}@db.test:5432/fleet?sslmode=verify-full&password=x`)).toBe('postgres://anna@db.test:5432/fleet');
    expect(withoutPassword('postgres://anna:a@b:c/d@db.test/fleet')).toBe('postgres://anna@db.test/fleet');
    expect(withoutPassword('postgresql://db.test/fleet')).toBe('postgresql://db.test/fleet');
  });

  it('is read with everything that it says', () => {
    expect(parsePostgresUrl(`postgres://anna:${secret}@db.test:5433/fleet`).config).toMatchObject({ user: 'anna', password: 'p@ss-word', host: 'db.test', port: 5433, database: 'fleet' });
    expect(parsePostgresUrl('postgres://anna@/fleet?host=/run/postgresql').config).toMatchObject({ host: '/run/postgresql', user: 'anna' });
  });

  it.each(['postgres://', 'postgres://db.test', `postgres://anna:${secret}@db.test:port/fleet`])('that is wrong is refused without being repeated: %s', async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({ code: 'STORE' });
    await expect(openStore(url)).rejects.not.toThrow(secret);
  });

  it('never shows its password when the server cannot be reached, in no part of the error', async () => {
    const thrown: unknown = await openStore(`postgres://anna:${secret}@127.0.0.1:1/fleet`).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'STORE', message: expect.stringMatching(/^cannot open the history database postgres:\/\/anna@127\.0\.0\.1:1\/fleet: /) as unknown });
    const everything = (error: unknown): string => (error instanceof Error ? `${String(error.stack)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))} ${everything(error.cause)}` : '');
    expect(everything(thrown)).not.toMatch(/ss-word/);
  });

  it('is out of the environment before any other program is started', () => {
    process.env.HSMFLEET_DATABASE_URL = `postgres://anna:${secret}@db.test/fleet`;
    expect(defaultLocation()).toBe(`postgres://anna:${secret}@db.test/fleet`);
    expect(spawnSync('/usr/bin/env', { encoding: 'utf8' }).stdout).not.toContain(secret);
    // remembered for the next one who asks
    expect(defaultLocation()).toContain(secret);
    process.env.HSMFLEET_DATABASE_URL = '';
    expect(defaultLocation()).toMatch(/hsmfleet\.db$/);
  });
});
