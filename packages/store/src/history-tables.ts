import { quoted, type Sql } from './database.ts';
import { HISTORY_KINDS } from './inventory/index.ts';
import { tableOf, type InventoryKind } from './inventory/kind.ts';
import type { ViewColumn } from './view.ts';

const TYPES: Record<ViewColumn['type'], string> = { text: 'text', time: 'text', integer: 'integer', boolean: 'integer', real: 'real' };

/** Declared indexes that a table may have had. */
const MOST_INDEXES = 8;

/**
 * Brings the tables of inventory rows to what the kinds declare: makes those that are missing, adds columns, makes their
 * indexes anew. Columns that are declared no more stay. Belongs inside the transaction of a migration.
 */
export async function updateHistoryTables(sql: Sql): Promise<void> {
  for (const kind of HISTORY_KINDS) {
    const table = tableOf(kind);
    await sql.script(`create table if not exists ${table} (row_id integer primary key, host text not null, from_at text not null, to_at text) strict;`);
    const known = new Set((await sql.all(sql.dialect.columns('$table'), { table })).map(({ name }) => String(name)));
    for (const { name, type, sql: computed } of kind.columns) {
      if (computed === undefined && !known.has(name)) await sql.script(`alter table ${table} add column "${name}" ${TYPES[type]};`);
    }
    // by number, and those beyond what is declared now too
    for (let number = 1; number <= MOST_INDEXES; number += 1) await sql.script(`drop index if exists ${table}_${String(number)};`);
    for (const [name, definition] of indexesOf(kind)) await sql.script(`drop index if exists ${name}; create index ${name} on ${table} ${definition};`);
  }
}

/** The present rows by host and by what the kind declares, and all rows by when they began and ended, for what changed when. */
function indexesOf(kind: Pick<InventoryKind, 'view' | 'indexes'>): [string, string][] {
  const table = tableOf(kind);
  return [
    [`${table}_host`, '(host) where to_at is null'],
    [`${table}_from`, '(from_at)'],
    [`${table}_to`, '(to_at) where to_at is not null'],
    // to_at is in it so that SQLite need not look at the rows themselves
    ...(kind.indexes ?? []).map((columns, index): [string, string] => [`${table}_${String(index + 1)}`, `(${quoted([...columns, 'to_at'])}) where to_at is null`]),
  ];
}
