import type { CustodyProof } from '@hsmfleet/contract';
import { expect, it } from 'vitest';
import { stamp } from '../samples.ts';
import { openTestStore, type StoreKind } from '../test-store.ts';

/** Tokens held against manifests. */
export function custodySuite(kind: StoreKind): void {
  it('of tokens is kept per run, and the last look at each is marked', async () => {
    const { store, remove } = await openTestStore(kind);
    const proof = (at: string, more: Partial<CustodyProof> = {}): CustodyProof => ({
      at, module: '/p11.so', token: 'Web', serial: 'S1', identity: 'ef'.repeat(32), verdict: 'proven', manifest: 'ab'.repeat(32), file: 'web.json',
      preparedBy: 'op', preparedAt: '2026-01-01T00:00:00.000Z', differences: [], notes: [], ...more,
    });
    const [first, second] = [stamp('run-1'), stamp('run-2')];
    store.appendEvent(first('a', { type: 'custody', proof: proof('2026-01-02T00:00:00.000Z') }));
    store.appendEvent(second('a', { type: 'custody', proof: proof('2026-01-03T00:00:00.000Z', { verdict: 'differs', differences: ['key 01 is missing', 'serial number'] }) }));
    store.appendEvent(second('b', { type: 'custody', proof: proof('2026-01-03T00:00:00.000Z', { verdict: 'unknown', manifest: null, file: null, preparedBy: null, preparedAt: null }) }));
    await expect(store.query('select host, run, latest, verdict, file, differences from custody order by host, run')).resolves.toMatchObject({
      rows: [['a', 'run-1', 0, 'proven', 'web.json', ''], ['a', 'run-2', 1, 'differs', 'web.json', 'key 01 is missing\nserial number'], ['b', 'run-2', 1, 'unknown', null, '']],
    });
    // the last proof counts, and only a proof
    expect([...(await store.custodyHolders())]).toEqual([['ef'.repeat(32), { host: 'a', at: '2026-01-02T00:00:00.000Z' }]]);
    await remove();
  });
}
