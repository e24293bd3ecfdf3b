import { column } from '../view.ts';
import type { InventoryKind } from './kind.ts';

/** Modules of NSS databases. */
export const nssModules: InventoryKind = {
  view: 'nss_modules',
  description: 'modules registered in NSS databases',
  identity: ['database', 'name'],
  columns: [
    column('database', 'text', 'directory of the NSS database'),
    column('database_kind', 'text', 'sql or dbm'),
    column('database_mode', 'text', 'permission bits of the directory'),
    column('database_owner', 'text', 'user that owns it'),
    column('database_group', 'text', 'group that owns it'),
    column('name', 'text', 'name of the module in the database'),
    column('library', 'text', 'path of the library; empty for the internal module'),
    column('enabled', 'boolean', 'does NSS use it'),
  ],
  indexes: [['library', 'host']],
  rows: (report) => report.nssDatabases.flatMap((database) => database.modules.map((module) => ({
    database: database.path, database_kind: database.kind, database_mode: database.mode,
    database_owner: database.owner, database_group: database.group,
    name: module.name, library: module.library, enabled: Number(module.enabled),
  }))),
};
