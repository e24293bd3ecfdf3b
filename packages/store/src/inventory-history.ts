import { createHash } from 'node:crypto';
import type { HostFacts, InventoryReport } from '@hsmfleet/contract';
import type { Cell, Row, Sql } from './database.ts';
import { errorsOf } from './error-text.ts';
import { hostFacts } from './inventory/host-facts.ts';
import { INVENTORY_KINDS } from './inventory/index.ts';
import { storedColumns, tableOf, type FactsKind, type InventoryKind } from './inventory/kind.ts';

/**
 * Stores a snapshot: what differs from what is known of the host ends, what is new begins, the rest stays. One that is not
 * newer than the last one is only counted: history is written forward. Belongs inside a transaction of the caller.
 */
export async function recordInventory(sql: Sql, report: InventoryReport, run: string | null): Promise<void> {
  const name = report.host;
  await sql.insert('host', [{ name, first_seen_at: report.at }], 'on conflict (name) do nothing');
  const [host] = await sql.all('select collected_at, inventory_digest from host where name = $name', { name });
  const disturbed = report.disturbed === null ? null : Number(report.disturbed);
  const errors = errorsOf(report).length;
  await sql.insert('collection', [{ host: name, at: report.at, run, evidence: report.evidence, disturbed, errors }], 'on conflict (host, at) do nothing');
  if (host?.collected_at !== null && host !== undefined && String(host.collected_at) >= report.at) return;
  const passive = report.evidence === 'passive';
  const digests = digestsOf(host?.inventory_digest);
  for (const kind of INVENTORY_KINDS) {
    if (passive && kind.fromTokens === true) continue;
    const rows = kind.rows(report);
    const keeps = passive ? kind.keeps : undefined;
    // most snapshots change nothing, and then the rows need not even be read
    const digest = createHash('sha256').update(JSON.stringify([keeps === undefined, storedColumns(kind), rows])).digest('base64url').slice(0, 22);
    if (digests[kind.view] === digest) continue;
    await writeRows(sql, kind, name, report.at, rows, { keeps, isNew: host?.collected_at === null });
    digests[kind.view] = digest;
  }
  await sql.run(
    `update host set collected_at = $at, tokens_at = coalesce($tokens_at, tokens_at), evidence = $evidence, disturbed = $disturbed, inventory_errors = $errors,
      inventory_digest = $digest, attempt_error = null where name = $name`,
    { at: report.at, tokens_at: passive ? null : report.at, evidence: report.evidence, disturbed, errors, digest: JSON.stringify(digests), name },
  );
}

/** What was written last of each kind. */
function digestsOf(cell: Cell | undefined): Record<string, string> {
  return typeof cell === 'string' && cell.startsWith('{') ? JSON.parse(cell) as Record<string, string> : {};
}

/** Stores the facts of a host. Belongs inside a transaction of the caller. */
export async function recordFacts(sql: Sql, host: string, at: string, facts: HostFacts): Promise<void> {
  await writeRows(sql, hostFacts, host, at, hostFacts.rows(facts), {});
}

interface WriteOptions {
  keeps?: InventoryKind['keeps'] | undefined;
  /** There is nothing to compare with yet. */
  isNew?: boolean;
}

async function writeRows(sql: Sql, kind: InventoryKind | FactsKind, host: string, at: string, rows: readonly Row[], { keeps, isNew }: WriteOptions): Promise<void> {
  const table = tableOf(kind);
  const columns = storedColumns(kind);
  const keyOf = (row: Row): string => JSON.stringify(columns.map((name) => row[name] ?? null));
  const known = new Map<string, Row[]>();
  const held = isNew === true ? [] : await sql.all(`select * from ${table} where host = $host and to_at is null`, { host });
  for (const row of held) {
    known.set(keyOf(row), [...(known.get(keyOf(row)) ?? []), row]);
  }
  const fresh: Row[] = [];
  for (const row of rows) if (take(known, keyOf(row)) === undefined) fresh.push(row);
  const added = keeps === undefined ? fresh : fresh.filter((row) => {
    const kept = [...known.values()].flat().find((one) => keeps(one, row));
    return kept === undefined || take(known, keyOf(kept)) === undefined;
  });
  const ended = [...known.values()].flat().map(({ row_id: id }) => Number(id));
  if (ended.length > 0) await sql.run(`update ${table} set to_at = $at where row_id in ${sql.dialect.listedNumbers('$ended')}`, { at, ended: JSON.stringify(ended) });
  await sql.insert(table, added.map((row) => ({ host, from_at: at, ...Object.fromEntries(columns.map((name) => [name, row[name] ?? null])) })));
}

function take(known: Map<string, Row[]>, key: string): Row | undefined {
  const rows = known.get(key);
  const row = rows?.pop();
  if (rows?.length === 0) known.delete(key);
  return row;
}
