import type { CheckReport, CheckResult, StateChange } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleCheck, sampleResult } from '../checks.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

/** Checks, findings, notifications, states of schedules, events of runs. */
export function checksSuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeEach(async () => {
    at = await openTestStore(kind);
    store = at.store;
  });
  afterEach(async () => { await at.remove(); });

  const weak = (host: string, outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult => sampleResult('weak-keys', host, outcome, more);
  const change = (kind: StateChange['kind'], more: Partial<StateChange> = {}): StateChange => ({
    kind, key: 'k', at: '2026-01-02T10:00:00.000Z', check: 'c1', schedule: 'nightly', host: 'a', control: 'weak-keys', severity: 'high', title: 'a weak key', details: {}, ...more,
  });
  const record = (report: CheckReport): Promise<void> => store.recordCheck(report, [], []);

  describe('a check', () => {
    it('comes back as it was stored, and the last one of a schedule and profile is known', async () => {
      const first = sampleCheck('c1', '2026-01-02T10:00:00.000Z', [weak('a', 'fail'), weak('b', 'pass')]);
      const second = sampleCheck('c2', '2026-01-02T11:00:00.000Z', [weak('b', 'unreachable', { error: { code: 'UNREACHABLE', message: 'no route' } }), weak('a', 'pass')]);
      const byHand = sampleCheck('c3', '2026-01-02T12:00:00.000Z', [weak('a', 'pass')], { schedule: null });
      for (const report of [first, second, byHand]) await record(report);
      expect(await store.check('c1')).toEqual(first);
      expect(await store.lastCheck({ schedule: 'nightly', profile: 'baseline' })).toEqual(second);
      expect(await store.lastCheck({ schedule: null, profile: 'baseline' })).toEqual(byHand);
      expect(await store.lastCheck({ schedule: 'weekly', profile: 'baseline' })).toBeUndefined();
      expect(await store.check('c9')).toBeUndefined();
      expect((await store.checks()).map(({ id, hosts, counts }) => [id, hosts, counts.pass])).toEqual([['c3', 1, 1], ['c2', 2, 1], ['c1', 2, 1]]);
      expect((await store.checks({ schedule: 'nightly', limit: 1 })).map(({ id }) => id)).toEqual(['c2']);
      expect(await store.read('select check_id, host, outcome, error from check_results where latest = 1 and schedule = $schedule order by host', { schedule: 'nightly' })).toEqual([
        { check_id: 'c2', host: 'a', outcome: 'pass', error: null }, { check_id: 'c2', host: 'b', outcome: 'unreachable', error: 'no route (UNREACHABLE)' },
      ]);
      expect(await store.read('select check_id, latest, pass, unreachable from checks order by check_id')).toEqual([
        { check_id: 'c1', latest: 0, pass: 1, unreachable: 0 }, { check_id: 'c2', latest: 1, pass: 1, unreachable: 1 }, { check_id: 'c3', latest: 1, pass: 1, unreachable: 0 },
      ]);
    });

    it('opens findings, keeps those that could not be judged, and resolves what is gone', async () => {
      const open = (): Promise<unknown> => store.read('select host, first_check, last_check, waived, resolved_at from findings where profile = \'baseline\' order by host, first_seen_at');
      await record(sampleCheck('c1', '2026-01-02T10:00:00.000Z', [weak('a', 'fail'), weak('b', 'fail'), weak('c', 'waived'), weak('d', 'fail')]));
      // a is judged without it, b cannot be judged, c is still waived, d has left the schedule
      await record(sampleCheck('c2', '2026-01-02T11:00:00.000Z', [weak('a', 'pass'), weak('b', 'unreachable'), weak('c', 'waived')]));
      expect(await open()).toEqual([
        { host: 'a', first_check: 'c1', last_check: 'c1', waived: 0, resolved_at: '2026-01-02T11:00:00.000Z' },
        { host: 'b', first_check: 'c1', last_check: 'c1', waived: 0, resolved_at: null },
        { host: 'c', first_check: 'c1', last_check: 'c2', waived: 1, resolved_at: null },
        { host: 'd', first_check: 'c1', last_check: 'c1', waived: 0, resolved_at: '2026-01-02T11:00:00.000Z' },
      ]);
      // what comes back is a finding of its own
      await record(sampleCheck('c3', '2026-01-02T12:00:00.000Z', [weak('a', 'fail'), weak('b', 'pass'), weak('c', 'pass')]));
      expect(await store.read('select host, first_seen_at from findings where resolved_at is null')).toEqual([{ host: 'a', first_seen_at: '2026-01-02T12:00:00.000Z' }]);
    });

    it('made by hand says nothing about hosts that it left out', async () => {
      await record(sampleCheck('c1', '2026-01-02T10:00:00.000Z', [weak('a', 'fail'), weak('b', 'fail')], { schedule: null }));
      await record(sampleCheck('c2', '2026-01-02T11:00:00.000Z', [weak('a', 'pass')], { schedule: null }));
      expect(await store.read('select host from findings where resolved_at is null')).toEqual([{ host: 'b' }]);
    });
  });

  describe('notifications', () => {
    it('are queued once per sink with the check, and wait until they are due', async () => {
      const now = new Date('2026-01-02T10:00:00.000Z');
      await store.recordCheck(sampleCheck('c1', now.toISOString(), [weak('a', 'fail')]), [change('finding'), change('host_lost', { key: 'h', control: null, severity: null })], ['mail', 'hook']);
      const all = await store.pendingNotifications(now);
      expect(all.map(({ sink, change: { kind }, attempts }) => [sink, kind, attempts])).toEqual([['mail', 'finding', 0], ['hook', 'finding', 0], ['mail', 'host_lost', 0], ['hook', 'host_lost', 0]]);
      expect(all[0]?.change).toEqual(change('finding'));
      const idOf = (sink: string): number[] => all.filter((one) => one.sink === sink).map(({ id }) => id);
      await store.settleNotification(idOf('mail'), { ok: true });
      await store.settleNotification(idOf('hook'), { ok: false, error: 'refused', retryAt: '2026-01-02T10:05:00.000Z' });
      expect(await store.pendingNotifications(now)).toEqual([]);
      const later = await store.pendingNotifications(new Date('2026-01-02T10:05:00.000Z'), 1);
      expect(later).toMatchObject([{ sink: 'hook', attempts: 1 }]);
      await store.settleNotification(idOf('hook'), { ok: false, error: 'refused again', retryAt: null });
      expect(await store.pendingNotifications(new Date('2027-01-01T00:00:00.000Z'))).toEqual([]);
      expect(await store.read('select sink, kind, attempts, error, sent_at is not null as sent, given_up_at is not null as given_up from notifications order by sink, kind')).toMatchObject([
        { sink: 'hook', kind: 'finding', attempts: 2, error: 'refused again', sent: 0, given_up: 1 }, { sink: 'hook', kind: 'host_lost', given_up: 1 },
        { sink: 'mail', kind: 'finding', attempts: 1, error: null, sent: 1, given_up: 0 }, { sink: 'mail', kind: 'host_lost', sent: 1 },
      ]);
    });

    it('are not queued when the check cannot be stored', async () => {
      const report = sampleCheck('c1', '2026-01-02T10:00:00.000Z', [weak('a', 'fail')]);
      await record(report);
      await expect(store.recordCheck(report, [change('finding')], ['mail'])).rejects.toMatchObject({ code: 'STORE' });
      expect(await store.pendingNotifications(new Date())).toEqual([]);
    });
  });

  describe('states of schedules', () => {
    it('are kept by name', async () => {
      const state = { name: 'nightly', lastDueAt: '2026-01-02T10:00:00.000Z', lastStartedAt: null, lastFinishedAt: null, running: 'c1', outcome: null, error: null };
      await store.saveScheduleState(state);
      await store.saveScheduleState({ ...state, name: 'hourly' });
      await store.saveScheduleState({ ...state, running: null, outcome: 'ok' });
      expect(await store.scheduleStates()).toEqual([{ ...state, name: 'hourly' }, { ...state, running: null, outcome: 'ok' }]);
    });
  });

  describe('events of a run', () => {
    it('come in the order in which they were stored, from a position on', async () => {
      const event = (seq: number, host: string): void => { store.appendEvent({ seq, at: '2026-01-02T10:00:00.000Z', run: 'r1', host, type: 'task_started', task: '0.t0', name: 'x', resource: 'file', handler: false }); };
      event(1, 'b');
      event(1, 'a');
      const first = await store.runEvents('r1');
      expect(first.map(({ event: { host } }) => host)).toEqual(['b', 'a']);
      event(1, 'a');
      event(2, 'b');
      const more = await store.runEvents('r1', first.at(-1)?.position);
      expect(more.map(({ event: { host, seq } }) => [host, seq])).toEqual([['b', 2]]);
      expect(await store.runEvents('r1', more[0]?.position)).toEqual([]);
    });
  });
}
