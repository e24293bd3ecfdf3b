import { createReadStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openStore, type Store } from '@hsmfleet/store';
import { createTestDatabase } from '@hsmfleet/store/testkit';
import { loadNamedQueries } from '../../apps/cli/src/named-queries.ts';
import { hostName, report } from './fleet.ts';

/*
 * Fills a store with a made-up fleet and measures the queries that come with the program on it:
 *   node tools/synthetic-store/main.ts --hosts 100000 --keys 5 --sqlite .cache/synthetic.db
 *   node tools/synthetic-store/main.ts --hosts 100000 --keys 5 --postgres
 * A file that exists is measured as it is; the PostgreSQL database is one of its own on the test server, and dropped.
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

async function measure(store: Store, what: string): Promise<void> {
  process.stdout.write(`${what}, ${String(hosts)} hosts x ${String(keys)} keys: median of ${String(runs)}, milliseconds, as \`hsmfleet query\` asks\n`);
  for (const { name, sql } of await loadNamedQueries()) {
    const times: number[] = [];
    let rows = 0;
    for (let run = 0; run < runs; run += 1) {
      const started = performance.now();
      rows = (await store.query(sql, { timeoutMs: 120_000 })).rows.length;
      times.push(performance.now() - started);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
    process.stdout.write(`${name.padEnd(28)} ${median.toFixed(0).padStart(6)} ms  ${String(rows).padStart(6)} rows${median > 300 ? '  over 300 ms' : ''}\n`);
  }
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
    if (isNew) await fill(store);
    await warm(path);
    await measure(store, `SQLite (${(statSync(path).size / 2 ** 20).toFixed(0)} MB)`);
  } catch (thrown) {
    if (isNew) rmSync(path, { force: true });
    throw thrown;
  } finally {
    await store.close();
  }
}
if (values.postgres) {
  const database = await createTestDatabase('synthetic');
  const store = await openStore(database.url);
  try {
    await fill(store);
    await measure(store, 'PostgreSQL');
  } finally {
    await store.close();
    await database.drop();
  }
}
