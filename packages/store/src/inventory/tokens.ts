import type { InventoryReport, ModuleRow, TokenRow } from '@hsmfleet/contract';
import type { Row } from '../database.ts';
import { column, type ViewColumn } from '../view.ts';
import type { InventoryKind } from './kind.ts';

/** Tokens in the slots of modules. */
export const tokens: InventoryKind = {
  view: 'tokens',
  description: 'tokens present in the slots of the modules',
  identity: ['module', 'label', 'serial'],
  fromTokens: true,
  columns: [
    column('module', 'text', 'path of the PKCS#11 library through which it was seen'),
    column('read_only', 'text', 'verdict on that library: read_only, writable or unproven'),
    column('label', 'text', 'label of the token'),
    column('serial', 'text', 'serial number; empty with some modules'),
    column('manufacturer', 'text', 'as the token says'),
    column('model', 'text', 'as the token says'),
    column('slot_id', 'integer', 'CK_SLOT_ID'),
    column('slot_description', 'text', 'usually the name of the reader'),
    column('flags', 'text', 'CKF_ names without the prefix, separated by blanks'),
    column('pin_state', 'text', 'ok, count_low, final_try, locked, uninitialized or unknown; read without a login'),
    column('login_required', 'boolean', 'does the token want a PIN'),
    column('identity', 'text', 'hash over label, serial and the public keys'),
    column('keys', 'integer', 'keys seen'),
    column('certificates', 'integer', 'certificates seen'),
  ],
  indexes: [['identity', 'host', 'label'], ['pin_state', 'host', 'label']],
  rows: (report) => onTokens(report, (module, token) => [{
    module: module.path, read_only: module.readOnly.verdict, label: token.label, serial: token.serial,
    manufacturer: token.manufacturer, model: token.model, slot_id: token.slotId, slot_description: token.slotDescription,
    flags: token.flags.join(' '), pin_state: token.pinState, login_required: Number(token.loginRequired),
    identity: token.identity, keys: token.keys.length, certificates: token.certificates.length,
  }]),
};

/** Rows of every token of a report. */
export function onTokens(report: InventoryReport, rows: (module: ModuleRow, token: TokenRow) => Row[]): Row[] {
  return report.modules.flatMap((module) => module.tokens.flatMap((token) => rows(module, token)));
}

/** Columns that tell on which token something is. */
export const ON_TOKEN: readonly ViewColumn[] = [
  column('module', 'text', 'path of the PKCS#11 library through which it was seen'),
  column('token', 'text', 'label of the token'),
  column('token_serial', 'text', 'serial number of the token; empty with some modules'),
  column('token_identity', 'text', 'hash over label, serial and public keys: tells equal tokens apart from equal labels'),
];

/** Their cells. */
export function tokenCells(module: ModuleRow, token: TokenRow): Row {
  return { module: module.path, token: token.label, token_serial: token.serial, token_identity: token.identity };
}
