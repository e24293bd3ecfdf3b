import { CONTROL_SEQ_BASE } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, stamp } from '../samples.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

const RUN = '20260102-030405-1a2b3c';

/** What is kept of runs so that they can be taken up again. */
export function runsSuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeEach(async () => {
    at = await openTestStore(kind);
    store = at.store;
  });
  afterEach(async () => { await at.remove(); });

  describe('runs', () => {
    it('keep what they were asked for, and hear that they are to end', async () => {
      const control = { run: RUN, request: { version: 1, playbook: 'site.yml' }, holder: { pid: 7 }, heardAt: '2026-01-02T03:04:05.000Z' };
      await store.saveRunControl(control);
      expect(await store.touchRun(RUN, new Date('2026-01-02T03:04:06.000Z'))).toBeUndefined();
      const cancel = { at: '2026-01-02T03:04:07.000Z', by: 'anna@desk', reason: 'the wrong hosts' };
      expect(await store.requestCancel(RUN, cancel)).toBe(true);
      expect(await store.requestCancel('20260102-030405-ffffff', cancel)).toBe(false);
      expect(await store.touchRun(RUN)).toEqual(cancel);
      await store.saveRunControl({ ...control, holder: { pid: 8 } });
      expect(await store.runControls([RUN, 'unknown-run'])).toEqual([{ ...control, holder: { pid: 8 }, cancel: undefined }]);
    });

    it('are found by the beginning of their id, or of its last part', async () => {
      for (const [index, id] of ['20260102-030405-1a2b3c', '20260102-040506-4d5e6f'].entries()) {
        store.appendEvent(stamp(id, `2026-01-0${String(index + 2)}T00:00:00.000Z`)('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: [], version: '0.1.0' }));
      }
      expect(await store.findRuns('20260102')).toEqual(['20260102-040506-4d5e6f', '20260102-030405-1a2b3c']);
      expect(await store.findRuns('1a2')).toEqual(['20260102-030405-1a2b3c']);
      expect(await store.findRuns('030405')).toEqual([]);
    });

    it('that are taken up again count what hosts told, not that they were lost', async () => {
      const event = stamp(RUN);
      const lost = { code: 'CONNECTION_LOST', message: 'lost' } as const;
      for (const one of [
        event('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: ['a', 'b', 'c'], version: '0.1.0' }), event('a', finished('x', 'changed')), { ...event('a', { type: 'host_unreachable', error: lost }), seq: CONTROL_SEQ_BASE },
        { ...event('b', finished('run the play', 'failed', { task: '0.agent', resource: 'agent', error: { code: 'AGENT', message: 'no' } })), seq: CONTROL_SEQ_BASE },
        event('c', finished('x', 'failed', { error: { code: 'TASK_FAILED', message: 'no' } })), event('c', { type: 'host_finished', play: 0, status: 'failed' }),
        event('', { type: 'run_finished', counts: {}, exitCode: 6, durationMs: 1 }),
      ]) store.appendEvent(one);
      await store.flush();
      expect(await store.run(RUN)).toMatchObject({ exitCode: 6, failed: 2 });
      store.appendEvent({ ...event('', { type: 'run_resumed', user: 'anna', hosts: ['a', 'b', 'c'], version: '0.1.0' }), seq: 1_501_000_000 });
      // the second attempt tells a's journal again, and goes on
      store.appendEvent({ ...event('a', finished('x', 'changed')), seq: 0 });
      store.appendEvent({ ...event('a', finished('y', 'changed', { task: '0.t1' })), seq: 1 });
      store.appendEvent({ ...event('a', { type: 'host_finished', play: 0, status: 'ok' }), seq: 2 });
      await store.flush();
      expect(await at.sql('select host, status, error, changed, failed, unreachable from runs order by host')).toEqual([
        { host: 'a', status: 'ok', error: null, changed: 2, failed: 0, unreachable: 0 },
        { host: 'b', status: 'running', error: null, changed: 0, failed: 0, unreachable: 0 },
        { host: 'c', status: 'failed', error: 'no (TASK_FAILED)', changed: 0, failed: 1, unreachable: 0 },
      ]);
      expect((await store.run(RUN))?.finishedAt).toBeUndefined();
    });
  });
}
