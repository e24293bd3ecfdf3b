import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleReport } from '../samples.ts';
import { VIEWS } from '../../views.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

/** People's queries. */
export function querySuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeAll(async () => {
    at = await openTestStore(kind);
    store = at.store;
    for (const host of ['a', 'b', 'c']) await store.recordInventory(sampleReport(host, '2026-01-02T10:00:00.000Z'));
  });
  afterAll(async () => { await at.remove(); });

  describe('a query', () => {
    it('answers columns and rows while the store is open for writing', async () => {
      await expect(store.query("select host, label, bits from keys where type='rsa' and bits < 2048 order by host;")).resolves.toEqual({
        columns: ['host', 'label', 'bits'], rows: [['a', 'old', 1024], ['b', 'old', 1024], ['c', 'old', 1024]], truncated: false,
      });
    });

    it('sees what was appended before it', async () => {
      await store.recordInventory(sampleReport('d', '2026-01-02T10:00:00.000Z'));
      await expect(store.query('select count(*) from hosts')).resolves.toMatchObject({ rows: [[4]] });
    });

    it('says when there is more than asked for', async () => {
      await expect(store.query('select host from keys order by host', { maxRows: 2 })).resolves.toEqual({
        columns: ['host'], rows: [['a'], ['b']], truncated: true,
      });
    });

    it('gives big integers and bytes as text', async () => {
      await expect(store.query(`select 9007199254740993 as big, ${kind === 'sqlite' ? "x'00ff'" : "'\\x00ff'::bytea"} as bytes, null, 1.5 as r, 1 = 1 as yes`)).resolves.toMatchObject({
        rows: [['9007199254740993', '00ff', null, 1.5, 1]],
      });
    });

    it('is ended at its deadline, and the store goes on', async () => {
      const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n';
      await expect(store.query(endless, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMEOUT', message: 'the query did not end within 0.5 s' });
      await expect(store.query('select 1')).resolves.toMatchObject({ rows: [[1]] });
    });

    it('may refer to itself', async () => {
      await expect(store.query('with recursive n(i) as (select 1 union all select i + 1 from n where i < 4) select sum(i), (select count(*) from keys) from n')).resolves.toMatchObject({ rows: [[10, 4]] });
    });

    it.each([
      'delete from runs', 'insert into host (name, first_seen_at) values (1, 2)', 'delete from host', 'drop table host', 'update host set name = 1',
      "attach '/tmp/x.db' as x", 'pragma user_version = 7', 'pragma query_only = 0', 'create temp table x (a)', 'vacuum',
      'begin immediate', kind === 'sqlite' ? "select load_extension('x')" : "select lo_import('/etc/passwd')",
    ])('cannot do more than read: %s', async (sql) => {
      await expect(store.query(sql)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(/only read|no such function: load_extension/) as unknown });
      await expect(store.query('select count(*) from hosts')).resolves.toMatchObject({ rows: [[4]] });
    });

    it.each(kind === 'sqlite'
      ? ['select body from event', 'select * from host', 'select sql from sqlite_schema', 'select * from inv_keys', "select * from pragma_table_info('host')",
        'with event(body) as (select 1) select (select body from main.event) from event', 'with recursive host as (select 1 as name union all select name from main.host) select * from host',
        'select (with sqlite_schema as (select 1 as x) select x from sqlite_schema), sql from sqlite_schema', "with pragma_table_info as (select 1 as name) select p.name from pragma_table_info, main.pragma_table_info('host') as p"]
      : ['select body from event', 'select * from hsmfleet.host', 'select rolpassword from pg_authid', "select pg_read_file('/etc/hostname')", 'select * from inv_keys',
        "select set_config('role', 'hsmfleet_test', true), (select count(*) from event)", "select query_to_xml('select * from hsmfleet.event', true, true, '')"])('reads the views and nothing else: %s', async (sql) => {
      await expect(store.query(sql)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(/unknown view|only read/) as unknown });
    });

    it('may use what both databases have', async () => {
      await expect(store.query(`with weak as (select host, count(*) as n from keys where bits < 2048 group by host having count(*) > 0)
        select h.host, coalesce(w.n, 0) as n, case when h.state = 'never' then 1 else 0 end as never, row_number() over (order by h.host) as number
        from hosts h left join weak w on w.host = h.host where h.host in ('a', 'b') and h.host like 'a%' union all select 'x', 0, 0, 0 order by 1`)).resolves.toMatchObject({
        rows: [['a', 1, 0, 1], ['x', 0, 0, 0]],
      });
    });

    it('names the nearest column and lists all of the view', async () => {
      await expect(store.query('select host, bitz from keys')).rejects.toMatchObject({
        code: 'USAGE', message: 'the query names an unknown column "bitz"', position: { file: 'query', line: 1, column: 14 },
        excerpt: 'select host, bitz from keys', hint: expect.stringMatching(/^did you mean "bits"\? keys has host, module, .*collected_at$/),
      });
    });

    it('names the nearest view', async () => {
      await expect(store.query('select *\nfrom certificate')).rejects.toMatchObject({
        message: 'the query names an unknown view "certificate"', position: { line: 2, column: 6 },
        hint: `did you mean "certificates"? views: ${VIEWS.map(({ name }) => name).join(', ')}`,
      });
    });

    it.each([
      ['selct 1', 'the query is not valid: near "selct": syntax error'],
      ['select 1; select 2', 'the query has more than one statement'],
      ['', 'the query is empty'],
      ['select (1', 'the query is not valid: incomplete input'],
    ])('%j is explained', async (sql, message) => {
      await expect(store.query(sql)).rejects.toMatchObject({ code: 'USAGE', message });
    });
  });
}
