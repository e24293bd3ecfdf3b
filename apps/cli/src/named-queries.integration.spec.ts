import type { InventoryReport } from '@hsmfleet/contract';
import { openTestStore, removeTestDatabases, sampleReport, stamp, whyNoPostgres, type StoreKind, type TestStore } from '@hsmfleet/store/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadNamedQueries } from './named-queries.ts';

const noPostgres = whyNoPostgres();
if (noPostgres !== undefined) process.stderr.write(`queries on PostgreSQL are not tried: ${noPostgres}\n`);
const shipped = await loadNamedQueries();

/** What each query finds in the fleet below; nothing where it is not mentioned. */
const FOUND: Record<string, object[]> = {
  'agent-versions': [{ hosts: 4 }],
  'duplicate-keys': [{ tokens: 2, first_host: 'b', last_host: 'c' }],
  'expiring-certificates': [{ host: 'b', days_left: 20 }],
  'hosts-never-seen': [{ host: 'd', last_status: 'unreachable' }],
  'key-types': [{ type: 'rsa', bits: 1024, keys: 2, hosts: 2 }],
  'keys-without-certificate': [{ host: 'c' }],
  'lost-pin-tries': [{ pin_state: 'count_low', host: 'b', serial: 'S1' }],
  'module-versions': [{ hosts: 2 }],
  'moved-tokens': [{ serial: 'S1', host: 'a', gone_at: expect.any(String) as string }, { serial: 'S1', host: 'b', gone_at: null }],
  'pin-tries-over-time': [{ host: 'b', until_at: null }],
  'stale-hosts': [{ host: 'd', state: 'error' }, { host: 'a', state: 'stale' }, { host: 'b', state: 'stale' }],
  'weak-keys': [{ host: 'b', bits: 1024 }, { host: 'c', bits: 1024 }],
  'writable-modules': [{ host: 'c', read_only: 'writable' }],
};

describe.each<[StoreKind, string | undefined]>([['sqlite', undefined], ['postgres', noPostgres]])('queries that come with the program, on %s', (kind, reason) => {
  let at: TestStore;
  beforeAll(async () => {
    if (reason !== undefined) return;
    at = await openTestStore(kind);
    const now = Date.now();
    const day = (days: number): string => new Date(now + days * 86_400_000).toISOString();
    // a token that went from a to b, where it then lost a try; its certificate ends soon
    await at.store.recordInventory(sampleReport('a', day(-3)));
    await at.store.recordInventory({ ...sampleReport('a', day(-2)), modules: [], sites: [] });
    await at.store.recordInventory(altered(sampleReport('b', day(-1)), 'count_low', day(20.5)));
    // another token with the same key, behind a module that can write
    const copy = altered(sampleReport('c', day(0)), 'ok', day(400));
    for (const module of copy.modules) {
      module.readOnly = { ...module.readOnly, verdict: 'writable' };
      module.tokens = module.tokens.map((token) => ({ ...token, serial: 'S2', identity: '00'.repeat(32), certificates: [] }));
    }
    await at.store.recordInventory(copy);
    const event = stamp('r1', day(0));
    at.store.appendEvent(event('', { type: 'run_started', playbook: 'inventory.yml', user: 'anna', check: false, hosts: ['d'], version: '0.1.0' }));
    at.store.appendEvent(event('d', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route to host' } }));
    await at.store.flush();
  });
  afterAll(async () => {
    if (reason !== undefined) return;
    await at.remove();
    await removeTestDatabases();
  });

  const rows = async (name: string): Promise<Record<string, unknown>[]> => {
    const { sql } = shipped.find((query) => query.name === name) ?? { sql: '' };
    const { columns, rows: cells } = await at.store.query(sql);
    return cells.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
  };

  test.skipIf(reason !== undefined).each(shipped.map(({ name }) => [name]))('%s finds what it is for, and nothing else', async (name) => {
    expect(await rows(name)).toMatchObject(FOUND[name] ?? []);
  });
});

/** The report with another state of the PIN and another end of the certificate. */
function altered(report: InventoryReport, pinState: 'ok' | 'count_low', notAfter: string): InventoryReport {
  for (const token of report.modules.flatMap(({ tokens }) => tokens)) {
    token.pinState = pinState;
    token.certificates = token.certificates.map((certificate) => ({ ...certificate, notAfter }));
  }
  return report;
}
