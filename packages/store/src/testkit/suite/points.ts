import { BenchmarkPoint } from '@hsmfleet/contract';
import { Value } from '@sinclair/typebox/value';
import { expect, it } from 'vitest';
import { SIEGE_POINT, SIGN_POINT } from '../points.ts';
import { stamp } from '../samples.ts';
import { openTestStore, type StoreKind } from '../test-store.ts';

/** Points of benchmarks. */
export function pointsSuite(kind: StoreKind): void {
  it('of benchmarks are kept as rows to query, and come back as they were measured', async () => {
    for (const point of [SIEGE_POINT, SIGN_POINT]) expect([...Value.Errors(BenchmarkPoint, point)]).toEqual([]);
    const { store, remove } = await openTestStore(kind);
    const first = stamp('run-1');
    const hung = { ...SIEGE_POINT, at: '2026-01-02T00:01:00.000Z', concurrency: 60, outcome: 'hung' as const, problem: 'did not end within 23 s and was killed' };
    const event = first('web01', { type: 'benchmark', point: SIEGE_POINT });
    store.appendEvent(event);
    store.appendEvent(event);
    store.appendEvent(first('web01', { type: 'benchmark', point: hung }));
    // what a station measured belongs to no host of the fleet
    store.appendEvent(stamp('run-2')('', { type: 'benchmark', point: SIGN_POINT }));
    await expect(store.query('select host, kind, key_label, concurrency, sessions, rate, outcome from benchmark_points order by collected_at')).resolves.toMatchObject({
      rows: [
        ['web01', 'siege', 'rsa2048', 5, null, 12.2, 'measured'],
        ['web01', 'siege', 'rsa2048', 60, null, 12.2, 'hung'],
        ['station', 'sign', 'ec256', null, 4, 151.5, 'measured'],
      ],
    });
    await expect(store.query('select host from hosts')).resolves.toMatchObject({ rows: [['web01']] });
    expect(await store.benchmarkPoints()).toEqual([SIEGE_POINT, hung, SIGN_POINT]);
    expect(await store.benchmarkPoints('run-2')).toEqual([SIGN_POINT]);
    await remove();
  });
}
