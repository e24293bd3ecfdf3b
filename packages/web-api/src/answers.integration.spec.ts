import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toCsv } from './routes/query-routes.ts';
import { serializerOf } from './serialize.ts';
import * as schemas from './schemas/index.ts';
import { madeUpData } from './testdata/made-up-data.ts';
import { startTestServer, type TestServer } from './testkit/start-server.ts';

const API = '/api/v1';
let at: TestServer;
beforeAll(async () => { at = await startTestServer(); });
afterAll(() => at.server.close());

const host = 'web0001.ber.example.org';

test.each([
  ['/overview', schemas.Overview], ['/hosts', schemas.HostList], ['/hosts?sort=failing&order=desc&state=fresh&search=web', schemas.HostList], [`/hosts/${host}`, schemas.HostDetail],
  ['/controls', schemas.ControlList], ['/controls/pin-state-clean?outcome=all', schemas.ControlDetail], ['/certificates?from=2020-01-01', schemas.CertificateList], ['/runs', schemas.RunList],
  ['/runs/run-00', schemas.RunDetail], [`/runs/run-03/hosts/${host}`, schemas.RunHostDetail], ['/checks?limit=3', schemas.CheckList], ['/views', schemas.ViewList],
  ['/queries', schemas.QueryList], ['/benchmarks', schemas.BenchmarkList], ['/schedules', schemas.ScheduleList], ['/session', schemas.SessionAnswer],
])('GET %s answers as its schema says', async (path, schema) => {
  const response = await at.ask(API + path, { token: at.tokens.viewer });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  expect(TypeCompiler.Compile(schema).Errors(await response.json()).First()).toBeUndefined();
});

test('a check and its results are found by the id that the list tells, page by page', async () => {
  const list = (await (await at.ask(`${API}/checks?limit=1`, { token: at.tokens.viewer })).json()) as schemas.CheckList;
  const id = list.items[0]?.id ?? '';
  const check = await (await at.ask(`${API}/checks/${id}`, { token: at.tokens.viewer })).json();
  expect(TypeCompiler.Compile(schemas.CheckDetail).Errors(check).First()).toBeUndefined();
  const seen = new Set<string>();
  let after: string | null = '0';
  while (after !== null) {
    const page = (await (await at.ask(`${API}/checks/${id}/results?limit=100&after=${after}`, { token: at.tokens.viewer })).json()) as schemas.ResultList;
    for (const { host: name, control } of page.items) seen.add(`${name} ${control}`);
    expect(page.total).toBe(360);
    after = page.next;
  }
  expect(seen.size).toBe(360);
});

test('what a schema does not name does not leave, however deep, and what is not as described is not sent', () => {
  const Inner = Type.Object({ name: Type.String() }, { additionalProperties: false });
  const serialize = serializerOf(Type.Object({ inner: Type.Union([Inner, Type.Null()]), list: Type.Array(Inner) }, { additionalProperties: false }));
  const secret = { name: 'a', pin: '648219' };
  expect(serialize({ inner: secret, list: [secret], pin: '648219' })).toBe('{"inner":{"name":"a"},"list":[{"name":"a"}]}');
  expect(() => serialize({ inner: { name: 1 }, list: [] })).toThrow('an answer is not as its schema says, at /inner');
});

test('the server itself drops fields that the data has beyond the schema', async () => {
  const data = madeUpData(1);
  const own = await startTestServer({ data: { ...data, overview: async () => ({ ...(await data.overview()), pin: '648219' }) } });
  try {
    const text = await (await own.ask(`${API}/overview`, { token: own.tokens.viewer })).text();
    expect(text).toContain('"fleet"');
    expect(text).not.toContain('648219');
  } finally {
    await own.server.close();
  }
});

test('a query answers as JSON, or as CSV in which no cell is a formula', async () => {
  const ask = (headers: Record<string, string>): Promise<Response> => at.ask(`${API}/query`, { method: 'POST', token: at.tokens.viewer, body: { sql: 'select host, subject, days_left from certificates', maxRows: 5 }, headers });
  const json = (await (await ask({})).json()) as schemas.QueryAnswer;
  expect(TypeCompiler.Compile(schemas.QueryAnswer).Check(json)).toBe(true);
  expect([json.rows.length, json.truncated]).toEqual([5, true]);
  const csv = await ask({ accept: 'text/csv' });
  expect([csv.headers.get('content-type'), csv.headers.get('content-disposition')]).toEqual(['text/csv; charset=utf-8; header=present', 'attachment; filename="query.csv"']);
  const rows = parse(await csv.text()) as string[][];
  expect(rows.slice(0, 2)).toEqual([json.columns, json.rows[0]?.map(String)]);
  const hostile = toCsv({ columns: ['a'], rows: [['=cmd|calc!A0'], ['+1'], ['@x'], ['-1'], [-1], ['plain, "quoted"'], [null]], truncated: false, elapsedMs: 0 });
  expect((parse(hostile) as string[][]).flat()).toEqual(['a', "'=cmd|calc!A0", "'+1", "'@x", "'-1", '-1', 'plain, "quoted"', '']);
});

test('metrics are for viewers, also by bearer token', async () => {
  const own = await startTestServer({ metrics: () => Promise.resolve({ type: 'text/plain; version=0.0.4; charset=utf-8', text: 'hsmfleet_hosts 3\n' }) });
  try {
    expect((await own.ask('/metrics')).status).toBe(401);
    const scraped = await own.ask('/metrics', { token: own.tokens.viewer });
    expect([scraped.headers.get('content-type'), await scraped.text()]).toEqual(['text/plain; version=0.0.4; charset=utf-8', 'hsmfleet_hosts 3\n']);
  } finally {
    await own.server.close();
  }
});
