import { createHash } from 'node:crypto';
import type { InventoryReport } from '@hsmfleet/contract';

const hash = (...words: (string | number)[]): string => createHash('sha256').update(words.join('\0')).digest('hex');
const DAY_MS = 86_400_000;

/** Shares of a fleet that is mostly in order, one host in so many. */
const ODD = { writable: 5_000, weakKey: 500, sharedKey: 10_000, lostTry: 2_000, expiring: 40, mismatch: 5_000, offToken: 5_000 };

/** The name of a made-up host, from 0. */
export function hostName(index: number): string {
  return `web${String(index).padStart(6, '0')}.fleet.test`;
}

/**
 * What an inventory of a made-up host says: one token with so many keys and certificates, one site, one NSS database. The same
 * index gives the same report.
 */
export function report(index: number, keys: number, at: Date): InventoryReport {
  const host = hostName(index);
  const odd = (every: number): boolean => index % every === Math.floor(every / 2);
  const serial = `DENK${String(100_000 + index)}`;
  const module = '/usr/lib/libsc-hsm-pkcs11.so';
  const version = ['2.12', '2.11', '2.10'][index % 10 === 0 ? 1 : index % 100 === 1 ? 2 : 0] ?? '2.12';
  const fingerprint = (key: number): string => (key === 0 && odd(ODD.sharedKey) ? hash('shared') : hash('key', index, key));
  const isRsa = (key: number): boolean => (index + key) % 3 !== 0;
  const identity = hash('token', serial);
  return {
    host, at: at.toISOString(), disturbed: false, evidence: 'live', errors: [],
    modules: [{
      path: module, realPath: module, sha256: hash('module', version), manufacturer: 'CardContact', description: 'SmartCard-HSM R/O', version, cryptokiVersion: '2.20', error: null,
      readOnly: {
        verdict: odd(ODD.writable) ? 'writable' : 'read_only', reason: odd(ODD.writable) ? 'a read/write session was opened' : 'a read/write session is refused', token: `tls-${String(index)}`,
        flagWriteProtected: !odd(ODD.writable), openReadWriteSession: odd(ODD.writable) ? 'CKR_OK' : 'CKR_TOKEN_WRITE_PROTECTED', generateKeyPair: 'not tried', at: at.toISOString(),
      },
      tokens: [{
        slotId: 1, slotIndex: 0, slotDescription: 'Nitrokey HSM', label: `tls-${String(index)}`, serial, manufacturer: 'CardContact', model: 'SmartCard-HSM',
        flags: ['TOKEN_INITIALIZED', 'WRITE_PROTECTED', 'LOGIN_REQUIRED'], pinState: odd(ODD.lostTry) ? 'count_low' : 'ok', loginRequired: true, identity,
        keys: Array.from({ length: keys }, (_, key) => ({
          id: String(key + 1).padStart(2, '0'), label: `key ${String(key + 1)}`, class: 'pair' as const, type: isRsa(key) ? 'rsa' : 'ec',
          bits: isRsa(key) ? (key === 1 && odd(ODD.weakKey) ? 1024 : 2048) : 256, curve: isRsa(key) ? null : 'prime256v1', fingerprint: fingerprint(key), sensitive: true, extractable: false,
        })),
        certificates: Array.from({ length: keys }, (_, key) => ({
          id: String(key + 1).padStart(2, '0'), label: `key ${String(key + 1)}`, subject: `CN=site${String(key)}.${host},O=Example,C=DE`, issuer: 'CN=Example CA,O=Example,C=DE', serial: hash('serial', index, key).slice(0, 16),
          notBefore: new Date(at.getTime() - 200 * DAY_MS).toISOString(), notAfter: new Date(at.getTime() + (key === 0 && odd(ODD.expiring) ? index % 80 : 120 + (index * 7 + key * 31) % 700) * DAY_MS).toISOString(),
          sha256: hash('certificate', index, key), keyFingerprint: key === 2 && odd(ODD.mismatch) ? hash('other', index) : fingerprint(key), matchesKey: !(key === 2 && odd(ODD.mismatch)),
        })),
      }],
    }],
    nssDatabases: [{ path: '/etc/hsmfleet/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data', modules: [{ name: 'hsm', library: module, enabled: true }] }],
    sites: [{
      name: host, port: 443, engine: 'mod_nss', config: '/etc/apache2/sites-enabled/hsmfleet.conf', key: `tls-${String(index)}:key 1`, serving: true,
      servedKeyFingerprint: odd(ODD.offToken) ? hash('file', index) : fingerprint(0), servedCertificateSha256: hash('certificate', index, 0), servedFromToken: !odd(ODD.offToken), error: null,
    }],
  };
}
