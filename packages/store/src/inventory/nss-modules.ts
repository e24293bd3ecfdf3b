import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

/** Modules of NSS databases. */
export const nssModules: InventoryKind = {
  view: 'nss_modules',
  description: "modules that NSS loads: registered in its databases, or added by the system's policy",
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
    column('internal', 'boolean', "is it NSS's own software token"),
    column('source', 'text', 'database: registered in it; policy: the policy of the system adds it to every program'),
    column('bypass', 'boolean', 'is it p11-kit-proxy or OpenSC, which bring a writable way to the token'),
    column('database_used', 'boolean', 'does a site use the database'),
  ],
  indexes: [['library', 'host']],
  rows: (report) => report.nssDatabases.flatMap((database) => database.modules.map((module) => ({
    database: database.path, database_kind: database.kind, database_mode: database.mode,
    database_owner: database.owner, database_group: database.group,
    name: module.name, library: module.library, enabled: Number(module.enabled),
    internal: flag(module.internal), source: module.source ?? null, bypass: flag(module.bypass), database_used: flag(database.used),
  }))),
};
