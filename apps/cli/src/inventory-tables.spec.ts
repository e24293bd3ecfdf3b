import { expect, it } from 'vitest';
import type { InventoryReport, KeyRow, ModuleRow, TokenRow } from '@hsmfleet/contract';
import { createColors } from '@hsmfleet/reporter';
import { inventoryTables } from './inventory-tables.ts';

/** What the environment of a test run says of colours must not matter. */
const plain = createColors(false);

const at = '2026-01-02T03:04:05.000Z';
const key = (id: string, more: Partial<KeyRow>): KeyRow => ({
  id, label: `key${id}`, class: 'pair', type: 'rsa', bits: 1024, curve: null, fingerprint: 'ab'.repeat(32), sensitive: null, extractable: null, ...more,
});
const token: TokenRow = {
  slotId: 1, slotIndex: 0, slotDescription: 'reader', label: 'fleet\u001b[2J', serial: '', manufacturer: 'm', model: 'm', flags: [], pinState: 'count_low',
  loginRequired: true, identity: 'ef'.repeat(32), keys: [key('01', {}), key('03', { type: 'ec', bits: 256, curve: 'prime256v1', fingerprint: null })],
  certificates: [{
    id: '01', label: 'cert01', subject: 'CN=www', issuer: 'CN=ca', serial: '0a', notBefore: at, notAfter: '2035-01-01T00:00:00.000Z', sha256: '12'.repeat(32),
    keyFingerprint: 'ab'.repeat(32), matchesKey: false,
  }],
};
const library = (path: string, verdict: ModuleRow['readOnly']['verdict'], more: Partial<ModuleRow> = {}): ModuleRow => ({
  path, realPath: path, sha256: null, manufacturer: 'm', description: 'd', version: '2.9', cryptokiVersion: '2.20', tokens: [token], error: null,
  readOnly: { verdict, reason: 'r', token: 'fleet', flagWriteProtected: null, openReadWriteSession: null, generateKeyPair: null, at }, ...more,
});
const report = (host: string, more: Partial<InventoryReport>): InventoryReport => ({
  host, at, modules: [], nssDatabases: [], sites: [], disturbed: null, evidence: 'live', errors: [], ...more,
});

it('shows tokens with their proof, each key once, sites and errors, in the order of the hosts', async () => {
  const text = inventoryTables([
    report('web2', {
      disturbed: true,
      modules: [library('/usr/lib/hang.so', 'unproven', { tokens: [], error: { code: 'TIMEOUT', message: 'the module did not answer within 10 s' } })],
      errors: [{ code: 'PKCS11', message: 'p11-kit is misconfigured' }],
    }),
    report('web1', {
      modules: [library('/usr/lib/ro.so', 'read_only'), library('/usr/lib/rw.so', 'writable')],
      sites: [{
        name: 'www', port: 443, engine: 'mod_nss', config: 'c', key: 'k', serving: true, servedKeyFingerprint: null, servedCertificateSha256: null,
        servedFromToken: null, error: null,
      }],
    }),
    report('web3', { evidence: 'passive' }),
  ], ['web1', 'web2', 'web3'], plain);
  await expect(text).toMatchFileSnapshot('testdata/inventory-tables.txt');
  expect(text).not.toContain('\u001b');
});

it('says what a module without a token may lack', () => {
  const text = inventoryTables([report('web1', { modules: [library('/usr/lib/p11-kit-client.so', 'unproven', { tokens: [] })] })], ['web1'], plain);
  expect(text).toContain('web1: /usr/lib/p11-kit-client.so shows no token; a module that asks a daemon has to be told where: --module-env NAME=VALUE\n');
});

it('says so when there is nothing', () => {
  expect(inventoryTables([report('web1', {})], ['web1'], plain)).toBe('no PKCS#11 modules were found\n');
});
