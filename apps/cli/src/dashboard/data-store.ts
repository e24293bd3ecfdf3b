import type { Store } from '@hsmfleet/store';

/** What the dashboard needs of the store: reading. */
export type DataStore = Pick<Store, 'read' | 'query' | 'runs' | 'run' | 'runCount' | 'runEvents' | 'checks' | 'checkHead' | 'checkResults' | 'benchmarkPoints'>;
