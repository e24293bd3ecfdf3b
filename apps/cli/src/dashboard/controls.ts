import type { CheckOutcome, CheckResult } from '@hsmfleet/contract';
import type { ControlDetail, ControlList, ControlQuery, ControlState, HostResult, Paged } from '@hsmfleet/web-api';
import type { CheckHeads } from './check-heads.ts';
import type { DataStore } from './data-store.ts';
import { OUTCOMES, SEVERITIES, type CheckTally, type Outcomes } from './outcomes.ts';
import { offsetOf, pageOf } from './page.ts';

/** What a control's page shows when nothing else is asked for. */
const NOT_WELL: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived'];

/** Controls of checks with their counts, the worst first. */
export async function controlStates(heads: CheckHeads, tallies: readonly CheckTally[]): Promise<ControlState[]> {
  const states = tallies.flatMap(({ check, schedule, profile, finishedAt, controls }) =>
    [...controls].map(async ([id, counts]): Promise<ControlState> => ({ control: await heads.control(check, id), schedule, profile, check, finishedAt, counts })),
  );
  return (await Promise.all(states)).sort(byBadness);
}

/** Failing ones first, then by severity, then by how many hosts. */
function byBadness(a: ControlState, b: ControlState): number {
  const failing = Number(b.counts.fail > 0) - Number(a.counts.fail > 0);
  const severity = SEVERITIES.indexOf(a.control.severity) - SEVERITIES.indexOf(b.control.severity);
  return failing || severity || b.counts.fail - a.counts.fail || (a.control.id < b.control.id ? -1 : 1);
}

/** GET /controls */
export async function readControls(heads: CheckHeads, outcomes: Outcomes): Promise<ControlList> {
  return { items: await controlStates(heads, await outcomes.latest()) };
}

/** A control over all hosts; undefined when no last check has it. */
export async function readControl(store: DataStore, heads: CheckHeads, outcomes: Outcomes, id: string, query: Paged<ControlQuery>): Promise<ControlDetail | undefined> {
  const states = (await controlStates(heads, await outcomes.latest())).filter(({ control }) => control.id === id);
  const [first] = states;
  if (first === undefined) return undefined;
  const wanted = states.filter((state) => (query.profile === undefined || state.profile === query.profile) && (query.schedule === undefined || state.schedule === query.schedule));
  const shown = query.outcome === 'all' ? OUTCOMES : query.outcome === undefined ? NOT_WELL : [query.outcome];
  const offset = offsetOf(query.after);
  const results: HostResult[] = [];
  let total = 0;
  for (const state of wanted) {
    const found = await store.checkResults(state.check, {
      control: id, outcomes: shown, limit: query.limit - results.length, offset: Math.max(0, offset - total),
    });
    total += found.total;
    results.push(...(await describeResults(store, heads, state.check, found.results)));
  }
  return { control: first.control, states, results: pageOf(results, total, offset) };
}

/** What the last checks say of a host. */
export async function resultsOfHost(store: DataStore, heads: CheckHeads, latest: readonly CheckTally[], host: string): Promise<HostResult[]> {
  const results: HostResult[] = [];
  for (const { check } of latest.filter(({ hosts }) => hosts.has(host))) {
    const found = await store.checkResults(check, { host, limit: 1_000, offset: 0 });
    results.push(...(await describeResults(store, heads, check, found.results)));
  }
  return results.sort((a, b) => OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome) || SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** Results of one check, with the words of their controls and the times of their findings. */
export async function describeResults(store: DataStore, heads: CheckHeads, check: string, results: readonly CheckResult[]): Promise<HostResult[]> {
  const head = await heads.get(check);
  if (head === undefined) return [];
  const firstSeen = await firstSeenTimes(store, head.profile.name, head.schedule, results);
  return Promise.all(results.map(async (result) => {
    const { title, severity } = await heads.control(check, result.control);
    return {
      check, schedule: head.schedule, profile: head.profile.name, control: result.control, title, severity, host: result.host, outcome: result.outcome,
      evidenceAt: result.evidenceAt,
      findings: result.findings.map(({ key, message, row }) => ({ message, row, firstSeenAt: firstSeen.get(key) ?? null })),
      waiver: result.waiver === null ? null : { reason: result.waiver.reason, owner: result.waiver.owner, until: result.waiver.until, expired: result.waiver.expired },
      error: result.error?.message ?? null,
    };
  }));
}

/** Since when findings are open, by their keys. */
async function firstSeenTimes(store: DataStore, profile: string, schedule: string | null, results: readonly CheckResult[]): Promise<Map<string, string>> {
  const keys = results.flatMap(({ findings }) => findings.map(({ key }) => key));
  const params = Object.fromEntries(keys.slice(0, 5_000).map((key, index) => [`k${String(index)}`, key]));
  if (keys.length === 0) return new Map();
  const rows = await store.read(`select "key", first_seen_at from findings where profile = $profile and coalesce(schedule, '') = $schedule and resolved_at is null
    and "key" in (${Object.keys(params).map((name) => `$${name}`).join(', ')})`, { profile, schedule: schedule ?? '', ...params });
  return new Map(rows.map((row) => [String(row.key), String(row.first_seen_at)]));
}
