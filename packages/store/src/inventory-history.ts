import type { InventoryReport } from '@hsmfleet/contract';
import type { Sql } from './database.ts';
import { errorsOf, rowsOf } from './inventory-rows.ts';

/** Stores a snapshot. An older one that comes late does not replace a newer one. Belongs inside a transaction of the caller. */
export async function recordInventory(sql: Sql, report: InventoryReport, run: string | null): Promise<void> {
  await sql.insert('host', [{ name: report.host, first_seen_at: report.at }], 'on conflict (name) do nothing');
  await sql.insert('snapshot', [{ host: report.host, at: report.at, run, report: JSON.stringify(report) }], 'on conflict (host, at) do nothing');
  const [newest] = await sql.all('select max(at) as at from snapshot where host = $host', { host: report.host });
  if (newest?.at !== report.at) return;
  for (const [table, rows] of Object.entries(rowsOf(report))) {
    await sql.run(`delete from ${table} where host = $host`, { host: report.host });
    await sql.insert(table, rows);
  }
  await sql.run(
    `update host set collected_at = $at, evidence = $evidence, disturbed = $disturbed, inventory_errors = $errors, attempt_error = null where name = $name`,
    {
      at: report.at, evidence: report.evidence, disturbed: report.disturbed === null ? null : Number(report.disturbed),
      errors: errorsOf(report).length, name: report.host,
    },
  );
}
