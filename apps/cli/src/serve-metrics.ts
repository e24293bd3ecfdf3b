import type { CheckOutcome, Severity } from '@hsmfleet/contract';
import type { MetricsSnapshot } from '@hsmfleet/metrics';
import type { ScheduleStatus } from '@hsmfleet/scheduler';
import type { QueryCell, Store } from '@hsmfleet/store';
import type { ServeSchedule } from './serve-configuration.ts';
import { OUTCOMES } from './serve-run.ts';

/** Runs among which the newest of each playbook is looked for. */
const RUNS_LOOKED_AT = 100;

type Row = Record<string, QueryCell>;

const text = (cell: QueryCell | undefined): string => String(cell ?? '');
const textOrNull = (cell: QueryCell | undefined): string | null => (cell === undefined || cell === null ? null : String(cell));

/** What metrics say of the store and of the schedules. Checks of schedules that are gone are left out. */
export async function readMetrics(store: Store, schedules: readonly ScheduleStatus<ServeSchedule>[], sinks: readonly string[]): Promise<MetricsSnapshot> {
  const known = new Set(schedules.map(({ schedule }) => schedule.name));
  const isKnown = ({ schedule }: Row): boolean => schedule === null || known.has(text(schedule));
  const [compliance, checks, hosts, certificates, keys, tokens, notifications, runs] = [
    (await store.read(`select schedule, profile, control, severity, outcome, count(*) as hosts from check_results where latest = 1
      group by schedule, profile, control, severity, outcome`)).filter(isKnown),
    (await store.read('select schedule, profile, started_at, finished_at from checks where latest = 1')).filter(isKnown),
    await store.read('select state, count(*) as hosts from hosts group by state'),
    await store.read('select distinct host, token, id, label, not_after from certificates'),
    await store.read('select type, bits, count(distinct fingerprint) as keys from keys group by type, bits'),
    await store.read('select pin_state, count(distinct identity) as tokens from tokens group by pin_state'),
    await store.read(`select sink, sum(case when sent_at is null and given_up_at is null then 1 else 0 end) as waiting,
      min(case when sent_at is null and given_up_at is null then queued_at end) as oldest,
      sum(case when given_up_at is not null then 1 else 0 end) as given_up from notifications group by sink`),
    await store.runs(RUNS_LOOKED_AT),
  ];
  return {
    compliance: compliance.map((row) => ({
      schedule: textOrNull(row.schedule), profile: text(row.profile), control: text(row.control), severity: text(row.severity) as Severity,
      outcome: text(row.outcome) as CheckOutcome, hosts: Number(row.hosts),
    })),
    checks: checks.map((row) => ({
      schedule: textOrNull(row.schedule), profile: text(row.profile), finishedAt: text(row.finished_at),
      durationSeconds: (Date.parse(text(row.finished_at)) - Date.parse(text(row.started_at))) / 1_000,
    })),
    hosts: hosts.map((row) => ({ state: text(row.state), count: Number(row.hosts) })),
    certificates: certificates.map((row) => ({ host: text(row.host), token: text(row.token), id: text(row.id), label: text(row.label), notAfter: text(row.not_after) })),
    keys: keys.map((row) => ({ type: text(row.type), bits: row.bits === null || row.bits === undefined ? null : Number(row.bits), count: Number(row.keys) })),
    tokens: tokens.map((row) => ({ pin: text(row.pin_state), count: Number(row.tokens) })),
    runs: newestOf(runs),
    schedules: schedules.filter(({ removed }) => !removed).map((status) => ({
      name: status.schedule.name, lastSuccessAt: lastSuccess(status, checks), nextAt: status.nextAt?.toISOString() ?? null,
      running: status.running !== null, waiting: status.waiting,
    })),
    notifications: [
      ...notifications.map((row) => ({ sink: text(row.sink), waiting: Number(row.waiting), oldestAt: textOrNull(row.oldest), givenUp: Number(row.given_up) })),
      // a sink that nothing was for yet is there as well, so that alerts have something to look at
      ...sinks.filter((sink) => !notifications.some((row) => row.sink === sink)).map((sink) => ({ sink, waiting: 0, oldestAt: null, givenUp: 0 })),
    ],
  };
}

/** The last turn's end when it did its work; or else that of the last check that was recorded. */
function lastSuccess({ schedule, state }: ScheduleStatus<ServeSchedule>, checks: readonly Row[]): string | null {
  const times = checks.filter((row) => row.schedule === schedule.name).map((row) => text(row.finished_at));
  if (state.lastFinishedAt !== null && OUTCOMES.some((outcome) => outcome === state.outcome)) times.push(state.lastFinishedAt);
  return times.sort().at(-1) ?? null;
}

function newestOf(runs: Awaited<ReturnType<Store['runs']>>): MetricsSnapshot['runs'] {
  const newest = new Map<string, MetricsSnapshot['runs'][number]>();
  for (const { playbook, startedAt, finishedAt } of runs) {
    if (finishedAt === undefined || newest.has(playbook)) continue;
    newest.set(playbook, { playbook, finishedAt, durationSeconds: (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000 });
  }
  return [...newest.values()];
}
