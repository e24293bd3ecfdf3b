import { HsmfleetError } from '@hsmfleet/contract';
import type { Database, Sql } from './database.ts';
import { updateHistoryTables } from './history-tables.ts';
import { MIGRATIONS, SCHEMA_VERSION, type Migration } from './migrations.ts';

/**
 * Applies every missing migration, each in its own transaction together with its version number.
 * @param afterwards makes the views, which every migration makes anew
 * @throws HsmfleetError STORE when a newer hsmfleet wrote the database
 */
export async function migrate(database: Database, afterwards: (sql: Sql) => Promise<void>, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const target = migrations.at(-1)?.version ?? SCHEMA_VERSION;
  if ((await versionOf(database)) === target) return;
  for (const migration of migrations) {
    await database.transaction(async (sql) => {
      await sql.all(sql.dialect.lock('$name'), { name: 'hsmfleet schema' });
      // read again under the lock: another process may have migrated meanwhile
      const version = await versionOf(sql);
      if (version > target) throw newerSchema(database.location, version, target);
      if (version >= migration.version) return;
      for (const { name } of await sql.all(sql.dialect.views)) await sql.script(`drop view ${String(name)};`);
      await sql.script(migration.sql);
      if (migration.version >= FIRST_WITH_HISTORY) await updateHistoryTables(sql);
      await migration.fill?.(sql);
      if (migration.version === target) await afterwards(sql);
      await sql.script(`${sql.dialect.setVersion(migration.version)};`);
    });
  }
}

/** Before it, inventory rows had tables without history. */
const FIRST_WITH_HISTORY = 6;

async function versionOf(sql: Sql): Promise<number> {
  const [row] = await sql.all(sql.dialect.version);
  return Number(row?.version ?? 0);
}

function newerSchema(location: string, version: number, known: number): HsmfleetError {
  return new HsmfleetError(
    'STORE',
    `the history database ${location} has schema version ${String(version)}, this program knows versions up to ${String(known)}`,
    { hint: 'a newer hsmfleet wrote it: use that one, or set XDG_STATE_HOME to keep a separate history' },
  );
}
