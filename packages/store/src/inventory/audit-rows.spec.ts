import type { InventoryReport } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { agents } from './agents.ts';
import { cardServices } from './card-services.ts';
import { INVENTORY_KINDS } from './index.ts';
import { storedColumns } from './kind.ts';
import { nssDatabases, nssFiles } from './nss-databases.ts';
import { nssModules } from './nss-modules.ts';
import { pinEntries, pinFiles } from './pin-files.ts';
import { sites } from './sites.ts';
import { webServers } from './web-servers.ts';

const bare: InventoryReport = { host: 'a', at: '2026-01-02T03:04:05.000Z', modules: [], nssDatabases: [], sites: [], disturbed: null, evidence: 'live', errors: [] };
const full: InventoryReport = {
  ...bare,
  nssDatabases: [{
    path: '/etc/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data', used: true, serverReadable: true,
    files: [{ name: 'key4.db', mode: '0644', owner: 'root', group: 'www-data', serverReadable: false }],
    modules: [
      { name: 'hsm', library: '/usr/lib/hsm.so', enabled: true, internal: false, source: 'database', bypass: false },
      { name: 'p11-kit-proxy', library: 'p11-kit-proxy.so', enabled: true, internal: false, source: 'policy', bypass: true },
    ],
  }],
  sites: [{
    name: 'www', port: 443, engine: 'mod_nss', config: '/c', key: 'Web:shop', serving: true, servedKeyFingerprint: 'ab', servedCertificateSha256: 'cd', servedFromToken: true, error: null,
    protocols: ['TLSv1.2', 'TLSv1.3'], minProtocol: 'TLSv1.2', weakCiphers: [], plainKeyExchange: null, keyResolves: false,
    certificate: { subject: 'CN=www', issuer: 'CN=ca', notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2026-02-01T00:00:00.000Z', namesSite: true },
  }],
  pinFiles: [{
    path: '/etc/pin', format: 'mod_nss', sites: ['www', 'shop'], exists: true, mode: '0644', owner: 'root', group: 'root', serverReadable: true, changedAt: bare.at, newerThanServer: false,
    syntax: 'bad', problems: ['line 1: x', 'line 2: y'], missing: ['Card'], unknownEntries: 1,
    entries: [{ token: 'Web', inUse: true, present: true, proof: 'proven' }, { token: 'Old', inUse: false, present: false, proof: 'unproven' }],
  }],
  webServer: {
    service: 'apache2', installed: true, running: true, version: '2.4.62', startedAt: '2026-01-02T03:04:05.678Z', configNewerThanServer: false, mpm: 'event', processLimit: 1, processes: 1,
    configuredUser: 'www-data', configuredGroup: 'www-data', runUser: 'www-data', runGroup: 'www-data', modSsl: { loaded: true, sites: 0 }, modNss: { loaded: true, sites: 1, version: null, tls13: false },
  },
  cardService: { installed: true, running: true, listening: true, asksPolkit: true, user: 'www-data', reachable: false, how: 'asked', reason: 'pcscd turned www-data away' },
  agent: {
    version: '1.0.0', node: 'v20.0.0', stateDir: '/var/lib/hsmfleet', stateMode: '0700', stateOwner: 'root', stateBytes: 1_048_577, staleLock: { run: 'r1', user: 'ann', since: 'then' },
    lastRun: { run: 'r1', startedAt: 'then', finishedAt: null, status: 'interrupted' }, pendingWebChange: { since: 'then', apply: 'restart', paths: 2 }, readsTokensInWindowOnly: true,
  },
};

test('an older agent tells nothing of them, and that makes no rows', () => {
  for (const kind of [pinFiles, pinEntries, webServers, cardServices, agents, nssDatabases, nssFiles]) expect(kind.rows(bare), kind.view).toEqual([]);
});

test('every row has exactly the columns that are stored', () => {
  for (const kind of INVENTORY_KINDS) for (const row of kind.rows(full)) expect(Object.keys(row).sort(), kind.view).toEqual(storedColumns(kind).sort());
});

test('PIN files: the worst entry counts, and labels are told by what they are to the host', () => {
  expect(pinFiles.rows(full)).toMatchObject([
    { sites: 'shop www', present: 1, open_to_others: 1, syntax: 'bad', problems: 'line 1: x\nline 2: y', tokens: 'Old\nWeb', tokens_missing: 'Card', tokens_unused: 'Old', unknown_entries: 1, proof: 'unproven' },
  ]);
  expect(pinEntries.rows(full)).toMatchObject([{ token: 'Web', in_use: 1, present: 1, proof: 'proven' }, { token: 'Old', in_use: 0, present: 0 }]);
});

test('a passive look does not forget what a login showed', () => {
  const [present = {}] = pinEntries.rows(full);
  expect(pinEntries.keeps?.(present, { ...present, present: null, proof: 'unknown' })).toBe(true);
  expect(pinEntries.keeps?.(present, { ...present, token: 'Card', present: null, proof: 'unknown' })).toBe(false);
});

test('the web server, to the minute of its start', () => {
  expect(webServers.rows(full)).toMatchObject([{ started_at: '2026-01-02T03:04:00.000Z', mod_ssl_loaded: 1, mod_ssl_sites: 0, mod_nss_sites: 1, run_user: 'www-data' }]);
});

test('databases, their files, and modules that the policy adds', () => {
  expect(nssDatabases.rows(full)).toMatchObject([{ used: 1, server_readable: 1, modules: 1 }]);
  expect(nssFiles.rows(full)).toMatchObject([{ database: '/etc/nss', name: 'key4.db', open_to_others: 1, server_readable: 0, used: 1 }]);
  expect(nssModules.rows(full)).toMatchObject([{ source: 'database', bypass: 0, database_used: 1 }, { source: 'policy', bypass: 1 }]);
});

test('sites: no ciphers is another answer than not known', () => {
  expect(sites.rows(full)).toMatchObject([{ protocols: 'TLSv1.2 TLSv1.3', weak_ciphers: '', plain_key_exchange: null, key_resolves: 0, certificate_not_after_s: 1_769_904_000, certificate_names_site: 1 }]);
});

test('the agent and pcscd', () => {
  expect(agents.rows(full)).toMatchObject([{ state_mb: 2, stale_lock_run: 'r1', interrupted_run: 'r1', web_change_pending: 1, reads_in_window_only: 1 }]);
  expect(cardServices.rows(full)).toMatchObject([{ reachable: 0, how: 'asked', asks_polkit: 1 }]);
});
