import type { Severity } from '@hsmfleet/contract';
import type { CheckSummary, OutcomeSeries, Overview } from '@hsmfleet/web-api';
import { CERTIFICATE_COLUMNS } from './certificates.ts';
import { count, type ViewRow } from './cells.ts';
import type { CheckHeads } from './check-heads.ts';
import { controlStates } from './controls.ts';
import type { DataStore } from './data-store.ts';
import { noCounts, sumUpHosts, type CheckTally, type Outcomes } from './outcomes.ts';
import { summaryOf } from './runs.ts';

/** Checks looked at for the lines over time, and points of each line. */
const LOOKED_AT = 1_000;
const POINTS = 200;

/** GET /overview */
export async function readOverview(store: DataStore, heads: CheckHeads, outcomes: Outcomes, version: string, now: Date): Promise<Overview> {
  const latest = await outcomes.latest();
  const checks = await store.checks({ limit: LOOKED_AT });
  const series = seriesOf(checks);
  const states = await controlStates(heads, latest);
  return {
    at: now.toISOString(), version,
    fleet: await readFleet(store),
    hostOutcomes: await readHostOutcomes(store, latest),
    certificates: await readExpiry(store),
    checks: series.flatMap(({ newest }) => newest),
    history: series.map(({ line }) => line),
    failingControls: states.filter(({ counts }) => counts.fail > 0).slice(0, 10).map(({ control, schedule, profile, check, counts }) => ({
      id: control.id, title: control.title, severity: control.severity, schedule, profile, check, counts,
    })),
    changes: await readChanges(store),
    runs: (await store.runs(5)).map(summaryOf),
  };
}

async function readFleet(store: DataStore): Promise<Overview['fleet']> {
  const one = async (sql: string): Promise<ViewRow> => (await store.read(sql))[0] ?? {};
  const states = new Map((await store.read('select state, count(*) as number from hosts group by state')).map((row) => [row.state, count(row.number)]));
  const of = (state: string): number => states.get(state) ?? 0;
  const modules = await one("select count(*) as number, sum(case read_only when 'read_only' then 0 else 1 end) as writable from modules");
  const tokens = await one("select count(*) as number, sum(case when pin_state in ('count_low', 'final_try', 'locked') then 1 else 0 end) as trouble from tokens");
  const keys = await one('select count(*) as number from keys');
  const sites = await one('select count(*) as number, sum(case serving when 0 then 1 else 0 end) as down from sites');
  return {
    hosts: [...states.values()].reduce((sum, value) => sum + value, 0), fresh: of('fresh'), stale: of('stale'), error: of('error'), never: of('never'),
    modules: count(modules.number), writableModules: count(modules.writable), tokens: count(tokens.number), pinTrouble: count(tokens.trouble),
    keys: count(keys.number), sites: count(sites.number), sitesDown: count(sites.down),
  };
}

async function readHostOutcomes(store: DataStore, latest: readonly CheckTally[]): Promise<Overview['hostOutcomes']> {
  const counts = { ...noCounts(), unchecked: 0 };
  const checked = sumUpHosts(latest);
  for (const { outcome } of checked.values()) counts[outcome] += 1;
  for (const { host } of await store.read('select host from hosts')) if (!checked.has(String(host))) counts.unchecked += 1;
  return counts;
}

async function readExpiry(store: DataStore): Promise<Overview['certificates']> {
  const within = (name: string, condition: string): string => `sum(case when ${condition} then 1 else 0 end) as ${name}`;
  const [row = {}] = await store.read(`select ${within('expired', 'days_left < 0')}, ${within('week', 'days_left between 0 and 7')},
    ${within('month', 'days_left between 8 and 30')}, ${within('quarter', 'days_left between 31 and 90')}, ${within('later', 'days_left > 90')}
    from (select distinct ${CERTIFICATE_COLUMNS} from certificates) held`);
  return { expired: count(row.expired), week: count(row.week), month: count(row.month), quarter: count(row.quarter), later: count(row.later) };
}

/** Findings that came and went, the newest first. */
async function readChanges(store: DataStore): Promise<Overview['changes']> {
  const came = await store.read("select 'finding' as kind, first_seen_at as at, host, control, severity, message from findings order by first_seen_at desc, host limit 10");
  const went = await store.read("select 'resolved' as kind, resolved_at as at, host, control, severity, message from findings where resolved_at is not null order by resolved_at desc, host limit 10");
  return [...came, ...went].sort((a, b) => (String(a.at) > String(b.at) ? -1 : 1)).slice(0, 10).map((row) => ({
    kind: row.kind === 'resolved' ? 'resolved' : 'finding', at: String(row.at), host: String(row.host), control: String(row.control),
    severity: String(row.severity) as Severity, message: String(row.message),
  }));
}

/** Lines over time, and the newest check of each. `checks` has the newest first. */
function seriesOf(checks: readonly CheckSummary[]): { newest: CheckSummary[]; line: OutcomeSeries }[] {
  const lines = new Map<string, { newest: CheckSummary[]; line: OutcomeSeries }>();
  for (const check of checks) {
    const key = `${check.schedule ?? ''}\n${check.profile}`;
    const known = lines.get(key) ?? { newest: [check], line: { schedule: check.schedule, profile: check.profile, title: check.title, points: [] } };
    lines.set(key, known);
    if (known.line.points.length < POINTS) known.line.points.push({ check: check.id, at: check.finishedAt, hosts: check.hosts, counts: check.counts });
  }
  for (const { line } of lines.values()) line.points.reverse();
  return [...lines.values()];
}
