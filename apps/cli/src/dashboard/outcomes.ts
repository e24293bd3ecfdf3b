import type { CheckCounts, CheckOutcome, Severity } from '@hsmfleet/contract';
import { count, text } from './cells.ts';
import type { DataStore } from './data-store.ts';

/** Outcomes, the worst first: what a host's several ones are summed up as. */
export const OUTCOMES: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];

/** Severities, the worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** What checks say of a host, summed up. */
export interface HostOutcome {
  outcome: CheckOutcome;
  /** Controls that it fails. */
  failing: number;
}

/** What one check found, counted. */
export interface CheckTally {
  check: string;
  schedule: string | null;
  profile: string;
  finishedAt: string;
  controls: ReadonlyMap<string, CheckCounts>;
  hosts: ReadonlyMap<string, HostOutcome>;
}

const RANK = `case outcome ${OUTCOMES.map((outcome, rank) => `when '${outcome}' then ${String(rank)}`).join(' ')} end`;

/** Nothing counted yet. */
export function noCounts(): CheckCounts {
  return { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
}

/**
 * Counted results of checks. Counting tens of thousands of them takes a while, and a check never changes: what was counted for
 * the last check of each schedule and profile is kept until there is a newer one.
 */
export class Outcomes {
  readonly #store: DataStore;
  #latest = new Map<string, Promise<CheckTally>>();

  constructor(store: DataStore) {
    this.#store = store;
  }

  /** The last check of each schedule and profile. */
  async latest(): Promise<CheckTally[]> {
    const rows = await this.#store.read('select check_id, schedule, profile, finished_at from checks where latest = 1 order by finished_at desc');
    const before = this.#latest;
    this.#latest = new Map(rows.map((row) => {
      const id = String(row.check_id);
      const tally = before.get(id) ?? this.tally({ check: id, schedule: text(row.schedule), profile: String(row.profile), finishedAt: String(row.finished_at) });
      // what could not be read is tried again
      tally.catch(() => this.#latest.delete(id));
      return [id, tally];
    }));
    return Promise.all(this.#latest.values());
  }

  /** Counts one check. */
  async tally(of: Pick<CheckTally, 'check' | 'schedule' | 'profile' | 'finishedAt'>): Promise<CheckTally> {
    const controls = new Map<string, CheckCounts>();
    for (const row of await this.#store.read('select control, outcome, count(*) as number from check_results where check_id = $id group by control, outcome', { id: of.check })) {
      const counts = controls.get(String(row.control)) ?? noCounts();
      counts[String(row.outcome) as CheckOutcome] = count(row.number);
      controls.set(String(row.control), counts);
    }
    const rows = await this.#store.read(`select host, min(${RANK}) as worst, sum(case outcome when 'fail' then 1 else 0 end) as failing
      from check_results where check_id = $id group by host`, { id: of.check });
    const hosts = new Map(rows.map((row) => [String(row.host), { outcome: OUTCOMES[count(row.worst)] ?? 'error', failing: count(row.failing) }]));
    return { ...of, controls, hosts };
  }
}

/** What several checks say of each host: the worst of them. */
export function sumUpHosts(tallies: readonly CheckTally[]): ReadonlyMap<string, HostOutcome> {
  const [only] = tallies;
  if (only !== undefined && tallies.length === 1) return only.hosts;
  const hosts = new Map<string, HostOutcome>();
  for (const tally of tallies) {
    for (const [name, { outcome, failing }] of tally.hosts) {
      const known = hosts.get(name);
      const worse = known === undefined || OUTCOMES.indexOf(outcome) < OUTCOMES.indexOf(known.outcome);
      hosts.set(name, { outcome: worse ? outcome : known.outcome, failing: failing + (known?.failing ?? 0) });
    }
  }
  return hosts;
}
