import type { HostList, HostState, HostsQuery, HostSummary, Paged, RunStatus } from '@hsmfleet/web-api';
import { count, text, type ViewRow } from './cells.ts';
import type { DataStore } from './data-store.ts';
import { OUTCOMES, sumUpHosts, type HostOutcome, type Outcomes } from './outcomes.ts';
import { offsetOf, pageOf } from './page.ts';

const PIN_STATES = ['ok', 'unknown', 'uninitialized', 'count_low', 'final_try', 'locked'];
const VERDICTS = ['read_only', 'unproven', 'writable'] as const;
const rank = (column: string, words: readonly string[]): string => `case ${column} ${words.map((word, index) => `when '${word}' then ${String(index)}`).join(' ')} else 1 end`;

/** What the database sorts hosts by; what checks say of them is sorted here. */
const SORTS: Record<Exclude<NonNullable<HostsQuery['sort']>, 'outcome' | 'failing'>, string> = {
  host: 'h.host',
  state: "case h.state when 'error' then 0 when 'never' then 1 when 'stale' then 2 else 3 end",
  expiry: "coalesce(c.next_expiry, '9999')",
  collected: "coalesce(h.collected_at, '')",
};
const EXPIRY = 'left join (select host, min(not_after) as next_expiry from certificates group by host) c on c.host = h.host';

/** Hosts, filtered and sorted. */
export async function readHosts(store: DataStore, outcomes: Outcomes, query: Paged<HostsQuery>): Promise<HostList> {
  const { sort = 'host', order = 'asc', limit } = query;
  const offset = offsetOf(query.after);
  const byOutcome = sort === 'outcome' || sort === 'failing';
  const params: ViewRow = { limit, offset };
  const conditions: string[] = [];
  if (query.search !== undefined && query.search !== '') {
    params.search = `%${query.search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(`(${['host', 'distribution', 'address'].map((column) => `lower(h.${column}) like $search escape '\\'`).join(' or ')})`);
  }
  if (query.state !== undefined) {
    params.state = query.state;
    conditions.push('h.state = $state');
  }
  const from = `from hosts h ${sort === 'expiry' ? EXPIRY : ''} ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}`;
  const by = byOutcome ? 'h.host' : `${SORTS[sort]} ${order}, h.host`;
  const checked = sumUpHosts(await outcomes.latest());
  if (!byOutcome && query.outcome === undefined) {
    const [counted] = await store.read(`select count(*) as total ${from}`, params);
    const names = await store.read(`select h.host ${from} order by ${by} limit $limit offset $offset`, params);
    return pageOf(await summariesOf(store, checked, names.map(({ host }) => String(host))), count(counted?.total), offset);
  }
  const all = (await store.read(`select h.host ${from} order by ${by}`, params)).map(({ host }) => String(host));
  const found = query.outcome === undefined ? all : all.filter((name) => (checked.get(name)?.outcome ?? 'unchecked') === query.outcome);
  if (byOutcome) sortByOutcome(found, checked, sort, order);
  return pageOf(await summariesOf(store, checked, found.slice(offset, offset + limit)), found.length, offset);
}

function sortByOutcome(names: string[], checked: ReadonlyMap<string, HostOutcome>, sort: 'outcome' | 'failing', order: 'asc' | 'desc'): void {
  const rank = (name: string): number => {
    const known = checked.get(name);
    return sort === 'failing' ? (known?.failing ?? 0) : known === undefined ? OUTCOMES.length : OUTCOMES.indexOf(known.outcome);
  };
  names.sort((a, b) => (order === 'asc' ? rank(a) - rank(b) : rank(b) - rank(a)));
}

/** Hosts in one line each, in the order of the names; names that the store does not know are left out. */
export async function summariesOf(store: DataStore, checked: ReadonlyMap<string, HostOutcome>, names: readonly string[]): Promise<HostSummary[]> {
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
  return names.flatMap((name) => {
    const host = hosts.get(name);
    if (host === undefined) return [];
    const [token, certificate, module, site] = [tokens, certificates, modules, sites].map((rows) => rows.get(name));
    return [{
      host: name, state: String(host.state) as HostState, problem: text(host.inventory_problem), collectedAt: text(host.collected_at),
      lastSeenAt: text(host.last_seen_at), distribution: text(host.distribution), distributionVersion: text(host.distribution_version),
      outcome: checked.get(name)?.outcome ?? null, failing: checked.get(name)?.failing ?? 0,
      tokens: count(token?.number), keys: count(keys.get(name)?.number), certificates: count(certificate?.number), nextExpiry: text(certificate?.next_expiry),
      readOnly: module === undefined ? null : (VERDICTS[count(module.verdict)] ?? null), pinState: token === undefined ? null : (PIN_STATES[count(token.pin)] ?? null),
      sites: count(site?.number), sitesServing: count(site?.serving), lastRun: text(host.last_run), lastStatus: text(host.last_status) as RunStatus | null,
    }];
  });
}

