import type { PinFileRow } from '@hsmfleet/contract';
import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

const WORST_FIRST = ['failed', 'unproven', 'unknown', 'proven'] as const;

/** Files that sites take PINs from. No PIN is in them, nor anything made from one. */
export const pinFiles: InventoryKind = {
  view: 'pin_files',
  description: 'files that sites take PINs from, one row each; never a PIN',
  identity: ['path'],
  columns: [
    column('path', 'text', 'path of the file; joins sites.pin_file'),
    column('format', 'text', 'how the server reads it: mod_nss (lines of token and PIN) or plain (the bare PIN)'),
    column('sites', 'text', 'names of the sites that use it, separated by blanks'),
    column('present', 'boolean', 'does the file exist'),
    column('mode', 'text', 'permission bits, for example 0640'),
    column('owner', 'text', 'user that owns it'),
    column('owner_group', 'text', 'group that owns it'),
    column('open_to_others', 'boolean', 'may anybody beside owner and group read, write or execute it, going by its mode'),
    column('server_readable', 'boolean', "may the web server's user read it; null when that user could not be asked"),
    column('changed_at', 'time', 'when it was changed last'),
    column('newer_than_server', 'boolean', 'changed after the running server began, which has read what was there before; null when none runs'),
    column('syntax', 'text', 'ok, bad, missing or unreadable'),
    column('problems', 'text', 'what is wrong with it, one line each'),
    column('tokens', 'text', 'labels of the tokens that it has entries for, one line each'),
    column('tokens_missing', 'text', 'labels of tokens in use without an entry, one line each; empty when there are none'),
    column('tokens_unused', 'text', 'labels of tokens with an entry that are not in use, one line each; empty when there are none'),
    column('unknown_entries', 'integer', 'entries whose name is the label of no token known; the names are withheld, for in a line written the wrong way round the PIN stands there'),
    column('proof', 'text', 'the worst of its entries: failed, unproven, unknown or proven'),
  ],
  indexes: [['path', 'host'], ['open_to_others', 'host', 'path', 'mode'], ['proof', 'host', 'path']],
  rows: (report) => (report.pinFiles ?? []).map((file) => ({
    path: file.path, format: file.format, sites: [...file.sites].sort().join(' '), present: Number(file.exists),
    mode: file.mode, owner: file.owner, owner_group: file.group, open_to_others: file.mode === null ? null : Number(!file.mode.endsWith('0')),
    server_readable: flag(file.serverReadable), changed_at: file.changedAt, newer_than_server: flag(file.newerThanServer),
    syntax: file.syntax, problems: file.problems.join('\n'), tokens: labels(file, () => true), tokens_missing: [...file.missing].sort().join('\n'),
    tokens_unused: labels(file, ({ inUse }) => !inUse), unknown_entries: file.unknownEntries,
    proof: WORST_FIRST.find((proof) => file.entries.some((entry) => entry.proof === proof)) ?? 'unknown',
  })),
};

/** Tokens that PIN files have entries for. */
export const pinEntries: InventoryKind = {
  view: 'pin_entries',
  description: 'tokens that PIN files have entries for, and whether the PIN there is known to be right; never a PIN',
  identity: ['path', 'token'],
  columns: [
    column('path', 'text', 'path of the file; joins pin_files.path'),
    column('token', 'text', 'label of the token'),
    column('in_use', 'boolean', 'does a site use the token, or does mod_nss log in to it because it is present'),
    column('present', 'boolean', 'is the token present; null when tokens were not read'),
    column('proof', 'text', 'proven: a login on this host showed that the PIN is right; failed: that it is wrong; unproven: it was never tried; unknown: nobody can tell'),
  ],
  indexes: [['proof', 'host', 'path', 'token']],
  // what a login showed is not forgotten because the token was left alone
  keeps: (present, row) => present.path === row.path && present.token === row.token && present.in_use === row.in_use && row.present === null,
  rows: (report) => (report.pinFiles ?? []).flatMap((file) => file.entries.map((entry) => ({
    path: file.path, token: entry.token, in_use: Number(entry.inUse), present: flag(entry.present), proof: entry.proof,
  }))),
};

function labels({ entries }: PinFileRow, wanted: (entry: PinFileRow['entries'][number]) => boolean): string {
  return entries.filter(wanted).map(({ token }) => token).sort().join('\n');
}
