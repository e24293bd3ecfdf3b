import { createToken, createWebServer, fixedUsers, type DashboardData, type WebServer } from '@hsmfleet/web-api';
import * as schemas from '@hsmfleet/web-api/schemas';
import { openTestStore, removeTestDatabases, whyNoPostgres, type TestStore } from '@hsmfleet/store/testkit';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { TSchema } from '@sinclair/typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDashboardData } from './dashboard-data.ts';
import { fillStore, hostName, outcomeOf } from './testdata/fill-store.ts';

const HOSTS = 40;
const CONTROLS = 6;
const noPostgres = whyNoPostgres();
if (noPostgres !== undefined) process.stderr.write(`the dashboard is not tried on PostgreSQL: ${noPostgres}\n`);

afterAll(removeTestDatabases);

describe.each([['sqlite', undefined], ['postgres', noPostgres]] as const)('the dashboard over %s', (kind, why) => {
  if (why !== undefined) return;
  const now = new Date();
  let store: TestStore;
  let data: DashboardData;
  let server: WebServer;
  let url: string;
  let token: string;

  beforeAll(async () => {
    store = await openTestStore(kind);
    await fillStore(store.store, HOSTS, CONTROLS, now);
    expect(store.store.problem()).toBeUndefined();
    data = createDashboardData({ store: store.store, version: '0.1.0', namedQueries: () => Promise.resolve([]), now: () => now });
    const made = await createToken('vera');
    token = made.token;
    server = await createWebServer({
      data, version: '0.1.0', listen: { host: '127.0.0.1', port: 0 }, users: fixedUsers([{ name: 'vera', role: 'viewer', token: made.hash }]),
      schedules: { list: () => Promise.resolve({ items: [], problem: null }), run: () => Promise.resolve(undefined) },
    });
    ({ url } = await server.listen());
  }, 60_000);
  afterAll(async () => {
    await server.close();
    await store.remove();
  });

  const get = async (path: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  };
  const as = async <T>(path: string, schema: TSchema): Promise<T> => {
    const { status, body } = await get(path);
    expect([path, status, TypeCompiler.Compile(schema).Errors(body).First()]).toEqual([path, 200, undefined]);
    return body as T;
  };
  const failing = Array.from({ length: HOSTS }, (_, n) => Array.from({ length: CONTROLS }, (_each, c) => outcomeOf(n, c)).filter((outcome) => outcome === 'fail').length);

  test('the overview counts what is there', async () => {
    const overview = await as<schemas.Overview>('/overview', schemas.Overview);
    expect(overview.fleet).toEqual({
      hosts: HOSTS, fresh: HOSTS, stale: 0, error: 0, never: 0, modules: HOSTS, writableModules: 0, tokens: HOSTS, pinTrouble: 0, keys: HOSTS, sites: HOSTS, sitesDown: 0,
    });
    // the end of host n's certificate is n - 5 days away
    expect(overview.certificates).toEqual({ expired: 5, week: 8, month: 23, quarter: HOSTS - 36, later: 0 });
    expect(overview.hostOutcomes.fail).toBe(failing.filter((number) => number > 0).length);
    expect(Object.values(overview.hostOutcomes).reduce((sum, number) => sum + number, 0)).toBe(HOSTS);
    expect(overview.history).toMatchObject([{ schedule: 'nightly', profile: 'baseline', points: [{ check: 'check-1' }, { check: 'check-2' }] }]);
    expect(overview.checks.map(({ id }) => id)).toEqual(['check-2']);
    expect(overview.failingControls.reduce((sum, { counts }) => sum + counts.fail, 0)).toBe(failing.reduce((sum, number) => sum + number, 0));
    expect(overview.runs.map(({ id }) => id)).toEqual(['run-2', 'run-1']);
  });

  test('hosts are filtered, sorted and told page by page', async () => {
    const names: string[] = [];
    let after: string | null = '';
    while (after !== null) {
      const page: schemas.HostList = await as(`/hosts?limit=15${after === '' ? '' : `&after=${after}`}`, schemas.HostList);
      expect(page.total).toBe(HOSTS);
      names.push(...page.items.map(({ host }) => host));
      after = page.next;
    }
    expect(names).toEqual(Array.from({ length: HOSTS }, (_, n) => hostName(n)));
    const found = await as<schemas.HostList>('/hosts?search=WEB001&sort=expiry&order=desc', schemas.HostList);
    expect(found.items.map(({ host }) => host)).toEqual(names.filter((name) => name.startsWith('web001')).reverse());
    expect((await as<schemas.HostList>('/hosts?search=%25', schemas.HostList)).total).toBe(0);
    const failed = await as<schemas.HostList>('/hosts?outcome=fail&sort=failing&order=desc', schemas.HostList);
    expect(failed.items.map((host) => host.failing)).toEqual(failing.filter((number) => number > 0).sort((a, b) => b - a));
    expect((await as<schemas.HostList>('/hosts?outcome=unchecked', schemas.HostList)).total).toBe(0);
    expect((await get('/hosts?after=no-offset')).status).toBe(400);
  });

  test('a host with everything that it has', async () => {
    const host = await as<schemas.HostDetail>(`/hosts/${hostName(0)}`, schemas.HostDetail);
    expect(host.summary).toMatchObject({ host: hostName(0), state: 'fresh', tokens: 1, keys: 1, certificates: 1, sites: 1, sitesServing: 1, readOnly: 'read_only', pinState: 'ok', lastRun: 'run-2', lastStatus: 'running' });
    expect(host.certificates).toMatchObject([{ daysLeft: -5, sites: ['www:443'] }]);
    expect([host.modules.length, host.tokens.length, host.keys.length, host.nssModules.length, host.sites.length]).toEqual([1, 1, 1, 1, 1]);
    expect(host.results.map(({ control }) => control).sort()).toEqual(Array.from({ length: CONTROLS }, (_, c) => `control-${String(c)}`));
    expect(host.runs.map(({ run, changed }) => [run, changed])).toEqual([['run-2', 0], ['run-1', 1]]);
    expect((await get('/hosts/nobody')).status).toBe(404);
  });

  test('controls, and what hosts say to one; findings tell since when they are there', async () => {
    const { items } = await as<schemas.ControlList>('/controls', schemas.ControlList);
    expect(items).toHaveLength(CONTROLS);
    const [worst] = items;
    const control = await as<schemas.ControlDetail>(`/controls/${worst?.control.id ?? ''}?outcome=fail`, schemas.ControlDetail);
    expect(control.results.total).toBe(worst?.counts.fail);
    expect(control.results.items[0]?.findings[0]).toMatchObject({ firstSeenAt: expect.stringMatching(/Z$/) as string, row: { bits: 1024 } });
    expect((await as<schemas.ControlDetail>('/controls/control-0?outcome=all&limit=1000', schemas.ControlDetail)).results.items).toHaveLength(HOSTS);
    expect((await get('/controls/nothing')).status).toBe(404);
  });

  test('checks, their controls and results', async () => {
    expect((await as<schemas.CheckList>('/checks', schemas.CheckList)).items.map(({ id }) => id)).toEqual(['check-2', 'check-1']);
    expect((await as<schemas.CheckList>('/checks?limit=1&after=1', schemas.CheckList))).toMatchObject({ items: [{ id: 'check-1' }], total: 2, next: null });
    expect((await as<schemas.CheckDetail>('/checks/check-1', schemas.CheckDetail)).controls).toHaveLength(3);
    const results = await as<schemas.ResultList>(`/checks/check-2/results?host=${hostName(3)}`, schemas.ResultList);
    expect(results.total).toBe(CONTROLS);
    expect((await get('/checks/none')).status).toBe(404);
  });

  test('certificates by their end, and how many end on each day', async () => {
    const list = await as<schemas.CertificateList>(`/certificates?from=${now.toISOString()}&limit=3`, schemas.CertificateList);
    expect(list.items.map(({ host }) => host)).toEqual([hostName(5), hostName(6), hostName(7)]);
    expect([list.total, list.days.length]).toEqual([HOSTS - 5, HOSTS - 5]);
  });

  test('runs, a run by host, and the tasks of one with their diffs', async () => {
    expect(await as<schemas.RunList>('/runs', schemas.RunList)).toMatchObject({ items: [{ id: 'run-2', finishedAt: null }, { id: 'run-1', exitCode: 0, hosts: HOSTS, changed: 1 }], total: 2 });
    expect(await as<schemas.RunDetail>('/runs/run-2', schemas.RunDetail)).toMatchObject({ live: true, version: '0.1.0' });
    expect((await as<schemas.RunDetail>('/runs/run-1', schemas.RunDetail)).hosts).toHaveLength(HOSTS);
    const own = await as<schemas.RunHostDetail>(`/runs/run-1/hosts/${hostName(0)}`, schemas.RunHostDetail);
    expect(own.tasks).toMatchObject([{ name: 'a file', outcome: 'changed', diffs: [{ path: '/etc/x' }] }]);
  });

  test('events of a run come from the store', async () => {
    const response = await fetch(`${url}/api/v1/runs/run-1/events`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    expect(text.match(/"type":"task_finished"/g)).toHaveLength(HOSTS);
    expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(true);
  });

  test('the rest is as its schemas say', async () => {
    const views = await as<schemas.ViewList>('/views', schemas.ViewList);
    expect(views.items.map(({ name }) => name)).toContain('check_results');
    await as('/benchmarks', schemas.BenchmarkList);
    await as('/queries', schemas.QueryList);
  });

  describe('queries', () => {
    const query = async (sql: string, more: object = {}): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${url}/api/v1/query`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ sql, ...more }) });
      return { status: response.status, text: await response.text() };
    };

    test('read the views, bounded, also as of a time', async () => {
      const { status, text } = await query('select host, days_left from certificates order by host', { maxRows: 2 });
      const answer = JSON.parse(text) as schemas.QueryAnswer;
      expect([status, answer.columns, answer.rows, answer.truncated]).toEqual([200, ['host', 'days_left'], [[hostName(0), -5], [hostName(1), -4]], true]);
      const before = JSON.parse((await query('select count(*) as n from hosts', { asOf: '2020-01-01' })).text) as schemas.QueryAnswer;
      expect(before.rows).toEqual([[0]]);
      const mistaken = await query('select hots from certificates');
      expect([mistaken.status, mistaken.text]).toEqual([400, expect.stringContaining('"did you mean') as string]);
    });

    const both = [
      'delete from hosts', "update hosts set host = 'x'", "insert into run (id) values ('x')", 'drop view hosts', 'create table x (a text)', 'select 1; delete from run', 'select body from event',
    ];
    const sqlite = [
      'pragma user_version = 1', 'pragma table_list', "attach '/etc/passwd' as p", 'select sql from sqlite_schema', 'select name from sqlite_master', "select load_extension('/tmp/x.so')",
      "select writefile('/tmp/hsmfleet-written', 'x')", "select readfile('/etc/passwd')", "select * from pragma_database_list", "select fts3_tokenizer('x')", "vacuum into '/tmp/hsmfleet-written'",
    ];
    const postgres = [
      "select pg_read_file('/etc/passwd')", "select pg_ls_dir('/')", 'select passwd from pg_shadow', 'select rolpassword from pg_authid', 'set role postgres', 'reset role', 'set session authorization default',
      "copy (select 1) to '/tmp/hsmfleet-written'", "copy (select 1) to program 'id'", "select lo_import('/etc/passwd')", "select pg_sleep(0) from event", "select set_config('role', 'postgres', false) from run",
      'set transaction read write', "select pg_terminate_backend(pg_backend_pid()), pg_reload_conf()", "do $$ begin perform 1; end $$",
    ];
    test.each([...both, ...(kind === 'sqlite' ? sqlite : postgres)])('cannot write, and cannot read what is no view: %s', async (sql) => {
      const before = await store.sql('select count(*) as n from run');
      const { status, text } = await query(sql);
      expect([400, 403]).toContain(status);
      expect(text).not.toMatch(/root:|SCRAM-SHA|create table/i);
      expect(await store.sql('select count(*) as n from run')).toEqual(before);
    });
  });
});

test('a thousand hosts on one page take less than a tenth of a second of work', async () => {
  const { store, remove } = await openTestStore('sqlite');
  try {
    await fillStore(store, 1_000, 30, new Date());
    const data = createDashboardData({ store, version: '0.1.0', namedQueries: () => Promise.resolve([]) });
    await data.overview();
    // the processor's time of this thread: what else this machine does at the moment is not what is measured
    const begun = process.threadCpuUsage();
    for (let turn = 0; turn < 5; turn += 1) expect((await data.overview()).fleet.hosts).toBe(1_000);
    const { user, system } = process.threadCpuUsage(begun);
    expect((user + system) / 5_000).toBeLessThan(100);
  } finally {
    await remove();
  }
}, 60_000);
