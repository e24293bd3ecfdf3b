import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

/** NSS databases. */
export const nssDatabases: InventoryKind = {
  view: 'nss_databases',
  description: 'NSS databases, one row per directory',
  identity: ['path'],
  columns: [
    column('path', 'text', 'directory of the database; joins sites.database and nss_modules.database'),
    column('kind', 'text', 'sql or dbm'),
    column('mode', 'text', 'permission bits of the directory'),
    column('owner', 'text', 'user that owns the directory'),
    column('owner_group', 'text', 'group that owns the directory'),
    column('used', 'boolean', 'does a site use it'),
    column('server_readable', 'boolean', "may the web server's user go into it; null when that user could not be asked"),
    column('modules', 'integer', 'modules registered in it, the internal one included'),
  ],
  indexes: [['used', 'host', 'path', 'mode']],
  rows: (report) => report.nssDatabases.map((database) => ({
    path: database.path, kind: database.kind, mode: database.mode, owner: database.owner, owner_group: database.group,
    used: flag(database.used), server_readable: flag(database.serverReadable), modules: database.modules.filter(({ source }) => source !== 'policy').length,
  })),
};

/** Files of NSS databases. */
export const nssFiles: InventoryKind = {
  view: 'nss_files',
  description: 'files of NSS databases, one row each',
  identity: ['database', 'name'],
  columns: [
    column('database', 'text', 'directory of the database; joins nss_databases.path'),
    column('name', 'text', 'cert9.db, key4.db, pkcs11.txt, or those of a dbm database'),
    column('mode', 'text', 'permission bits'),
    column('owner', 'text', 'user that owns it'),
    column('owner_group', 'text', 'group that owns it'),
    column('open_to_others', 'boolean', 'may anybody beside owner and group read, write or execute it, going by its mode'),
    column('server_readable', 'boolean', "may the web server's user read it; null when that user could not be asked"),
    column('used', 'boolean', 'does a site use the database'),
  ],
  indexes: [['used', 'server_readable', 'host', 'database', 'name']],
  rows: (report) => report.nssDatabases.flatMap((database) => (database.files ?? []).map((file) => ({
    database: database.path, name: file.name, mode: file.mode, owner: file.owner, owner_group: file.group,
    open_to_others: Number(!file.mode.endsWith('0')), server_readable: flag(file.serverReadable), used: flag(database.used),
  }))),
};
