import type { InventoryReport } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, sampleReport, stamp } from '../samples.ts';
import { VIEWS } from '../../views.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

/** Answers of the past, and changes. */
export function historySuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeEach(async () => {
    at = await openTestStore(kind);
    store = at.store;
  });
  afterEach(async () => { await at.remove(); });

  const day = (number: number): string => `2026-01-0${String(number)}T10:00:00.000Z`;

  /** A snapshot whose one key has so many bits; none: no key. */
  function withKey(host: string, at: string, bits: number | undefined, more: Partial<InventoryReport> = {}): InventoryReport {
    const report = sampleReport(host, at, more);
    const [token] = report.modules[0]?.tokens ?? [];
    if (token !== undefined) token.keys = bits === undefined ? [] : token.keys.map((key) => ({ ...key, bits }));
    return report;
  }

  describe('the past', () => {
    it('is answered by the same views', async () => {
      await store.recordInventory(withKey('a', day(1), 1024));
      await store.recordInventory(withKey('a', day(2), 1024));
      await store.recordInventory(withKey('a', day(3), 4096, { sites: [] }));
      await store.recordInventory(withKey('b', day(4), 1024));
      const keys = async (asOf?: string): Promise<unknown> => store.read('select host, bits, collected_at from keys order by host', {}, { asOf });
      expect(await keys()).toEqual([{ host: 'a', bits: 4096, collected_at: day(3) }, { host: 'b', bits: 1024, collected_at: day(4) }]);
      expect(await keys('2026-01-03')).toEqual([{ host: 'a', bits: 4096, collected_at: day(3) }]);
      expect(await keys('2026-01-03T09:59Z')).toEqual([{ host: 'a', bits: 1024, collected_at: day(2) }]);
      expect(await keys(day(1))).toEqual([{ host: 'a', bits: 1024, collected_at: day(1) }]);
      expect(await keys('2025-12-31')).toEqual([]);
      await expect(store.query('select s.host, k.bits from sites s join keys k on k.fingerprint = s.served_key_fingerprint and k.host = s.host', { asOf: '2026-01-02' })).resolves.toMatchObject({ rows: [['a', 1024]] });
      await expect(store.query('select count(*) from sites', { asOf: '2026-01-03' })).resolves.toMatchObject({ rows: [[0]] });
      // what counts from the present counts from then
      await expect(store.query('select days_left, not_after from certificates', { asOf: '2034-12-30T00:00:00Z' })).resolves.toMatchObject({ rows: [[expect.any(Number), '2035-01-01T00:00:00.000Z'], [expect.any(Number), '2035-01-01T00:00:00.000Z']] });
      await expect(store.query('select days_left from certificates', { asOf: '2026-01-01T12:00Z' })).resolves.toMatchObject({ rows: [[3286]] });
    });

    it('tells where tokens have been', async () => {
      const [here, there] = [sampleReport('a', day(1)), sampleReport('b', day(3))];
      await store.recordInventory(here);
      await store.recordInventory({ ...sampleReport('a', day(2)), modules: [] });
      await store.recordInventory(there);
      const sightings = (asOf?: string): Promise<unknown> => store.read('select host, serial, from_at, until_at from token_sightings order by from_at', {}, { asOf });
      expect(await sightings()).toEqual([
        { host: 'a', serial: 'S1', from_at: day(1), until_at: day(2) }, { host: 'b', serial: 'S1', from_at: day(3), until_at: null },
      ]);
      expect(await sightings(day(1))).toEqual([{ host: 'a', serial: 'S1', from_at: day(1), until_at: null }]);
    });

    it('knows how hosts were, as runs and inventories left them', async () => {
      const event = (run: string, at: string) => stamp(run, at);
      for (const [run, at, reached] of [['r1', day(1), true], ['r2', day(2), false], ['r3', day(3), true]] as const) {
        const of = event(run, at);
        store.appendEvent(of('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: ['a'], version: '0.1.0' }));
        if (!reached) {
          store.appendEvent(of('a', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }));
          continue;
        }
        store.appendEvent(of('a', { type: 'host_started', agent: '0.1.0', node: 'v24.0.0', uploaded: [] }));
        store.appendEvent(of('a', { type: 'inventory', report: sampleReport('a', at, run === 'r3' ? { errors: [{ code: 'TIMEOUT', message: 'slow' }] } : {}) }));
        store.appendEvent(of('a', finished('x', 'ok')));
        store.appendEvent(of('a', { type: 'host_finished', play: 0, status: 'ok' }));
      }
      const hosts = (asOf?: string): Promise<unknown> =>
        store.read('select state, collected_at, inventory_problem, inventory_errors, last_run, last_status, last_seen_at from hosts', {}, { asOf });
      expect(await hosts('2025-12-31')).toEqual([]);
      expect(await hosts(day(1))).toEqual([{ state: 'fresh', collected_at: day(1), inventory_problem: null, inventory_errors: 0, last_run: 'r1', last_status: 'ok', last_seen_at: day(1) }]);
      expect(await hosts(day(2))).toEqual([{ state: 'error', collected_at: day(1), inventory_problem: 'no route (UNREACHABLE)', inventory_errors: 0, last_run: 'r2', last_status: 'unreachable', last_seen_at: day(1) }]);
      expect(await hosts('2026-01-09')).toEqual([{ state: 'error', collected_at: day(3), inventory_problem: null, inventory_errors: 1, last_run: 'r3', last_status: 'ok', last_seen_at: day(3) }]);
      expect(await store.read('select run, latest from task_results order by run', {}, { asOf: day(2) })).toEqual([{ run: 'r1', latest: 0 }]);
      expect(await store.read('select run from runs order by run', {}, { asOf: day(2) })).toEqual([{ run: 'r1' }, { run: 'r2' }]);
    });

    it('has a view for every one of the present, with the same columns', async () => {
      for (const view of VIEWS) {
        // a statement that names a column which is not there is refused
        expect(await store.read(`select ${view.columns.map(({ name }) => `"${name}"`).join(', ')} from ${view.name}`, {}, { asOf: '2026-01-02' })).toEqual([]);
      }
    });

    it.each([['yesterday'], ['2026-02-30'], ['2026-01-01T10:00'], ['']])('refuses %j as an instant', async (asOf) => {
      await expect(store.query('select 1', { asOf })).rejects.toMatchObject({ code: 'USAGE', message: `the instant to answer for wants a date or a time, not "${asOf}"` });
    });
  });

  describe('inventories that change nothing', () => {
    it('leave the rows as they are, and are counted all the same', async () => {
      for (const number of [1, 2, 3]) await store.recordInventory(withKey('a', day(number), 1024));
      expect(await store.changes({ from: new Date(day(1)), to: new Date(day(9)) })).toEqual([]);
      expect(await store.read('select collected_at from keys')).toEqual([{ collected_at: day(3) }]);
    });

    it('of the passive sort keep what tokens showed, with its age, and proofs of unchanged modules', async () => {
      await store.recordInventory(withKey('a', day(1), 1024));
      const passive = (at: string, sha256: string): InventoryReport => {
        const report = sampleReport('a', at, { evidence: 'passive' });
        report.modules = report.modules.map((module) => ({ ...module, sha256, tokens: [], readOnly: { ...module.readOnly, verdict: 'unproven', reason: 'not asked' } }));
        return report;
      };
      await store.recordInventory(passive(day(2), 'cd'.repeat(32)));
      expect(await store.read('select bits, collected_at from keys')).toEqual([{ bits: 1024, collected_at: day(1) }]);
      expect(await store.read('select read_only, read_only_at, collected_at from modules')).toEqual([{ read_only: 'read_only', read_only_at: day(1), collected_at: day(2) }]);
      expect(await store.read('select evidence, tokens_read_at from hosts')).toEqual([{ evidence: 'passive', tokens_read_at: day(1) }]);
      // other bytes are another module: nothing is proven of it
      await store.recordInventory(passive(day(3), 'ef'.repeat(32)));
      expect(await store.read('select read_only, read_only_at from modules')).toEqual([{ read_only: 'unproven', read_only_at: null }]);
      expect(await store.read('select read_only, read_only_at from modules', {}, { asOf: day(2) })).toEqual([{ read_only: 'read_only', read_only_at: day(1) }]);
    });
  });

  describe('changes', () => {
    it('tell what came, went and became different, by time and host', async () => {
      await store.recordInventory(withKey('a', day(1), 1024));
      await store.recordInventory(withKey('b', day(1), 1024));
      await store.recordInventory(withKey('a', day(2), 2048));
      await store.recordInventory(withKey('a', day(3), undefined, { sites: [] }));
      await store.recordInventory(withKey('a', day(4), 2048));
      const changes = await store.changes({ from: new Date(day(1)), to: new Date(day(4)) });
      expect(changes.map(({ at, host, kind, what, change }) => [at, host, kind, what, change])).toEqual([
        [day(2), 'a', 'keys', '/usr/lib/hsm.so fleet S1 01 pair', 'changed'],
        [day(3), 'a', 'tokens', '/usr/lib/hsm.so fleet S1', 'changed'],
        [day(3), 'a', 'keys', '/usr/lib/hsm.so fleet S1 01 pair', 'removed'],
        [day(3), 'a', 'sites', 'www 443', 'removed'],
        [day(4), 'a', 'tokens', '/usr/lib/hsm.so fleet S1', 'changed'],
        [day(4), 'a', 'keys', '/usr/lib/hsm.so fleet S1 01 pair', 'added'],
        [day(4), 'a', 'sites', 'www 443', 'added'],
      ]);
      expect(changes[0]).toMatchObject({ before: { bits: 1024, label: 'old' }, after: { bits: 2048, label: 'old' } });
      expect(changes[2]).toMatchObject({ before: { bits: 2048 }, after: null });
      expect(Object.keys(changes[0]?.after ?? {})).not.toContain('row_id');
      expect(await store.changes({ from: new Date(day(1)), to: new Date(day(4)), hosts: ['b'] })).toEqual([]);
      expect((await store.changes({ from: new Date(0), to: new Date(day(1)), hosts: ['b'] })).map(({ change }) => change)).not.toContain('changed');
    });
  });
}
