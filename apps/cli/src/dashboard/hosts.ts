import type { HostList, HostState, HostsQuery, HostSummary, Paged, RunStatus } from '@hsmfleet/web-api';
import { count, text, type ViewRow } from './cells.ts';
import type { DataStore } from './data-store.ts';
import { HOST_OUTCOMES, OUTCOMES } from './outcomes.ts';
import { offsetOf, pageOf } from './page.ts';

const PIN_STATES = ['ok', 'unknown', 'uninitialized', 'count_low', 'final_try', 'locked'];
const VERDICTS = ['read_only', 'unproven', 'writable'] as const;
const rank = (column: string, words: readonly string[]): string => `case ${column} ${words.map((word, index) => `when '${word}' then ${String(index)}`).join(' ')} else 1 end`;

/** What hosts are sorted by; the names of the subqueries that it takes. */
const SORTS: Record<NonNullable<HostsQuery['sort']>, { by: string; joins: ('r' | 'c')[] }> = {
  host: { by: 'h.host', joins: [] },
  state: { by: "case h.state when 'error' then 0 when 'never' then 1 when 'stale' then 2 else 3 end", joins: [] },
  outcome: { by: 'coalesce(r.outcome_rank, 9)', joins: ['r'] },
  failing: { by: 'coalesce(r.failing, 0)', joins: ['r'] },
  expiry: { by: "coalesce(c.next_expiry, '9999')", joins: ['c'] },
  collected: { by: "coalesce(h.collected_at, '')", joins: [] },
};
const JOINS = {
  r: `left join (${HOST_OUTCOMES}) r on r.host = h.host`,
  c: 'left join (select host, min(not_after) as next_expiry from certificates group by host) c on c.host = h.host',
};

/** Hosts, filtered and sorted. */
export async function readHosts(store: DataStore, query: Paged<HostsQuery>): Promise<HostList> {
  const { sort = 'host', order = 'asc', limit } = query;
  const offset = offsetOf(query.after);
  const params: ViewRow = { limit, offset };
  const conditions: string[] = [];
  const joins = new Set(SORTS[sort].joins);
  if (query.search !== undefined && query.search !== '') {
    params.search = `%${query.search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(`(${['host', 'distribution', 'address'].map((column) => `lower(h.${column}) like $search escape '\\'`).join(' or ')})`);
  }
  if (query.state !== undefined) {
    params.state = query.state;
    conditions.push('h.state = $state');
  }
  if (query.outcome === 'unchecked') conditions.push('r.outcome_rank is null');
  else if (query.outcome !== undefined) {
    params.rank = OUTCOMES.indexOf(query.outcome);
    conditions.push('r.outcome_rank = $rank');
  }
  if (query.outcome !== undefined) joins.add('r');
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const from = `from hosts h ${[...joins].map((name) => JOINS[name]).join(' ')} ${where}`;
  const [counted] = await store.read(`select count(*) as total ${from}`, params);
  const names = await store.read(`select h.host ${from} order by ${SORTS[sort].by} ${order}, h.host limit $limit offset $offset`, params);
  return pageOf(await summariesOf(store, names.map(({ host }) => String(host))), count(counted?.total), offset);
}

/** Hosts in one line each, in the order of the names; names that the store does not know are left out. */
export async function summariesOf(store: DataStore, names: readonly string[]): Promise<HostSummary[]> {
  if (names.length === 0) return [];
  const params: ViewRow = Object.fromEntries(names.map((name, index) => [`n${String(index)}`, name]));
  const these = `host in (${Object.keys(params).map((name) => `$${name}`).join(', ')})`;
  const by = async (sql: string): Promise<Map<string, ViewRow>> => new Map((await store.read(sql, params)).map((row) => [String(row.host), row]));
  const hosts = await by(`select host, state, inventory_problem, collected_at, last_seen_at, distribution, distribution_version, last_run, last_status from hosts where ${these}`);
  const tokens = await by(`select host, count(*) as number, max(${rank('pin_state', PIN_STATES)}) as pin from tokens where ${these} group by host`);
  const keys = await by(`select host, count(*) as number from keys where ${these} group by host`);
  const certificates = await by(`select host, count(*) as number, min(not_after) as next_expiry from certificates where ${these} group by host`);
  const modules = await by(`select host, max(${rank('read_only', VERDICTS)}) as verdict from modules where ${these} group by host`);
  const sites = await by(`select host, count(*) as number, sum(case serving when 1 then 1 else 0 end) as serving from sites where ${these} group by host`);
  const outcomes = await by(HOST_OUTCOMES.replace('where latest = 1', `where latest = 1 and ${these}`));
  return names.flatMap((name) => {
    const host = hosts.get(name);
    if (host === undefined) return [];
    const [token, certificate, module, site, outcome] = [tokens, certificates, modules, sites, outcomes].map((rows) => rows.get(name));
    return [{
      host: name, state: String(host.state) as HostState, problem: text(host.inventory_problem), collectedAt: text(host.collected_at),
      lastSeenAt: text(host.last_seen_at), distribution: text(host.distribution), distributionVersion: text(host.distribution_version),
      outcome: outcome === undefined ? null : (OUTCOMES[count(outcome.outcome_rank)] ?? null), failing: count(outcome?.failing),
      tokens: count(token?.number), keys: count(keys.get(name)?.number), certificates: count(certificate?.number), nextExpiry: text(certificate?.next_expiry),
      readOnly: module === undefined ? null : (VERDICTS[count(module.verdict)] ?? null), pinState: token === undefined ? null : (PIN_STATES[count(token.pin)] ?? null),
      sites: count(site?.number), sitesServing: count(site?.serving), lastRun: text(host.last_run), lastStatus: text(host.last_status) as RunStatus | null,
    }];
  });
}

