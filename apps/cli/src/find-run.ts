import { HsmfleetError } from '@hsmfleet/contract';
import type { RunControl, RunSummaryRow, Store } from '@hsmfleet/store';

/**
 * The run that a person means: its id, the beginning of it or of its last part, or "last".
 * @throws HsmfleetError USAGE when there is none, or more than one
 */
export async function findRun(store: Store, given: string): Promise<{ id: string; row: RunSummaryRow | undefined; control: RunControl | undefined }> {
  const id = given === 'last' ? (await store.runs(1))[0]?.id : await idOf(store, given);
  if (id === undefined) throw new HsmfleetError('USAGE', 'there is no run yet', { hint: 'hsmfleet apply makes one' });
  return { id, row: await store.run(id), control: (await store.runControls([id]))[0] };
}

async function idOf(store: Store, given: string): Promise<string> {
  const ids = /^[0-9A-Za-z-]{1,64}$/.test(given) ? await store.findRuns(given) : [];
  const exact = ids.find((id) => id === given) ?? (ids.length === 1 ? ids[0] : undefined);
  // a run that was killed before its first event was stored is known by what it was asked for
  if (exact !== undefined) return exact;
  if (ids.length === 0 && (await store.runControls([given])).length === 1) return given;
  if (ids.length === 0) throw new HsmfleetError('USAGE', `there is no run "${given}"`, { hint: '"hsmfleet runs" lists them; the beginning of an id is enough, or of its last part, or "last"' });
  throw new HsmfleetError('USAGE', `"${given}" may mean several runs: ${ids.join(', ')}`, { hint: 'give more of the id' });
}
