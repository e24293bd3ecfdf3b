import type { HostEvidence, LinkReport, SiteRow } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import type { Follow } from './judge-host.ts';
import { judgeHost } from './judge-host.ts';
import { LINKS } from './links.ts';
import { CARD, MODULE, NOW, nssHost, PIN_FILE, sslHost, TOKEN } from './testkit.ts';
import { walk } from './walk.ts';

type Change = (seen: HostEvidence, site: SiteRow) => void;

/** Links that are looked at on the host. */
function links(seen: HostEvidence, follow: Follow = {}): LinkReport[] {
  const onHost = new Set<string>(LINKS.filter(({ place }) => place === 'host').map(({ id }) => id));
  return walk(judgeHost(seen, { now: NOW, ...follow }).findings).filter(({ link }) => onHost.has(link));
}
function brokenOf(seen: HostEvidence, follow: Follow = {}): LinkReport | undefined {
  return links(seen, follow).find(({ status }) => status === 'broken');
}

test.each([
  ['mod_nss', nssHost(), ['certificate ok', 'nss-database ok', 'nickname ok']],
  ['mod_ssl', sslHost(), ['certificate ok', 'nss-database not_applicable', 'nickname not_applicable']],
])('a host that serves through %s holds at every link', (_engine, seen, middle) => {
  expect(links(seen).map(({ link, status }) => `${link} ${status}`)).toEqual(
    ['reader ok', 'pcscd ok', 'permission ok', 'module ok', 'read-only ok', 'token ok', ...middle, 'pin-file ok', 'apache-config ok', 'port ok', 'tls ok'],
  );
});

const pinFile = (change: Partial<typeof PIN_FILE>): Change => (seen) => { seen.report.pinFiles = [{ ...PIN_FILE, ...change }]; };
const token = (change: Partial<typeof TOKEN>): Change => (seen) => { seen.report.modules = [{ ...MODULE, tokens: [{ ...TOKEN, ...change }] }]; };
const file = (change: Partial<HostEvidence['modules'][number]>): Change => (seen) => { seen.modules = seen.modules.map((row) => ({ ...row, ...change })); };

test.each<[string, string, RegExp, RegExp, HostEvidence]>([
  ['no token on USB', 'reader', /sees none/, /lsusb/, nssHost((seen) => { seen.usb = []; seen.report.modules = [{ ...MODULE, tokens: [] }]; })],
  ['pcscd that is not installed', 'pcscd', /not installed/, /apt-get install pcscd/, nssHost((seen) => { Object.assign(seen.report.cardService ?? {}, { installed: false, listening: null }); })],
  ['pcscd that is stopped, and so no token', 'pcscd', /nobody listens/, /pcscd\.socket/, nssHost((seen) => { seen.usb = []; seen.report.modules = [{ ...MODULE, tokens: [] }]; Object.assign(seen.report.cardService ?? {}, { listening: false, reachable: false }); })],
  ['polkit that turns the server away', 'permission', /polkit/, /pcsc_access/, nssHost((seen) => { Object.assign(seen.report.cardService ?? {}, { reachable: false, asksPolkit: true, reason: 'pcscd turned www-data away: polkit does not allow it' }); })],
  ['a library that only root reads', 'permission', /may not read/, /chmod 755/, nssHost(file({ serverReadable: false }))],
  ['a folder of tokens that only root enters', 'permission', /may not go into/, /chown -R www-data/, sslHost(file({ speaksTo: 'softhsm', place: '/var/lib/softhsm/tokens', placeThere: true, placeOpen: false }))],
  ['a library that is gone', 'module', /does not exist/, /ls -l/, nssHost(file({ kind: null, elf: null, fitsMachine: null, serverReadable: null }))],
  ['a folder in its place', 'module', /is a directory/, /ls -ld/, nssHost(file({ kind: 'directory', elf: null }))],
  ['a library for another machine', 'module', /another kind of machine/, /this machine/, nssHost(file({ fitsMachine: false }))],
  ['a library that hangs', 'module', /no answer/, /unplug/, nssHost((seen) => { seen.report.modules = [{ ...MODULE, tokens: [], error: { code: 'TIMEOUT', message: 'no answer', hint: 'unplug it' } }]; })],
  ['mod_ssl without a library', 'module', /OPENSSL_CONF names none/, /MODULE_PATH/, sslHost((seen) => { seen.opensslModules = []; })],
  ['a library that can write', 'read-only', /can write/, /build-module/, nssHost((seen) => { seen.report.modules = [{ ...MODULE, readOnly: { ...MODULE.readOnly, verdict: 'writable', reason: 'a session was opened' } }]; })],
  ['another token', 'token', /no token "SmartCard-HSM".*"other"/, /plug the right token in/, nssHost(token({ label: 'other' }))],
  ['a key that is not there', 'token', /has no key for .*03 \(shop\)/, /key_id/, sslHost((_seen, site) => { Object.assign(site, { keyResolves: false, keyFingerprint: null }); })],
  ['a certificate that has expired', 'certificate', /expired on 2026-05-01/, /renew/, nssHost(token({ certificates: TOKEN.certificates.map((row) => ({ ...row, notAfter: '2026-05-01T00:00:00.000Z' })) }))],
  ['a certificate of tomorrow', 'certificate', /valid from 2026-07-01/, /clock/, sslHost((seen) => { Object.assign(seen.certificates[0] ?? {}, { notBefore: '2026-07-01T00:00:00.000Z' }); })],
  ['a certificate for another key on the token', 'certificate', /not for the key with its ID/, /load-cert/, nssHost(token({ certificates: TOKEN.certificates.map((row) => ({ ...row, matchesKey: false })) }))],
  ['a certificate file for another key', 'certificate', /is for the key dddd/, /roll out again/, sslHost((seen) => { Object.assign(seen.certificates[0] ?? {}, { keyFingerprint: 'd'.repeat(64) }); })],
  ['a certificate file that is none', 'certificate', /cannot be read: bad/, /roll out again/, sslHost((seen) => { Object.assign(seen.certificates[0] ?? {}, { problem: 'bad' }); })],
  ['a certificate file that is gone', 'certificate', /does not exist/, /roll out again/, sslHost((seen) => { Object.assign(seen.certificates[0] ?? {}, { exists: false, notAfter: null }); })],
  ['a site without a certificate', 'certificate', /names no certificate/, /roll out again/, sslHost((seen) => { seen.certificates = []; })],
  ['no NSS database', 'nss-database', /holds no NSS database/, /nss_database/, nssHost((seen) => { seen.report.nssDatabases = []; })],
  ['a database without its list of modules', 'nss-database', /lacks pkcs11\.txt/, /anew/, nssHost((seen) => { for (const row of seen.report.nssDatabases) row.files = row.files?.filter(({ name }) => name !== 'pkcs11.txt') ?? []; })],
  ['a list of modules that only root reads', 'nss-database', /may not read \/etc\/nss\/pkcs11\.txt/, /chmod 640/, nssHost((seen) => { for (const row of seen.report.nssDatabases) for (const each of row.files ?? []) each.serverReadable = each.name !== 'pkcs11.txt'; })],
  ['a folder that only root enters', 'nss-database', /may not enter/, /chmod 750/, nssHost((seen) => { for (const row of seen.report.nssDatabases) row.serverReadable = false; })],
  ['a database without the module', 'nss-database', /registers no PKCS#11 library/, /nss_module/, nssHost((seen) => { for (const row of seen.report.nssDatabases) row.modules = row.modules.slice(0, 1); })],
  ['a module that is switched off', 'nss-database', /"hsm" is disabled/, /nss_module/, nssHost((seen) => { for (const row of seen.report.nssDatabases) for (const each of row.modules) each.enabled = each.internal === true; })],
  ['a nickname in capitals', 'nickname', /called "SmartCard-HSM:Shop".*"SmartCard-HSM:shop"/, /letter by letter/, nssHost((_seen, site) => { Object.assign(site, { key: 'SmartCard-HSM:Shop', keyResolves: false }); })],
  ['no nickname', 'nickname', /has no NSSNickname/, /TOKEN:LABEL/, nssHost((_seen, site) => { Object.assign(site, { key: '' }); })],
  ['a PIN file that is gone', 'pin-file', /does not exist/, /pin_file/, nssHost(pinFile({ exists: false, mode: null, owner: null, syntax: 'missing' }))],
  ['a PIN file with a slip', 'pin-file', /line 1: there is no colon/, /do not start/, nssHost(pinFile({ syntax: 'bad', problems: ['line 1: there is no colon'] }))],
  ['a PIN file without the token', 'pin-file', /no line for the token "SmartCard-HSM"/, /pin_file/, nssHost(pinFile({ missing: ['SmartCard-HSM'] }))],
  ['a PIN file that all may read', 'pin-file', /is 0644/, /chmod 640/, nssHost(pinFile({ mode: '0644' }))],
  ['a PIN file of the server', 'pin-file', /0640 www-data:www-data/, /chown root:www-data/, nssHost(pinFile({ owner: 'www-data' }))],
  ['a PIN file that children of mod_nss cannot read', 'pin-file', /every child/, /chgrp www-data/, nssHost(pinFile({ mode: '0600', serverReadable: false }))],
  ['a PIN that was wrong', 'pin-file', /called the PIN in it wrong/, /pins-wrong\.json/, nssHost(pinFile({ entries: [{ token: 'SmartCard-HSM', inUse: true, present: true, proof: 'failed' }] }))],
  ['a PIN that is locked', 'pin-file', /is locked/, /token pin unblock/, nssHost(token({ pinState: 'locked' }))],
  ['one try left', 'pin-file', /one more wrong PIN/, /resets the count/, nssHost(token({ pinState: 'final_try' }))],
  ['a token without a PIN', 'pin-file', /no user PIN/, /token init/, nssHost(token({ pinState: 'uninitialized' }))],
  ['no Apache', 'apache-config', /not installed/, /roll out/, sslHost((seen) => { Object.assign(seen.report.webServer ?? {}, { installed: false }); seen.report.sites = []; })],
  ['a configuration with a slip', 'apache-config', /Invalid command/, /apache2ctl configtest/, nssHost((seen) => { seen.configtest = { passed: false, said: ["Invalid command 'X'"] }; })],
  ['no site', 'apache-config', /no TLS site/, /roll out/, nssHost((seen) => { seen.report.sites = []; })],
  ['a server that is down, with a proven PIN', 'port', /does not run/, /systemctl start apache2/, nssHost((seen, site) => { Object.assign(seen.report.webServer ?? {}, { running: false }); seen.listeners = []; site.serving = null; })],
  ['another program on the port', 'port', /held by nginx \(process 7\)/, /ss -ltnp/, nssHost((seen) => { seen.listeners = [{ port: 443, pid: 7, program: 'nginx', server: false }]; })],
  ['a port that nobody listens on', 'port', /nobody listens on port 443/, /Listen/, nssHost((seen) => { seen.listeners = []; })],
  ['a handshake that fails', 'tls', /hung up.*error log: it lost its login/, /stop and start/, nssHost((seen, site) => { Object.assign(site, { serving: false, error: { code: 'WEB_DOWN', message: 'it hung up' } }); seen.log = [{ text: '-8023', cause: 'it lost its login', advice: 'stop and start the server' }]; })],
  ['another key that is served', 'tls', /serves the key eeee.*is aaaa/, /a reload keeps keys/, nssHost((_seen, site) => { site.servedKeyFingerprint = 'e'.repeat(64); })],
  ['a site that reading disturbed', 'tls', /served before its token was read/, /--read-tokens never/, nssHost((seen) => { seen.report.disturbed = true; })],
])('%s breaks %s', (_what, link, evidence, fix, seen) => {
  const broken = brokenOf(seen);
  expect(broken?.link).toBe(link);
  expect(broken?.evidence).toMatch(evidence);
  expect(`${broken?.fix?.text ?? ''} ${broken?.fix?.command ?? ''}`).toMatch(fix);
});

test('a start on a PIN that nobody proved is left to a run that proves it', () => {
  const broken = brokenOf(nssHost((seen, site) => {
    pinFile({ entries: [{ token: 'SmartCard-HSM', inUse: true, present: true, proof: 'unproven' }] })(seen, site);
    Object.assign(seen.report.webServer ?? {}, { running: false });
    seen.listeners = [];
  }));
  expect(broken).toMatchObject({ link: 'port', fix: { command: expect.stringContaining('hsmfleet apply') as string } });
});

test('a card that a site serves from was left alone: what the handshake shows counts, and nothing is called broken', () => {
  const seen = nssHost((each, site) => {
    each.spared = true;
    each.report.evidence = 'passive';
    each.report.modules = [{ ...MODULE, tokens: [], readOnly: { ...MODULE.readOnly, verdict: 'unproven', reason: 'it was not asked' } }];
    Object.assign(site, { keyResolves: null, keyFingerprint: null });
  });
  const found = links(seen);
  expect(found.filter(({ status }) => status === 'broken')).toEqual([]);
  expect(found.find(({ link }) => link === 'token')).toMatchObject({ status: 'ok', evidence: expect.stringContaining('was just served') as string });
  expect(found.find(({ link }) => link === 'read-only')).toMatchObject({ status: 'not_told' });
});

test('links of tokens are told as not applicable where the key is in a file', () => {
  const seen = sslHost((each, site) => {
    Object.assign(site, { key: '/etc/shop.key', keySource: 'file', keyToken: null, keyResolves: null, keyFingerprint: null, pinFile: null });
    each.report.pinFiles = [];
    each.opensslModules = [];
  });
  expect(links(seen).filter(({ status }) => status === 'not_applicable').map(({ link }) => link)).toEqual(['reader', 'pcscd', 'permission', 'module', 'read-only', 'token', 'nss-database', 'nickname', 'pin-file']);
  expect(brokenOf(seen)).toBeUndefined();
});

test('SoftHSM and p11-kit need no reader, and a server that is gone breaks it', () => {
  expect(links(sslHost(file({ speaksTo: 'softhsm', place: '/var/lib/softhsm/tokens', placeThere: true, placeOpen: true })))[0]).toMatchObject({ status: 'not_applicable' });
  const p11 = { speaksTo: 'p11-kit', place: '/run/p11', placeThere: true, placeOpen: true } as const;
  expect(links(sslHost(file(p11))).slice(0, 3).map(({ status }) => status)).toEqual(['not_applicable', 'not_applicable', 'ok']);
  expect(brokenOf(sslHost(file({ ...p11, placeThere: false, placeOpen: null })))).toMatchObject({ link: 'reader', evidence: expect.stringContaining('nobody listens on /run/p11') as string });
});

test('one site can be followed alone', () => {
  const seen = nssHost((each, site) => { each.report.sites.push({ ...site, name: 'other.test', port: 8443, serving: false, error: { code: 'WEB_DOWN', message: 'other.test is down' } }); each.listeners?.push({ port: 8443, pid: 10, program: 'apache2', server: true }); });
  expect(brokenOf(seen)).toMatchObject({ link: 'tls', evidence: expect.stringContaining('other.test') as string });
  expect(brokenOf(seen, { site: 'shop.test' })).toBeUndefined();
  expect(brokenOf(seen, { site: 'nobody.test' })).toMatchObject({ link: 'apache-config', evidence: 'no site is called "nobody.test"; there are "shop.test:443", "other.test:8443"' });
});

test('what a playbook wants is compared', () => {
  expect(brokenOf(nssHost(), { wanted: [{ name: 'shop.test', port: 443, engine: 'mod_nss', module: CARD, token: 'SmartCard-HSM', pinFile: '/etc/hsm.pin', database: '/etc/nss' }] })).toBeUndefined();
  expect(brokenOf(nssHost(), { wanted: [{ name: 'shop.test', engine: 'mod_ssl', token: 'other' }] })).toMatchObject({ link: 'apache-config', evidence: expect.stringMatching(/the engine .* is mod_nss, not mod_ssl; the token .* is SmartCard-HSM, not other/) as string });
  expect(brokenOf(nssHost(), { wanted: [{ name: 'shop.test', module: '/usr/lib/other.so' }] })).toMatchObject({ link: 'module' });
  const writable = nssHost((seen) => { seen.report.modules = [{ ...MODULE, readOnly: { ...MODULE.readOnly, verdict: 'writable' } }]; });
  expect(brokenOf(writable, { wanted: [{ name: 'shop.test', readOnly: false }] })).toBeUndefined();
});

test('what breaks nothing today is a note', () => {
  const notes = links(nssHost((seen, site) => {
    token({ certificates: TOKEN.certificates.map((row) => ({ ...row, notAfter: '2026-06-10T00:00:00.000Z' })) })(seen, site);
    pinFile({ newerThanServer: true, entries: [{ token: 'SmartCard-HSM', inUse: true, present: true, proof: 'unproven' }] })(seen, site);
    for (const row of seen.report.nssDatabases) row.modules.push({ name: 'p11-kit-proxy', library: 'p11-kit-proxy.so', enabled: true, source: 'policy', bypass: true });
  })).flatMap((link) => link.notes ?? []);
  expect(notes).toEqual([
    'the certificate "SmartCard-HSM:shop" ends in 9 days', '/etc/nss: "p11-kit-proxy" is a way to the token that can write, added by the system policy',
    '/etc/hsm.pin was changed after the running server read it', 'the PIN in /etc/hsm.pin was never proven on this host: the next apply tries it once, before any start',
  ]);
});
