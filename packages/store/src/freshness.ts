import type { Sql } from './database.ts';
import { FRESH_HOURS } from './hosts-view.ts';

/** Names of hosts by how much their newest inventory snapshot can be relied on. Every host is in exactly one list. */
export interface Freshness {
  /** Snapshot younger than 24 hours and complete. */
  fresh: string[];
  /** Older than that. */
  stale: string[];
  /** The last try to reach the host or to collect failed, or the snapshot reports errors: the answer may lack something. */
  error: string[];
  /** No snapshot yet. */
  never: string[];
}

/** Reads the freshness of the given hosts, or of all hosts that the store knows. */
export async function readFreshness(sql: Sql, hosts: readonly string[] | undefined, now: Date): Promise<Freshness> {
  const rows = await sql.all('select name, collected_at, inventory_errors, attempt_error from host order by name');
  const known = new Map(rows.map((row) => [String(row.name), row]));
  const freshness: Freshness = { fresh: [], stale: [], error: [], never: [] };
  for (const name of hosts ?? known.keys()) {
    const row = known.get(name);
    freshness[stateOf(row, now)].push(name);
  }
  return freshness;
}

/** The same rule as column `state` of the view `hosts`. */
function stateOf(row: Record<string, unknown> | undefined, now: Date): keyof Freshness {
  if (row === undefined) return 'never';
  if (row.attempt_error !== null || Number(row.inventory_errors) > 0) return 'error';
  if (row.collected_at === null) return 'never';
  const ageMs = now.getTime() - Date.parse(String(row.collected_at));
  return ageMs < FRESH_HOURS * 3_600_000 ? 'fresh' : 'stale';
}

/** One line for people: "8 hosts: 7 fresh (< 24 h), 0 stale, 1 in error (web3), 0 never seen". */
export function describeFreshness(freshness: Freshness): string {
  const { fresh, stale, error, never } = freshness;
  const total = fresh.length + stale.length + error.length + never.length;
  const part = (names: string[], words: string): string => `${String(names.length)} ${words}${someOf(names)}`;
  return `${String(total)} ${total === 1 ? 'host' : 'hosts'}: ${String(fresh.length)} fresh (< ${String(FRESH_HOURS)} h), ` +
    `${part(stale, 'stale')}, ${part(error, 'in error')}, ${part(never, 'never seen')}`;
}

function someOf(names: string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? ` (${shown}, … ${String(names.length - 5)} more)` : ` (${shown})`;
}
