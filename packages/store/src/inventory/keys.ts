import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';
import { ON_TOKEN, onTokens, tokenCells } from './tokens.ts';

/** Keys on tokens. */
export const keys: InventoryKind = {
  view: 'keys',
  description: 'keys on the tokens, as their public halves show them',
  identity: ['module', 'token', 'token_serial', 'id', 'class'],
  fromTokens: true,
  columns: [
    ...ON_TOKEN,
    column('read_only', 'text', 'verdict on the module: read_only, writable or unproven'),
    column('id', 'text', 'CKA_ID in lower-case hex'),
    column('label', 'text', 'label of the key'),
    column('class', 'text', 'objects seen: public, private, pair, or certificate (only a certificate tells of the key)'),
    column('type', 'text', 'rsa, ec, or another CKK name in lower case'),
    column('bits', 'integer', 'size from the modulus or the curve'),
    column('curve', 'text', 'prime256v1, secp384r1, …; null for rsa'),
    column('fingerprint', 'text', 'SHA-256 of the SubjectPublicKeyInfo, hex'),
    column('certificates', 'integer', 'certificates on its token that are for it; null when its public half is not known'),
    column('sensitive', 'boolean', 'null when it takes a login to know'),
    column('extractable', 'boolean', 'null when it takes a login to know'),
    column('always_sensitive', 'boolean', 'was it never readable in the clear; null when it takes a login to know'),
    column('never_extractable', 'boolean', 'was it never extractable; false for a key that was imported, null when it takes a login to know'),
  ],
  indexes: [
    ['type', 'bits', 'curve', 'host', 'token', 'label'],
    ['fingerprint', 'token_identity', 'host', 'token', 'id', 'label'],
    ['extractable', 'sensitive', 'host', 'token', 'label'],
    // to look for the certificate of each of half a million keys would take longer than the query
    ['certificates', 'host', 'token', 'id', 'label', 'type', 'bits'],
  ],
  rows: (report) => onTokens(report, (module, token) => token.keys.map((key) => ({
    ...tokenCells(module, token), read_only: module.readOnly.verdict,
    id: key.id, label: key.label, class: key.class, type: key.type, bits: key.bits, curve: key.curve,
    fingerprint: key.fingerprint,
    certificates: key.fingerprint === null ? null : token.certificates.filter(({ keyFingerprint }) => keyFingerprint === key.fingerprint).length,
    sensitive: flag(key.sensitive), extractable: flag(key.extractable),
    always_sensitive: flag(key.alwaysSensitive), never_extractable: flag(key.neverExtractable),
  }))),
};
