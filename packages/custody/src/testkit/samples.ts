import { createHash } from 'node:crypto';
import type { CertificateRow, KeyRow, ModuleRow, TokenRow } from '@hsmfleet/contract';

/** A hash that a name stands for. */
export function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** A key pair as a module shows it; its fingerprint is the hash of its name. */
export function keyRow(id: string, name: string, more: Partial<KeyRow> = {}): KeyRow {
  return { id, label: name, class: 'pair', type: 'ec', bits: 256, curve: 'prime256v1', fingerprint: hashOf(name), sensitive: null, extractable: null, ...more };
}

/** The certificate of a key: `issue` tells a renewed one from the first. */
export function certificateRow(id: string, name: string, issue = '1'): CertificateRow {
  return {
    id, label: name, subject: `CN=${name}`, issuer: 'CN=Lab', serial: '01', notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2027-01-01T00:00:00.000Z',
    sha256: hashOf(`${name} ${issue}`), keyFingerprint: hashOf(name), matchesKey: true, der: Buffer.from(`${name} ${issue}`).toString('base64'),
  };
}

/** A token with keys 01 and 02, each with its certificate. */
export function tokenRow(more: Partial<TokenRow> = {}): TokenRow {
  return {
    slotId: 1, slotIndex: 0, slotDescription: '', label: 'Web 1', serial: 'DENK01', manufacturer: 'm', model: 'm', flags: [], pinState: 'ok',
    loginRequired: true, identity: hashOf('identity'),
    keys: [keyRow('01', 'one'), keyRow('02', 'two')],
    certificates: [certificateRow('01', 'one'), certificateRow('02', 'two')],
    ...more,
  };
}

/** The module that shows it. */
export const MODULE: ModuleRow = {
  path: '/usr/lib/p11.so', realPath: '/usr/lib/p11.so', sha256: hashOf('library'), manufacturer: 'm', description: 'lib', version: '2.12', cryptokiVersion: '2.20',
  readOnly: { verdict: 'writable', reason: '', token: null, flagWriteProtected: null, openReadWriteSession: null, generateKeyPair: null, at: '' },
  tokens: [], error: null,
};
