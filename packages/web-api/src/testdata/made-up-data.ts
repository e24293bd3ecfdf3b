import { HsmfleetError } from '@hsmfleet/contract';
import type { DashboardData, ScheduleControl } from '../data-port.ts';
import type { ControlState, HostResult, HostsQuery, HostSummary, Overview, Schedule } from '../schemas/index.ts';
import { countOutcomes, MADE_UP_CONTROLS, madeUpChecks, madeUpResults, worst } from './made-up-checks.ts';
import { madeUpHost } from './made-up-fleet.ts';
import { madeUpBenchmarks, madeUpEvents, madeUpRun, madeUpRuns, madeUpTasks } from './made-up-runs.ts';

const RANK = { fail: 0, error: 1, unreachable: 2, waived: 3, pass: 4, not_applicable: 5 };
const SORTS: Record<NonNullable<HostsQuery['sort']>, (host: HostSummary) => string | number> = {
  host: ({ host }) => host, state: ({ state }) => ['error', 'never', 'stale', 'fresh'].indexOf(state), outcome: ({ outcome }) => (outcome === null ? 9 : RANK[outcome]),
  failing: ({ failing }) => failing, expiry: ({ nextExpiry }) => nextExpiry ?? '9', collected: ({ collectedAt }) => collectedAt ?? '',
};
const SEVERITY = { critical: 0, high: 1, medium: 2, low: 3 };

/** A fleet of made-up hosts in memory, for work on the dashboard and for tests of the server. */
export function madeUpData(count = 1_000, now = Date.now()): DashboardData {
  const runs = madeUpRuns(count, now, 40);
  const checks = madeUpChecks(count, now, 60);
  const newest = checks[0];
  if (newest === undefined) throw new RangeError('there are no checks');
  const hosts = Array.from({ length: count }, (_, n) => madeUpHost(n, now));
  const results = hosts.map((host, n) => madeUpResults(host, n, newest));
  newest.counts = countOutcomes(results.flat().map(({ outcome }) => outcome));
  for (const [n, host] of hosts.entries()) {
    const own = results[n] ?? [];
    host.results = [...own].sort((a, b) => RANK[a.outcome] - RANK[b.outcome] || SEVERITY[a.severity] - SEVERITY[b.severity]);
    host.summary.outcome = worst(own.map(({ outcome }) => outcome));
    host.summary.failing = own.filter(({ outcome }) => outcome === 'fail').length;
    const named = runs.filter((run) => n < run.hosts).slice(0, 20);
    host.runs = named.map((run) => {
      const { status, error, ok, changed, failed } = madeUpRun({ ...run, hosts: Math.min(run.hosts, 24) }).hosts[n % 24] ?? { status: 'ok', error: null, ok: 5, changed: 0, failed: 0 };
      return { run: run.id, playbook: run.playbook, user: run.user, check: run.check, startedAt: run.startedAt, finishedAt: run.finishedAt, status, error, ok, changed, failed };
    });
    host.summary.lastRun = host.runs[0]?.run ?? null;
    host.summary.lastStatus = host.runs[0]?.status ?? null;
  }
  const all = results.flat();
  const controls = MADE_UP_CONTROLS.map((control): ControlState => ({
    control, schedule: newest.schedule, profile: newest.profile, check: newest.id, finishedAt: newest.finishedAt,
    counts: countOutcomes(all.filter((result) => result.control === control.id).map(({ outcome }) => outcome)),
  })).sort((a, b) => Number(b.counts.fail > 0) - Number(a.counts.fail > 0) || SEVERITY[a.control.severity] - SEVERITY[b.control.severity] || b.counts.fail - a.counts.fail);
  const certificates = hosts.flatMap((host) => host.certificates).sort((a, b) => (a.notAfter < b.notAfter ? -1 : 1));
  const summaries = hosts.map(({ summary }) => summary);

  return {
    overview: () => Promise.resolve(overviewOf()),
    hosts: ({ search = '', state, outcome, sort = 'host', order, limit, after }) => Promise.resolve(pageOf(
      [...summaries].sort((a, b) => (order === 'desc' ? -1 : 1) * (SORTS[sort](a) < SORTS[sort](b) ? -1 : 1)).filter((host) => `${host.host} ${host.distribution ?? ''}`.toLowerCase().includes(search.toLowerCase()) &&
        (state === undefined || host.state === state) && (outcome === undefined || (host.outcome ?? 'unchecked') === outcome)), limit, after)),
    host: (name) => Promise.resolve(hosts.find(({ summary }) => summary.host === name)),
    controls: () => Promise.resolve({ items: controls }),
    control(id, { outcome, limit, after }) {
      const states = controls.filter(({ control }) => control.id === id);
      const [state] = states;
      return Promise.resolve(state === undefined ? undefined : { control: state.control, states, results: pageOf(sorted(all.filter((result) => result.control === id && wanted(result, outcome))), limit, after) });
    },
    certificates({ from = '', to = '~', search = '', limit, after }) {
      const found = certificates.filter(({ notAfter, host, subject, label }) => notAfter >= from && notAfter < to && `${host} ${subject} ${label}`.toLowerCase().includes(search.toLowerCase()));
      const days = new Map<string, number>();
      for (const { notAfter } of found) days.set(notAfter.slice(0, 10), (days.get(notAfter.slice(0, 10)) ?? 0) + 1);
      return Promise.resolve({ at: new Date(now).toISOString(), ...pageOf(found, limit, after), days: [...days].map(([day, number]) => ({ day, count: number })) });
    },
    runs: ({ limit, after }) => Promise.resolve(pageOf(runs, limit, after)),
    run(id) {
      const run = runs.find((candidate) => candidate.id === id);
      return Promise.resolve(run === undefined ? undefined : madeUpRun(run));
    },
    runHost(id, name) {
      const run = runs.find((candidate) => candidate.id === id);
      const host = run === undefined ? undefined : madeUpRun(run).hosts.find((candidate) => candidate.host === name);
      return Promise.resolve(run === undefined || host === undefined ? undefined : { run, host, tasks: madeUpTasks(run) });
    },
    runEvents(id, after, limit) {
      const run = runs.find((candidate) => candidate.id === id);
      const events = run === undefined ? [] : madeUpEvents(run, Date.now() - Date.parse(run.startedAt));
      return Promise.resolve(events.filter(({ position }) => Number(position) > Number(after ?? 0)).slice(0, limit));
    },
    checks: ({ limit, after }) => Promise.resolve(pageOf(checks, limit, after)),
    check(id) {
      const summary = checks.find((candidate) => candidate.id === id);
      return Promise.resolve(summary === undefined ? undefined : {
        summary, user: 'serve', version: '0.1.0', file: 'playbooks/profiles/hsm-webserver.yml', sha256: 'a'.repeat(64), warnings: [],
        controls: controls.map((state) => ({ ...state, check: id, finishedAt: summary.finishedAt })),
      });
    },
    checkResults(id, { outcome, control, host, limit, after }) {
      if (!checks.some((candidate) => candidate.id === id)) return Promise.resolve(undefined);
      const found = all.filter((result) => (outcome === undefined || result.outcome === outcome) && (control === undefined || result.control === control) && (host === undefined || result.host === host));
      return Promise.resolve(pageOf(sorted(found), limit, after));
    },
    views: () => Promise.resolve({
      items: [
        { name: 'hosts', description: 'one row per host that a run has ever tried to reach', columns: [{ name: 'host', type: 'text', description: 'name of the host in the hosts file' }, { name: 'state', type: 'text', description: 'fresh, stale, error or never' }, { name: 'collected_at', type: 'time', description: 'when the newest inventory snapshot was taken' }] },
        { name: 'certificates', description: 'certificates on the tokens', columns: [{ name: 'host', type: 'text', description: 'name of the host' }, { name: 'subject', type: 'text', description: 'distinguished name' }, { name: 'days_left', type: 'integer', description: 'whole days until the end of validity' }] },
      ],
    }),
    queries: () => Promise.resolve({
      items: [
        { name: 'expiring-certificates', description: 'certificates that end within 30 days', sql: 'select host, subject, days_left from certificates where days_left <= 30 order by days_left' },
        { name: 'stale-hosts', description: 'hosts whose inventory is older than a day', sql: "select host, collected_at from hosts where state = 'stale' order by host" },
      ],
    }),
    query({ sql, maxRows }) {
      if (!/^\s*select\b/i.test(sql)) return Promise.reject(new HsmfleetError('USAGE', 'the query wants to do more than queries may: they only read', { hint: 'give one SELECT statement' }));
      const rows = certificates.map(({ host, subject, daysLeft }) => [host, subject, daysLeft]);
      return Promise.resolve({ columns: ['host', 'subject', 'days_left'], rows: rows.slice(0, maxRows), truncated: rows.length > maxRows, elapsedMs: 3 });
    },
    benchmarks: () => Promise.resolve({ items: madeUpBenchmarks(now) }),
  };

  function overviewOf(): Overview {
    const tell = (state: HostSummary['state']): number => summaries.filter((host) => host.state === state).length;
    const between = (from: number, to: number): number => certificates.filter(({ daysLeft }) => daysLeft >= from && daysLeft <= to).length;
    const sites = hosts.flatMap((host) => host.sites);
    const failing = all.filter(({ outcome }) => outcome === 'fail');
    return {
      at: new Date(now).toISOString(), version: '0.1.0',
      fleet: {
        hosts: count, fresh: tell('fresh'), stale: tell('stale'), error: tell('error'), never: tell('never'), modules: hosts.flatMap((host) => host.modules).length,
        writableModules: hosts.flatMap((host) => host.modules).filter(({ readOnly }) => readOnly !== 'read_only').length,
        tokens: hosts.flatMap((host) => host.tokens).length, pinTrouble: hosts.flatMap((host) => host.tokens).filter(({ pinState }) => pinState !== 'ok').length,
        keys: hosts.flatMap((host) => host.keys).length, sites: sites.length, sitesDown: sites.filter(({ serving }) => serving === false).length,
      },
      hostOutcomes: { ...countOutcomes(summaries.flatMap(({ outcome }) => outcome ?? [])), unchecked: 0 },
      certificates: { expired: between(-9_999, -1), week: between(0, 7), month: between(8, 30), quarter: between(31, 90), later: between(91, 99_999) },
      checks: checks.slice(0, 1),
      history: [{ schedule: 'nightly', profile: 'hsm-webserver', title: checks[0]?.title ?? '', points: [...checks].reverse().map(({ id, finishedAt, hosts: number, counts }) => ({ check: id, at: finishedAt, hosts: number, counts })) }],
      failingControls: controls.filter(({ counts }) => counts.fail > 0).slice(0, 10).map(({ control, schedule, profile, check, counts }) => ({ id: control.id, title: control.title, severity: control.severity, schedule, profile, check, counts })),
      changes: failing.slice(0, 10).map((result, index) => ({ kind: index % 4 === 3 ? 'resolved' : 'finding', at: result.evidenceAt ?? '', host: result.host, control: result.control, severity: result.severity, message: result.findings[0]?.message ?? '' })),
      runs: runs.slice(0, 5),
    };
  }
}

/** Schedules that can be started and take ten seconds. */
export function madeUpSchedules(now = Date.now()): ScheduleControl {
  const nightly: Schedule = {
    name: 'nightly', cron: '0 */6 * * *', timezone: 'Europe/Berlin', profile: 'playbooks/profiles/hsm-webserver.yml', playbook: null, pattern: null,
    nextAt: new Date(now + 5 * 3_600_000).toISOString(), lastStartedAt: new Date(now - 694_000).toISOString(), lastFinishedAt: new Date(now - 600_000).toISOString(), running: null, outcome: 'findings', error: null,
  };
  const drift: Schedule = { ...nightly, name: 'drift', cron: '15 3 * * 1', profile: null, playbook: 'playbooks/site.yml', pattern: 'webservers', outcome: 'failed', error: 'no connection to the host (UNREACHABLE)' };
  return {
    list: () => Promise.resolve({ items: [nightly, drift], problem: null }),
    run(name) {
      const schedule = [nightly, drift].find((candidate) => candidate.name === name);
      if (schedule === undefined) return Promise.resolve(undefined);
      if (schedule.running !== null) return Promise.resolve('busy');
      schedule.running = 'run-00';
      setTimeout(() => { schedule.running = null; }, 10_000).unref();
      return Promise.resolve({ check: 'run-00' });
    },
  };
}

function wanted(result: HostResult, outcome: string | undefined): boolean {
  return outcome === undefined ? result.outcome !== 'pass' && result.outcome !== 'not_applicable' : outcome === 'all' || result.outcome === outcome;
}

function sorted(results: HostResult[]): HostResult[] {
  return results.sort((a, b) => RANK[a.outcome] - RANK[b.outcome] || SEVERITY[a.severity] - SEVERITY[b.severity]);
}

function pageOf<T>(items: T[], limit: number, after: string | undefined): { items: T[]; total: number; next: string | null } {
  const start = Number(after ?? 0);
  return { items: items.slice(start, start + limit), total: items.length, next: start + limit < items.length ? String(start + limit) : null };
}
