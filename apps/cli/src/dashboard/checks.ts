import type { CheckDetail, CheckList, Paged, ResultList, ResultsQuery } from '@hsmfleet/web-api';
import { count } from './cells.ts';
import type { CheckHeads } from './check-heads.ts';
import { controlStates, describeResults } from './controls.ts';
import type { DataStore } from './data-store.ts';
import type { Outcomes } from './outcomes.ts';
import { offsetOf, pageOf } from './page.ts';

/** GET /checks */
export async function readChecks(store: DataStore, limit: number, after: string | undefined): Promise<CheckList> {
  const offset = offsetOf(after);
  const [counted] = await store.read('select count(*) as total from checks');
  return pageOf(await store.checks({ limit, offset }), count(counted?.total), offset);
}

/** GET /checks/:id */
export async function readCheck(heads: CheckHeads, outcomes: Outcomes, id: string): Promise<CheckDetail | undefined> {
  const head = await heads.get(id);
  if (head === undefined) return undefined;
  const tally = await outcomes.tally({ check: id, schedule: head.schedule, profile: head.profile.name, finishedAt: head.finishedAt });
  return {
    summary: {
      id, schedule: head.schedule, profile: head.profile.name, title: head.profile.title, startedAt: head.startedAt, finishedAt: head.finishedAt,
      hosts: head.hosts.length, counts: head.counts,
    },
    user: head.user, version: head.version, file: head.profile.file, sha256: head.profile.sha256, warnings: head.warnings,
    controls: await controlStates(heads, [tally]),
  };
}

/** GET /checks/:id/results */
export async function readCheckResults(store: DataStore, heads: CheckHeads, id: string, query: Paged<ResultsQuery>): Promise<ResultList | undefined> {
  if ((await heads.get(id)) === undefined) return undefined;
  const offset = offsetOf(query.after);
  const { total, results } = await store.checkResults(id, {
    control: query.control, host: query.host, outcomes: query.outcome === undefined ? undefined : [query.outcome], limit: query.limit, offset,
  });
  return pageOf(await describeResults(store, heads, id, results), total, offset);
}
