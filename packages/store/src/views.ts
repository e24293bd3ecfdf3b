import { BENCHMARK_VIEW } from './benchmark-view.ts';
import { CHECK_VIEWS } from './check-views.ts';
import { HOSTS_VIEW } from './hosts-view.ts';
import { INVENTORY_KINDS } from './inventory/index.ts';
import { viewOf } from './inventory/kind.ts';
import { PROOF_VIEWS, RUN_VIEWS } from './run-views.ts';
import { TOKEN_SIGHTINGS_VIEW } from './token-sightings-view.ts';
import type { View } from './view.ts';

/** Every view, in the order of the documentation. */
export const VIEWS: readonly View[] = [HOSTS_VIEW, ...INVENTORY_KINDS.map(viewOf), TOKEN_SIGHTINGS_VIEW, ...PROOF_VIEWS, BENCHMARK_VIEW, ...RUN_VIEWS, ...CHECK_VIEWS];
