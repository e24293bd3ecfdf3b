import { VIEWS } from '@hsmfleet/store';
import type { DashboardData, NamedQuery } from '@hsmfleet/web-api';
import { readCertificates } from './dashboard/certificates.ts';
import { CheckHeads } from './dashboard/check-heads.ts';
import { readCheck, readCheckResults, readChecks } from './dashboard/checks.ts';
import { readControl, readControls } from './dashboard/controls.ts';
import type { DataStore } from './dashboard/data-store.ts';
import { readHost } from './dashboard/host-detail.ts';
import { readHosts } from './dashboard/hosts.ts';
import { Outcomes } from './dashboard/outcomes.ts';
import { readOverview } from './dashboard/overview.ts';
import { readRun, readRunHost, readRuns } from './dashboard/runs.ts';

/** How long a query of a person may take, milliseconds. */
const QUERY_TIMEOUT_MS = 10_000;

/** What the answers come from. */
export interface DashboardSources {
  store: DataStore;
  /** Of hsmfleet. */
  version: string;
  /** Queries that ship with hsmfleet. */
  namedQueries: () => Promise<NamedQuery[]>;
  now?: () => Date;
}

/** The dashboard's answers, read from the store over its documented views. */
export function createDashboardData({ store, version, namedQueries, now = () => new Date() }: DashboardSources): DashboardData {
  const heads = new CheckHeads(store);
  const outcomes = new Outcomes(store);
  return {
    overview: () => readOverview(store, heads, outcomes, version, now()),
    hosts: (query) => readHosts(store, outcomes, query),
    host: (name) => readHost(store, heads, outcomes, name),
    controls: () => readControls(heads, outcomes),
    control: (id, query) => readControl(store, heads, outcomes, id, query),
    certificates: (query) => readCertificates(store, query, now()),
    runs: ({ limit, after }) => readRuns(store, limit, after),
    run: (id) => readRun(store, id, now()),
    runHost: (id, host) => readRunHost(store, id, host),
    runEvents: (id, after, limit) => store.runEvents(id, after !== undefined && /^\d{1,15}$/.test(after) ? after : undefined, { limit }),
    checks: ({ limit, after }) => readChecks(store, limit, after),
    check: (id) => readCheck(heads, outcomes, id),
    checkResults: (id, query) => readCheckResults(store, heads, id, query),
    views: () => Promise.resolve({
      items: VIEWS.map(({ name, description, columns }) => ({ name, description, columns: columns.map((column) => ({ name: column.name, type: column.type, description: column.description })) })),
    }),
    queries: async () => ({ items: await namedQueries() }),
    async query({ sql, asOf, maxRows }) {
      const started = performance.now();
      const answer = await store.query(sql, { maxRows, timeoutMs: QUERY_TIMEOUT_MS, asOf });
      return { ...answer, elapsedMs: Math.round(performance.now() - started) };
    },
    benchmarks: async () => ({ items: await store.benchmarkPoints() }),
  };
}
