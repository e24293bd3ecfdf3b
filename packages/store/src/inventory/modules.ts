import { errorText } from '../error-text.ts';
import { atInstant, column } from '../view.ts';
import type { InventoryKind } from './kind.ts';

/** PKCS#11 libraries. */
export const modules: InventoryKind = {
  view: 'modules',
  description: 'PKCS#11 libraries on the hosts, with the verdict whether they can change a token',
  identity: ['path'],
  columns: [
    column('path', 'text', 'path of the library'),
    column('real_path', 'text', 'where the path leads when links are followed'),
    column('sha256', 'text', 'of the library file, hex'),
    column('manufacturer', 'text', 'as the library says'),
    column('description', 'text', 'as the library says'),
    column('version', 'text', 'library version, major.minor'),
    column('cryptoki_version', 'text', 'PKCS#11 version, major.minor'),
    column('read_only', 'text', 'verdict of the proof: read_only, writable or unproven'),
    column('read_only_reason', 'text', 'the evidence in one sentence'),
    column('read_only_at', 'time', 'when it was proven last; null while it is unproven', atInstant(
      "case when i.read_only <> 'unproven' then (select h.tokens_at from host h where h.name = i.host) end",
      (now) => `case when i.read_only <> 'unproven' then (select max(c.at) from collection c where c.host = i.host and c.at <= ${now} and c.evidence = 'live') end`,
    )),
    column('tokens', 'integer', 'tokens present'),
    column('error', 'text', 'why the library could not be read; null when it could'),
  ],
  indexes: [['read_only', 'host', 'path'], ['sha256', 'host', 'path']],
  // a proof stands for as long as the library's bytes are the same
  keeps: (present, row) => present.path === row.path && present.real_path === row.real_path && present.sha256 === row.sha256 && row.sha256 !== null && row.error === null,
  rows: (report) => report.modules.map((module) => ({
    path: module.path, real_path: module.realPath, sha256: module.sha256, manufacturer: module.manufacturer,
    description: module.description, version: module.version, cryptoki_version: module.cryptokiVersion,
    read_only: module.readOnly.verdict, read_only_reason: module.readOnly.reason,
    tokens: module.tokens.length, error: errorText(module.error),
  })),
};
