import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeFreshness } from '../../freshness.ts';
import { KEPT_RUNS } from '../../prune.ts';
import { finished, sampleReport, sampleRun, stamp } from '../samples.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

/** Events and inventories. */
export function storeSuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeEach(async () => {
    at = await openTestStore(kind);
    store = at.store;
  });
  afterEach(async () => { await at.remove(); });

  const read = (sql: string): Promise<Record<string, unknown>[]> => at.sql(sql);

  describe('events', () => {
    it('of a run of 20 hosts and 20 tasks are stored within 30 ms', async () => {
      const events = sampleRun('run-00000001', 20, 20);
      for (const event of sampleRun('run-warm-up', 2, 2)) store.appendEvent(event);
      await store.flush();
      const before = performance.now();
      const cpu = process.threadCpuUsage();
      for (const event of events) store.appendEvent(event);
      await store.flush();
      const took = performance.now() - before;
      const { user, system } = process.threadCpuUsage(cpu);
      expect(await read('select count(*) as n from event where run = \'run-00000001\'')).toEqual([{ n: events.length }]);
      // the promise is 30 ms on an idle machine; on a busy one only the time of the processor says something
      expect((user + system) / 1_000).toBeLessThan(150);
      process.stdout.write(`${String(events.length)} events took ${took.toFixed(1)} ms\n`);
    });

    it('are written without a flush, after a moment', async () => {
      for (const event of sampleRun('run-00000001', 1, 1)) store.appendEvent(event);
      expect(await read('select * from event')).toEqual([]);
      await expect.poll(async () => (await read('select count(*) as n from event'))[0]?.n, { timeout: 3_000 }).toBe(7);
    });

    it('delivered twice count once', async () => {
      const events = sampleRun('run-00000001', 1, 3);
      for (const event of [...events, ...events.slice(3, 6)]) store.appendEvent(event);
      await store.flush();
      expect(await read('select count(*) as n from task_results')).toEqual([{ n: 3 }]);
      expect((await store.runs())[0]).toMatchObject({ id: 'run-00000001', hosts: 1, exitCode: 0 });
    });

    it('give each host of a run its status, counts and error', async () => {
      const event = stamp('run-00000001');
      const error = { code: 'TASK_FAILED', message: 'no such package' };
      for (const one of [
        event('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: true, hosts: ['a', 'b', 'c'], version: '0.1.0' }),
        event('a', finished('x', 'changed')), event('a', finished('y', 'ok')), event('a', { type: 'host_finished', play: 0, status: 'ok' }),
        event('b', finished('x', 'failed', { error })), event('b', { type: 'host_finished', play: 0, status: 'failed' }),
        event('c', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }),
      ]) store.appendEvent(one);
      await store.flush();
      expect(await read('select host, status, error, ok, changed, failed, unreachable, check_mode, finished_at from runs order by host')).toEqual([
        { host: 'a', status: 'ok', error: null, ok: 2, changed: 1, failed: 0, unreachable: 0, check_mode: 1, finished_at: null },
        { host: 'b', status: 'failed', error: 'no such package (TASK_FAILED)', ok: 0, changed: 0, failed: 1, unreachable: 0, check_mode: 1, finished_at: null },
        { host: 'c', status: 'unreachable', error: 'no route (UNREACHABLE)', ok: 0, changed: 0, failed: 0, unreachable: 1, check_mode: 1, finished_at: null },
      ]);
      expect(await read('select host, name, outcome, error_code, latest, changes from task_results order by host, seq')).toEqual([
        { host: 'a', name: 'x', outcome: 'changed', error_code: null, latest: 1, changes: 'write /etc/x' },
        { host: 'a', name: 'y', outcome: 'ok', error_code: null, latest: 1, changes: '' },
        { host: 'b', name: 'x', outcome: 'failed', error_code: 'TASK_FAILED', latest: 1, changes: '' },
      ]);
      expect(await store.runs()).toEqual([
        { id: 'run-00000001', playbook: 'site.yml', user: 'anna', check: true, startedAt: '2026-01-02T03:04:05.000Z', hosts: 3, changed: 1, failed: 2 },
      ]);
    });

    it('that cannot be written are a problem to ask for, never an exception', async () => {
      await at.sql('alter table event rename to gone');
      for (const event of sampleRun('run-00000001', 1, 1)) store.appendEvent(event);
      await store.flush();
      expect(store.problem()).toMatchObject({ code: 'STORE', message: expect.stringMatching(/^cannot write to the history database .*: .*event/) as unknown });
      await at.sql('alter table gone rename to event');
    });

    it('of old runs are dropped by prune, their rows per host are not', async () => {
      for (let index = 0; index < KEPT_RUNS + 2; index += 1) {
        const at = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
        for (const event of sampleRun(`run-${String(index).padStart(8, '0')}`, 1, 1)) store.appendEvent({ ...event, at });
      }
      await store.prune();
      expect(await read('select count(distinct run) as events from event')).toEqual([{ events: KEPT_RUNS }]);
      expect(await read('select min(run) as run from task_results')).toEqual([{ run: 'run-00000002' }]);
      expect(await read('select count(*) as n from runs')).toEqual([{ n: KEPT_RUNS + 2 }]);
    });
  });

  describe('inventory', () => {
    const now = new Date('2026-01-02T12:00:00.000Z');

    it('of a host is replaced by a newer snapshot, not by an older one that comes late', async () => {
      await store.recordInventory(sampleReport('a', '2026-01-02T10:00:00.000Z'));
      await store.recordInventory(sampleReport('b', '2026-01-02T10:00:00.000Z'));
      await store.recordInventory(sampleReport('a', '2026-01-02T11:00:00.000Z', { sites: [] }));
      await store.recordInventory(sampleReport('a', '2026-01-02T09:00:00.000Z'));
      expect(await read('select host, label, bits, token, read_only, collected_at from keys order by host')).toEqual([
        { host: 'a', label: 'old', bits: 1024, token: 'fleet', read_only: 'read_only', collected_at: '2026-01-02T11:00:00.000Z' },
        { host: 'b', label: 'old', bits: 1024, token: 'fleet', read_only: 'read_only', collected_at: '2026-01-02T10:00:00.000Z' },
      ]);
      expect(await read('select host from sites')).toEqual([{ host: 'b' }]);
      expect(await read('select count(*) as n from collection')).toEqual([{ n: 4 }]);
    });

    it('comes with runs as an event', async () => {
      const event = stamp('run-00000001', '2026-01-02T11:00:00.000Z');
      store.appendEvent(event('a', { type: 'inventory', report: sampleReport('a', '2026-01-02T11:00:00.000Z') }));
      await store.flush();
      expect(await read('select s.name, k.label from sites s join keys k on k.fingerprint = s.served_key_fingerprint')).toEqual([{ name: 'www', label: 'old' }]);
      expect(await read('select run from collection')).toEqual([{ run: 'run-00000001' }]);
    });

    it('says how far it can be relied on', async () => {
      const fresh = '2026-01-02T11:00:00.000Z';
      await store.recordInventory(sampleReport('fresh', fresh));
      await store.recordInventory(sampleReport('stale', '2026-01-01T11:59:59.000Z'));
      await store.recordInventory(sampleReport('partial', fresh, { errors: [{ code: 'TIMEOUT', message: 'the token hangs' }] }));
      await store.recordInventory(sampleReport('gone', fresh));
      await store.recordInventory(sampleReport('back', fresh));
      const event = stamp('run-00000001');
      store.appendEvent(event('gone', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }));
      store.appendEvent(event('back', { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }));
      store.appendEvent(event('back', { type: 'host_started', agent: '0.1.0', node: 'v24.0.0', uploaded: [] }));
      store.appendEvent(event('refused', finished('collect', 'failed', { resource: 'inventory', error: { code: 'TIMEOUT', message: 'x' } })));
      const freshness = await store.freshness(['fresh', 'stale', 'partial', 'gone', 'back', 'refused', 'new'], now);
      expect(freshness).toEqual({ fresh: 2, stale: ['stale'], error: ['partial', 'gone', 'refused'], never: ['new'] });
      expect(describeFreshness(freshness)).toBe('7 hosts: 2 fresh (< 24 h), 1 stale (stale), 3 in error (partial, gone, refused), 1 never seen (new)');
      expect(describeFreshness(await store.freshness(undefined, now))).toBe('6 hosts: 2 fresh (< 24 h), 1 stale (stale), 3 in error (gone, partial, refused), 0 never seen');
    });

    it('has the same freshness in the view hosts', async () => {
      await store.recordInventory(sampleReport('fresh', new Date().toISOString()));
      await store.recordInventory(sampleReport('stale', new Date(Date.now() - 25 * 3_600_000).toISOString()));
      await store.recordInventory(sampleReport('partial', new Date().toISOString(), { errors: [{ code: 'TIMEOUT', message: 'x' }] }));
      const freshness = await store.freshness(undefined);
      for (const { host, state } of await read("select host, state from hosts where state <> 'fresh'")) {
        expect(freshness[state as 'stale']).toContain(host);
      }
      expect(freshness).toMatchObject({ fresh: 1, never: [] });
      expect(await read('select state from hosts order by state')).toEqual([{ state: 'error' }, { state: 'fresh' }, { state: 'stale' }]);
    });
  });
}
