import type { Row, Sql } from './database.ts';
import { HISTORY_KINDS } from './inventory/index.ts';
import { tableOf, type InventoryKind } from './inventory/kind.ts';

/** Something of a host that inventories saw begin, end or become different. */
export interface InventoryChange {
  /** ISO 8601: when the snapshot was taken that saw it first. */
  at: string;
  host: string;
  /** Name of the view. */
  kind: string;
  /** Which key, token, …, for people. */
  what: string;
  change: 'added' | 'removed' | 'changed';
  /** What it was; null when it is new. */
  before: Row | null;
  /** What it is; null when it is gone. */
  after: Row | null;
}

/** Which changes; `from` does not belong to the interval, `to` does. */
export interface ChangesOptions {
  from: Date;
  to: Date;
  /** All when absent. */
  hosts?: readonly string[] | undefined;
}

/** Changes in an interval, by time, host and kind. */
export async function readChanges(sql: Sql, { from, to, hosts }: ChangesOptions): Promise<InventoryChange[]> {
  const params = { from: from.toISOString(), to: to.toISOString(), hosts: JSON.stringify(hosts ?? []) };
  const ofHosts = hosts === undefined ? '' : ` and host in ${sql.dialect.listed('$hosts')}`;
  const changes: InventoryChange[] = [];
  for (const kind of HISTORY_KINDS) {
    const table = tableOf(kind);
    const ended = await sql.all(`select * from ${table} where to_at > $from and to_at <= $to${ofHosts} order by to_at, host, row_id`, params);
    const begun = await sql.all(`select * from ${table} where from_at > $from and from_at <= $to${ofHosts} order by from_at, host, row_id`, params);
    changes.push(...pair(kind, ended, begun));
  }
  // stable: rows of a kind stay in their order
  return changes.sort((a, b) => compare(a.at, b.at) || compare(a.host, b.host));
}

/** What ended and began at the same instant, and is the same thing, changed. */
function pair(kind: Pick<InventoryKind, 'view' | 'identity' | 'columns'>, ended: readonly Row[], begun: readonly Row[]): InventoryChange[] {
  const thing = (row: Row, at: unknown): string => JSON.stringify([at, row.host, ...kind.identity.map((name) => row[name])]);
  const waiting = new Map<string, Row[]>();
  for (const row of begun) {
    const key = thing(row, row.from_at);
    waiting.set(key, [...(waiting.get(key) ?? []), row]);
  }
  const of = (row: Row) => ({ host: String(row.host), kind: kind.view === 'host_facts' ? 'hosts' : kind.view, what: kind.identity.map((name) => String(row[name] ?? '')).filter((word) => word !== '').join(' ') });
  const changes = ended.map((row): InventoryChange => {
    const after = waiting.get(thing(row, row.to_at))?.shift();
    return { at: String(row.to_at), ...of(row), change: after === undefined ? 'removed' : 'changed', before: shown(kind, row), after: after === undefined ? null : shown(kind, after) };
  });
  for (const row of [...waiting.values()].flat()) changes.push({ at: String(row.from_at), ...of(row), change: 'added', before: null, after: shown(kind, row) });
  return changes;
}

/** The stored columns that people see. */
function shown({ columns }: Pick<InventoryKind, 'columns'>, row: Row): Row {
  return Object.fromEntries(columns.filter(({ sql, hidden }) => sql === undefined && hidden !== true).map(({ name }) => [name, row[name] ?? null]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
