import type { Row, Sql } from './database.ts';
import { FRESH_HOURS } from './hosts-view.ts';

/** Hosts by how much their newest inventory snapshot can be relied on. Every host counts once; those are named that need a look. */
export interface Freshness {
  /** How many have a snapshot that is younger than 24 hours and complete. */
  fresh: number;
  /** Older than that. */
  stale: string[];
  /** The last try to reach the host or to collect failed, or the snapshot reports errors: the answer may lack something. */
  error: string[];
  /** No snapshot yet. */
  never: string[];
}

/** Reads the freshness of the given hosts, or of all hosts that the store knows. */
export async function readFreshness(sql: Sql, hosts: readonly string[] | undefined, now: Date): Promise<Freshness> {
  const columns = 'name, collected_at, inventory_errors, attempt_error';
  const freshness: Freshness = { fresh: 0, stale: [], error: [], never: [] };
  const count = (name: string, row: Row | undefined): void => {
    const state = stateOf(row, now);
    if (state === 'fresh') freshness.fresh += 1;
    else freshness[state].push(name);
  };
  if (hosts !== undefined) {
    const known = new Map((await sql.all(`select ${columns} from host`)).map((row) => [String(row.name), row]));
    for (const name of hosts) count(name, known.get(name));
    return freshness;
  }
  // most of a large fleet is fresh, and need not be carried here to be counted
  const limit = new Date(now.getTime() - FRESH_HOURS * 3_600_000).toISOString();
  const rows = await sql.all(`select ${columns} from host where attempt_error is not null or inventory_errors > 0 or collected_at is null or collected_at <= $limit order by name`, { limit });
  const [all] = await sql.all('select count(*) as hosts from host');
  for (const row of rows) count(String(row.name), row);
  freshness.fresh += Number(all?.hosts) - rows.length;
  return freshness;
}

/** The same rule as column `state` of the view `hosts`. */
function stateOf(row: Row | undefined, now: Date): keyof Freshness {
  if (row === undefined) return 'never';
  if (row.attempt_error !== null || Number(row.inventory_errors) > 0) return 'error';
  if (row.collected_at === null) return 'never';
  const ageMs = now.getTime() - Date.parse(String(row.collected_at));
  return ageMs < FRESH_HOURS * 3_600_000 ? 'fresh' : 'stale';
}

/** One line for people: "8 hosts: 7 fresh (< 24 h), 0 stale, 1 in error (web3), 0 never seen". */
export function describeFreshness(freshness: Freshness): string {
  const { fresh, stale, error, never } = freshness;
  const total = fresh + stale.length + error.length + never.length;
  const part = (names: string[], words: string): string => `${String(names.length)} ${words}${someOf(names)}`;
  return `${String(total)} ${total === 1 ? 'host' : 'hosts'}: ${String(fresh)} fresh (< ${String(FRESH_HOURS)} h), ` +
    `${part(stale, 'stale')}, ${part(error, 'in error')}, ${part(never, 'never seen')}`;
}

function someOf(names: string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? ` (${shown}, … ${String(names.length - 5)} more)` : ` (${shown})`;
}
