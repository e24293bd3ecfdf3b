import type { HostEvidence, ModuleEvidence, ModuleRow, PinFileRow, SiteRow, TokenRow } from '@hsmfleet/contract';

/** What a host shows that serves one site from a card, for specs: each changes what it is about. */
export const KEY = 'a'.repeat(64);
const OTHER_TIMES = { notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2027-01-01T00:00:00.000Z' };
/** A day on which certificates are valid. */
export const NOW = new Date('2026-06-01T00:00:00.000Z');
export const CARD = '/usr/local/lib/libsc-hsm-pkcs11.so';

export const TOKEN: TokenRow = {
  slotId: 1, slotIndex: 0, slotDescription: 'reader', label: 'SmartCard-HSM', serial: '', manufacturer: 'CardContact', model: 'SmartCard-HSM',
  flags: ['LOGIN_REQUIRED', 'WRITE_PROTECTED'], pinState: 'ok', loginRequired: true, identity: 'f'.repeat(64),
  keys: [{ id: '03', label: 'shop', class: 'public', type: 'ec', bits: 256, curve: 'prime256v1', fingerprint: KEY, sensitive: null, extractable: null }],
  certificates: [{ id: '03', label: 'shop', subject: 'CN=shop.test', issuer: 'CN=ca', serial: '01', ...OTHER_TIMES, sha256: 'b'.repeat(64), keyFingerprint: KEY, matchesKey: true }],
};

export const MODULE: ModuleRow = {
  path: CARD, realPath: CARD, sha256: 'c'.repeat(64), manufacturer: 'CardContact', description: 'R/O with PC/SC', version: '2.8', cryptokiVersion: '2.20',
  readOnly: { verdict: 'read_only', reason: 'key generation is not supported', token: 'SmartCard-HSM', flagWriteProtected: true, openReadWriteSession: 'CKR_OK', generateKeyPair: 'CKR_FUNCTION_NOT_SUPPORTED', at: NOW.toISOString() },
  tokens: [TOKEN], error: null,
};

export const FILE: ModuleEvidence = { path: CARD, kind: 'file', elf: true, fitsMachine: true, mode: '0755', owner: 'root', serverReadable: true, speaksTo: 'pcscd', place: null, placeThere: null, placeOpen: null };

export const PIN_FILE: PinFileRow = {
  path: '/etc/hsm.pin', format: 'mod_nss', sites: ['shop.test'], exists: true, mode: '0640', owner: 'root', group: 'www-data', serverReadable: true, changedAt: NOW.toISOString(),
  newerThanServer: false, syntax: 'ok', problems: [], entries: [{ token: 'SmartCard-HSM', inUse: true, present: true, proof: 'proven' }], missing: [], unknownEntries: 0,
};

const SITE: SiteRow = {
  name: 'shop.test', port: 443, engine: 'mod_nss', config: '/etc/apache2/sites-enabled/shop.conf', key: 'SmartCard-HSM:shop', serving: true, servedKeyFingerprint: KEY,
  servedCertificateSha256: 'b'.repeat(64), servedFromToken: true, error: null, keySource: 'token', keyToken: 'SmartCard-HSM', keyResolves: true, keyFingerprint: KEY, pinFile: '/etc/hsm.pin',
  database: '/etc/nss', negotiatedProtocol: 'TLSv1.2', certificate: { subject: 'CN=shop.test', issuer: 'CN=ca', ...OTHER_TIMES, namesSite: true },
};

/** A site of mod_nss on a card; a spec changes the copy that it gets. */
export function nssHost(change: (seen: HostEvidence, site: SiteRow) => void = () => undefined): HostEvidence {
  const access = { mode: '0640', owner: 'root', group: 'www-data', serverReadable: true };
  const seen: HostEvidence = structuredClone({
    report: {
      host: 'web01', at: NOW.toISOString(), modules: [MODULE], sites: [SITE], pinFiles: [PIN_FILE],
      nssDatabases: [{
        path: '/etc/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data', used: true, serverReadable: true,
        modules: [{ name: 'NSS Internal', library: '', enabled: true, internal: true, source: 'database' }, { name: 'hsm', library: CARD, enabled: true, internal: false, source: 'database' }],
        files: ['cert9.db', 'key4.db', 'pkcs11.txt'].map((name) => ({ name, ...access })),
      }],
      webServer: {
        service: 'apache2', installed: true, running: true, version: '2.4.62', startedAt: NOW.toISOString(), configNewerThanServer: false, mpm: 'event', processLimit: 1, processes: 1,
        configuredUser: 'www-data', configuredGroup: 'www-data', runUser: 'www-data', runGroup: 'www-data', modSsl: { loaded: false, sites: 0 }, modNss: { loaded: true, sites: 1, version: '1.0.14', tls13: false },
      },
      cardService: { installed: true, running: true, listening: true, asksPolkit: false, user: 'www-data', reachable: true, how: 'asked', reason: 'pcscd answered www-data' },
      disturbed: false, evidence: 'live', errors: [],
    },
    modules: [FILE], opensslModules: [], usb: ['20a0:4230 Nitrokey HSM'], certificates: [], configtest: { passed: true, said: ['Syntax OK'] },
    listeners: [{ port: 443, pid: 10, program: 'apache2', server: true }], log: [], serverUser: 'www-data', spared: false,
  } satisfies HostEvidence);
  change(seen, seen.report.sites[0] as SiteRow);
  return seen;
}

/** A site of mod_ssl with the same key. */
export function sslHost(change: (seen: HostEvidence, site: SiteRow) => void = () => undefined): HostEvidence {
  return nssHost((seen, site) => {
    Object.assign(site, { engine: 'mod_ssl', key: 'pkcs11:token=SmartCard-HSM;id=%03', database: null });
    seen.opensslModules = [CARD];
    seen.report.nssDatabases = [];
    seen.certificates = [{ site: 'shop.test:443', path: '/etc/shop.crt', exists: true, problem: null, subject: 'CN=shop.test', ...OTHER_TIMES, keyFingerprint: KEY }];
    change(seen, site);
  });
}
