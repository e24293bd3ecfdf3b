import { artifactsSuite } from './artifacts.ts';
import { checksSuite } from './checks.ts';
import { custodySuite } from './custody.ts';
import { historySuite } from './history.ts';
import { pointsSuite } from './points.ts';
import { querySuite } from './query.ts';
import { runsSuite } from './runs.ts';
import { storeSuite } from './store.ts';
import type { StoreKind } from '../test-store.ts';

/** Everything that a store does, whichever database it is in. */
export function wholeSuite(kind: StoreKind): void {
  for (const suite of [storeSuite, historySuite, checksSuite, querySuite, custodySuite, artifactsSuite, pointsSuite, runsSuite]) suite(kind);
}
