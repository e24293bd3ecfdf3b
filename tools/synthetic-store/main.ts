import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openStore, type Store } from '@hsmfleet/store';
import { createTestDatabase } from '@hsmfleet/store/testkit';
import { loadNamedQueries } from '../../apps/cli/src/named-queries.ts';
import { hostName, report } from './fleet.ts';

/*
 * Fills a store with a made-up fleet and measures the queries that come with the program on it:
 *   node tools/synthetic-store/main.ts --hosts 100000 --keys 5 --sqlite .cache/synthetic/hsmfleet/hsmfleet.db
 *   node tools/synthetic-store/main.ts --hosts 100000 --keys 5 --postgres
 * The file has to be called hsmfleet/hsmfleet.db, as the program calls its own. One that exists is measured as it is; the PostgreSQL database is one of its own on the test server, and dropped.
 */
const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '100000' },
    keys: { type: 'string', default: '5' },
    runs: { type: 'string', default: '5' },
    sqlite: { type: 'string' },
    postgres: { type: 'boolean', default: false },
  },
});
const [hosts, keys, runs] = [Number(values.hosts), Number(values.keys), Number(values.runs)];

/** Hosts that are written in one transaction. */
const BATCH = 500;
const say = (text: string): void => { process.stderr.write(`${text}\n`); };

async function fill(store: Store): Promise<void> {
  const started = performance.now();
  const run = '01SYNTHETIC';
  const now = new Date();
  const earlier = new Date(now.getTime() - 2 * 86_400_000);
  const stamp = { run, at: now.toISOString() };
  store.appendEvent({ ...stamp, seq: 0, host: '', type: 'run_started', playbook: 'inventory.yml', user: 'synthetic', check: false, hosts: [], version: '0.0.0' });
  for (let first = 0; first < hosts; first += BATCH) {
    for (let index = first; index < Math.min(first + BATCH, hosts); index += 1) {
      const host = hostName(index);
      if (index % 1_000 === 999) {
        store.appendEvent({ ...stamp, seq: 0, host, type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route to host' } });
        continue;
      }
      // one token in so many was in another host before
      if (index % 20_000 === 7) await store.recordInventory({ ...report(index, keys, earlier), host: hostName(index + 1) });
      const event = { ...stamp, host };
      store.appendEvent({ ...event, seq: 0, type: 'host_started', agent: '0.1.0', node: 'v24.0.0', uploaded: [] });
      store.appendEvent({ ...event, seq: 1, type: 'inventory', report: report(index, keys, index % 200 === 3 ? earlier : now) });
      store.appendEvent({ ...event, seq: 2, type: 'host_finished', play: 0, status: 'ok' });
    }
    await store.flush();
    if ((first / BATCH) % 20 === 0) say(`${String(first)} hosts, ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  const problem = store.problem();
  if (problem !== undefined) throw problem;
  say(`filled: ${String(hosts)} hosts x ${String(keys)} keys in ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

const PROGRAM = fileURLToPath(new URL('../../apps/cli/bin/hsmfleet', import.meta.url));

/** Milliseconds that work takes, the median of several runs. */
async function medianOf(work: () => Promise<void> | void): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
}

/** The database alone, and the program from the command line, which starts two processes. */
async function measure(store: Store, location: string, what: string): Promise<void> {
  process.stdout.write(`${what}, ${String(hosts)} hosts x ${String(keys)} keys, medians of ${String(runs)}\n${'query'.padEnd(26)} database   hsmfleet query    rows\n`);
  const env = { ...process.env, HSMFLEET_DATABASE_URL: location.startsWith('postgres') ? location : '', XDG_STATE_HOME: stateHome(location) };
  for (const { name, sql } of await loadNamedQueries()) {
    let rows = 0;
    const inside = await medianOf(async () => { rows = (await store.read(sql)).length; });
    const whole = await medianOf(() => {
      const { status, stderr } = spawnSync(PROGRAM, ['query', name, '--format', 'csv', '--max-rows', '100000'], { env, maxBuffer: 2 ** 30 });
      if (status !== 0) throw new Error(`hsmfleet query ${name}: ${String(stderr)}`);
    });
    process.stdout.write(`${name.padEnd(26)} ${inside.toFixed(0).padStart(5)} ms ${whole.toFixed(0).padStart(12)} ms ${String(rows).padStart(7)}${inside > 300 ? '  over 300 ms' : ''}\n`);
  }
}

/** The folder below which the program finds a file as its own store. */
function stateHome(location: string): string {
  return location.startsWith('postgres') ? tmpdir() : dirname(dirname(location));
}

/** Puts the file into the system's cache, as it is where people ask all day. */
async function warm(path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) void chunk;
}

if (values.sqlite !== undefined) {
  const path = resolve(values.sqlite);
  const isNew = !existsSync(path);
  mkdirSync(dirname(path), { recursive: true });
  const store = await openStore(path);
  try {
    if (isNew) {
      await fill(store).catch((thrown: unknown) => {
        rmSync(path, { force: true });
        throw thrown;
      });
    }
    await warm(path);
    await measure(store, path, `SQLite (${(statSync(path).size / 2 ** 20).toFixed(0)} MB)`);
  } finally {
    await store.close();
  }
}
if (values.postgres) {
  const database = await createTestDatabase('synthetic');
  const store = await openStore(database.url);
  try {
    await fill(store);
    await measure(store, database.url, 'PostgreSQL');
  } finally {
    await store.close();
    await database.drop();
  }
}
