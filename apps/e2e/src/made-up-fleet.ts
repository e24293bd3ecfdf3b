import { createHash } from 'node:crypto';
import type { CheckOutcome, CheckReport, EventBody, HostFacts, InventoryReport, RunEvent, SiegePoint } from '@hsmfleet/contract';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MODULE = '/usr/lib/x86_64-linux-gnu/libsc-hsm-pkcs11-ro.so';
const SITES = ['shop', 'www', 'api', 'login', 'mail', 'intranet', 'files', 'wiki', 'status', 'pay'];
const PLACES = ['ber', 'fra', 'muc', 'ham', 'vie', 'zrh'];
const DEBIANS = [['11.11', 'bullseye', '5.10.0-33-amd64'], ['12.8', 'bookworm', '6.1.0-28-amd64'], ['13.1', 'trixie', '6.12.48-amd64']] as const;

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const time = (ms: number): string => new Date(ms).toISOString();

/** Name of the n-th host. */
export function madeUpHost(n: number): string {
  return `web${String(n + 1).padStart(4, '0')}.${PLACES[n % PLACES.length] ?? ''}.example.org`;
}

function madeUpFacts(n: number): HostFacts {
  const [version, release, kernel] = DEBIANS[n % 3] ?? DEBIANS[1];
  const address = `10.${String(20 + (n >> 8))}.${String(n & 255)}.10`;
  return {
    hostname: madeUpHost(n).split('.')[0] ?? '', fqdn: madeUpHost(n), distribution: 'Debian', distribution_version: version, distribution_major_version: version.split('.')[0] ?? '',
    distribution_release: release, os_family: 'Debian', architecture: 'x86_64', kernel, pkg_mgr: 'apt', service_mgr: 'systemd', all_ipv4_addresses: [address],
    default_ipv4: { address, interface: 'eth0' }, processor_vcpus: 4, memtotal_mb: 7_950, user_id: 'root',
    apache: {
      flavor: 'debian', installed: true, service: 'apache2', binary: '/usr/sbin/apache2', user: 'www-data', group: 'www-data', configDir: '/etc/apache2',
      modulesDir: '/usr/lib/apache2/modules', errorLog: '/var/log/apache2/error.log', pidFile: '/run/apache2/apache2.pid',
    },
  };
}

/** What an inventory found on the n-th host: some have writable modules, lost PIN tries, weak keys, certificates that end soon. */
function madeUpInventory(n: number, at: number): InventoryReport {
  const host = madeUpHost(n);
  const label = `token-${String(n + 1).padStart(4, '0')}`;
  const writable = n % 89 === 17;
  const down = n % 131 === 12;
  const names = [SITES[n % SITES.length] ?? 'www', ...(n % 3 === 0 ? [SITES[(n + 3) % SITES.length] ?? 'api'] : [])];
  const rsa = n % 7 === 0;
  const parts = names.map((name, index) => {
    const fingerprint = hex(`key ${host} ${String(index)}`);
    const end = at + ((n * 37 + index * 101) % 420 - 4) * DAY + 5 * HOUR;
    return {
      key: { id: `0${String(index + 1)}`, label: name, class: 'pair' as const, type: rsa ? 'rsa' : 'ec', bits: rsa ? (n % 77 === 0 ? 1024 : 2048) : 256, curve: rsa ? null : 'prime256v1', fingerprint, sensitive: null, extractable: null },
      certificate: {
        id: `0${String(index + 1)}`, label: name, subject: `CN=${name}.example.org,O=Example GmbH,C=DE`, issuer: 'CN=Example Issuing CA 2,O=Example GmbH,C=DE', serial: hex(`serial ${fingerprint}`).slice(0, 16),
        notBefore: time(end - 397 * DAY), notAfter: time(end), sha256: hex(`certificate ${fingerprint}`), keyFingerprint: fingerprint, matchesKey: true,
      },
      site: {
        name: `${name}.example.org`, port: index === 0 ? 443 : 8443, engine: 'mod_nss' as const, config: `/etc/apache2/sites-enabled/${name}.conf`, key: `${label}:${name}`, serving: !down,
        servedKeyFingerprint: down ? null : fingerprint, servedCertificateSha256: down ? null : hex(`certificate ${fingerprint}`), servedFromToken: down ? null : true,
        error: down ? { code: 'WEB_DOWN', message: `nothing answers on port ${index === 0 ? '443' : '8443'}` } : null,
      },
    };
  });
  return {
    host, at: time(at), disturbed: false, evidence: 'live', errors: [],
    modules: [{
      path: MODULE, realPath: `${MODULE}.2.12`, sha256: hex('module 2.12'), manufacturer: 'CardContact (www.cardcontact.de)', description: 'SmartCard-HSM with PKCS#11', version: '2.12', cryptokiVersion: '2.40', error: null,
      readOnly: {
        verdict: writable ? 'writable' : 'read_only', reason: writable ? 'a read/write session was opened' : 'a read/write session was refused: CKR_TOKEN_WRITE_PROTECTED', token: label, flagWriteProtected: !writable,
        openReadWriteSession: writable ? 'CKR_OK' : 'CKR_TOKEN_WRITE_PROTECTED', generateKeyPair: 'not tried', at: time(at),
      },
      tokens: [{
        slotId: 1, slotIndex: 0, slotDescription: `Nitrokey Nitrokey HSM (DENK01${String(n).padStart(5, '0')}) 00 00`, label, serial: `DENK01${String(n).padStart(5, '0')}`, manufacturer: 'CardContact', model: 'SmartCard-HSM',
        flags: ['LOGIN_REQUIRED', 'USER_PIN_INITIALIZED', 'TOKEN_INITIALIZED', ...(writable ? [] : ['WRITE_PROTECTED'])], pinState: n % 113 === 5 ? 'count_low' : n % 271 === 9 ? 'locked' : 'ok', loginRequired: true,
        identity: hex(`token ${host}`), keys: parts.map(({ key }) => key), certificates: parts.map(({ certificate }) => certificate),
      }],
    }],
    nssDatabases: [{ path: '/etc/apache2/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data', modules: [{ name: 'sc-hsm', library: MODULE, enabled: true }] }],
    sites: parts.map(({ site }) => site),
  };
}

/** Stamps bodies as runner and agents do: numbers count up per host, time goes on by `stepMs`. */
export function stampRun(run: string, startMs: number, stepMs: number): (host: string, body: EventBody) => RunEvent {
  const seqs = new Map<string, number>();
  let at = startMs - stepMs;
  return (host, body) => {
    at += stepMs;
    const seq = seqs.get(host) ?? 0;
    seqs.set(host, seq + 1);
    return { seq, at: time(at), run, host, ...body } as RunEvent;
  };
}

/** Inventory of all hosts but some that never answered. */
export function* madeUpInventoryRun(run: string, hosts: number, startMs: number): Generator<RunEvent> {
  const stamp = stampRun(run, startMs, 5);
  const names = Array.from({ length: hosts }, (_, n) => madeUpHost(n));
  yield stamp('', { type: 'run_started', playbook: 'playbooks/inventory.yml', user: 'anna', check: false, hosts: names, version: '0.1.0' });
  for (const [n, host] of names.entries()) {
    if (n % 61 === 60) {
      yield stamp(host, { type: 'host_unreachable', error: { code: 'UNREACHABLE', message: 'no connection to the host: connection timed out' } });
      continue;
    }
    yield stamp(host, { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] });
    yield stamp(host, { type: 'facts', facts: madeUpFacts(n) });
    yield stamp(host, { type: 'inventory', report: madeUpInventory(n, startMs) });
    yield stamp(host, { type: 'host_finished', play: 0, status: 'ok' });
  }
  yield stamp('', { type: 'run_finished', counts: {}, exitCode: 4, durationMs: 41_300 });
}

const TASKS = [
  { name: 'Read-only module, from our package', resource: 'package', file: 'playbooks/site.yml', line: 9 },
  { name: 'Module in the NSS database', resource: 'nss_module', file: 'playbooks/site.yml', line: 16 },
  { name: 'PIN file', resource: 'pin_file', file: 'playbooks/site.yml', line: 24 },
  { name: 'TLS site', resource: 'tls_site', file: 'playbooks/site.yml', line: 33 },
] as const;

const DIFF = `--- /etc/apache2/sites-enabled/shop.conf
+++ /etc/apache2/sites-enabled/shop.conf
@@ -8,9 +8,9 @@
     ServerName shop.example.org
     NSSEngine on
     NSSNickname "token:shop"
-    NSSProtocol TLSv1.0,TLSv1.1,TLSv1.2
-    NSSCipherSuite +rsa_aes_128_sha,+ecdhe_ecdsa_aes_128_gcm_sha_256
+    NSSProtocol TLSv1.2,TLSv1.3
+    NSSCipherSuite +ecdhe_ecdsa_aes_128_gcm_sha_256,+ecdhe_rsa_aes_128_gcm_sha_256
     NSSEnforceValidCerts on
 </VirtualHost>
`;

/** What a host tells while a site is rolled out: two tasks find nothing to do, one writes, the last one may fail. */
export function madeUpTasks(stamp: ReturnType<typeof stampRun>, host: string, fails: boolean): RunEvent[] {
  const events = [stamp(host, { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] })];
  for (const [index, { name, resource, file, line }] of TASKS.entries()) {
    const task = `0.t${String(index)}`;
    const changed = index === 3;
    events.push(stamp(host, { type: 'task_started', task, name, resource, handler: false }));
    events.push(stamp(host, {
      type: 'task_finished', task, name, resource, handler: false, ignored: false, durationMs: 40 + index * 230, warnings: [], position: { file, line, column: 5 },
      outcome: !changed ? 'ok' : fails ? 'failed' : 'changed',
      changes: changed ? ['write /etc/apache2/sites-enabled/shop.conf', 'restart apache2, and prove that it serves the key of the token'] : [],
      diffs: changed ? [{ path: '/etc/apache2/sites-enabled/shop.conf', unified: DIFF }] : [],
      ...(changed && fails ? { error: { code: 'WEB_ROLLED_BACK', message: 'the site did not serve within 10 s and was rolled back; it serves as before', hint: 'read the end of /var/log/apache2/error.log' } } : {}),
    }));
  }
  events.push(stamp(host, { type: 'host_finished', play: 0, status: fails ? 'failed' : 'ok', ...(fails ? { error: { code: 'WEB_ROLLED_BACK', message: 'the site did not serve within 10 s and was rolled back; it serves as before' } } : {}) }));
  return events;
}

/** The beginning of a roll-out. */
export function madeUpRollOut(stamp: ReturnType<typeof stampRun>, names: readonly string[]): RunEvent[] {
  return [
    stamp('', { type: 'run_started', playbook: 'playbooks/site.yml', user: 'anna', check: false, hosts: [...names], version: '0.1.0' }),
    stamp('', { type: 'play_started', play: 0, name: 'TLS with keys in tokens', hosts: [...names], tasks: TASKS.length }),
  ];
}

/** A measured site: two keys at rising concurrency. */
export function madeUpPoints(startMs: number): SiegePoint[] {
  const keys = [{ label: 'shop', type: 'ec', bits: 256, curve: 'prime256v1', best: 21.4 }, { label: 'api', type: 'rsa', bits: 2048, curve: null, best: 6.1 }];
  return keys.flatMap(({ best, ...key }, which) => [1, 2, 5, 10, 20, 40].map((concurrency, step): SiegePoint => {
    const rate = best * (1 - Math.exp(-concurrency / 2));
    return {
      kind: 'siege', at: time(startMs + (which * 6 + step) * 40_000), host: madeUpHost(0), driver: 'webserver', tool: 'siege 4.0.7', site: `${key.label}.example.org`, port: 443, path: '/', engine: 'mod_nss', mpm: 'prefork',
      processes: null, tlsProtocol: 'TLSv1.3', module: null, token: 'token-0001', key: { fingerprint: null, ...key }, concurrency, delayS: 0, seconds: 30, resumption: 'full', outcome: 'measured', problem: null,
      transactions: Math.round(rate * 30), successful: Math.round(rate * 30), failed: 0, availability: 100, elapsedS: 30, dataMB: 0.3, responseS: concurrency / rate, rate, throughput: 0.01,
      reachedConcurrency: concurrency * 0.98, longestS: (2 * concurrency) / rate, shortestS: 0.05, resumedShare: 0,
    };
  }));
}

/** A check of days ago: only that it was and what it counted is of interest any more. */
export function madeUpOldCheck(day: number, hosts: number, finishedMs: number, profile: CheckReport['profile']): CheckReport {
  const counts: Record<CheckOutcome, number> = {
    fail: Math.round(150 + day * 14 + 12 * Math.sin(day * 2.1)), error: 6 + (day % 4), unreachable: 96 + Math.round(30 * Math.abs(Math.sin(day))), waived: 24 + (day > 10 ? 6 : 0), not_applicable: 0, pass: 0,
  };
  counts.pass = hosts * 6 - counts.fail - counts.error - counts.unreachable - counts.waived;
  return {
    schema: 'hsmfleet.check/1', id: `old-${String(day)}`, schedule: 'nightly', profile, user: 'serve', version: '0.1.0', startedAt: time(finishedMs - 40_000), finishedAt: time(finishedMs),
    hosts: Array.from({ length: hosts }, (_, n) => madeUpHost(n)), controls: [], results: [], counts, warnings: [],
  };
}

/** Six of the controls that the shipped profile has, over what the made-up fleet tells. */
export const MADE_UP_PROFILE = `profile: hsm-webserver
title: Webservers with keys in tokens
controls:
  - id: module-read-only
    title: PKCS#11 modules are proven read-only
    why: A module that can write lets whoever has the PIN create, overwrite and delete keys.
    severity: critical
    fix: Roll out the read-only module with playbooks/site.yml; playbooks/build-module.yml builds it.
    message: "{path} is {read_only}: {read_only_reason}"
    query: select host, path, read_only, read_only_reason from modules where read_only <> 'read_only'
  - id: pin-tries
    title: No PIN try was lost
    why: Three wrong tries lock a token for good, and every key in it with it.
    severity: critical
    fix: Find out who tried a wrong PIN before anything logs in again.
    message: "{label}: {pin_state}"
    query: select host, label, pin_state from tokens where pin_state in ('count_low', 'final_try', 'locked')
  - id: certificate-days
    title: Certificates hold for more than 30 days
    why: A certificate that ends takes the site down for everybody.
    severity: high
    fix: hsmfleet token csr makes a request for the same key; the guide on preparing tokens tells how to renew.
    message: "{subject} ends in {days_left} days"
    query: select host, label, subject, not_after, days_left from certificates where days_left <= 30
  - id: rsa-bits
    title: RSA keys have 2048 bits or more
    why: Shorter keys are within reach of a determined attacker.
    severity: medium
    message: "{label} on {token} has {bits} bits"
    query: select host, token, label, bits from keys where type = 'rsa' and bits < 2048
  - id: sites-serve
    title: Every site serves
    why: A site that does not serve is down.
    severity: critical
    message: "{name}:{port} does not serve: {error}"
    query: select host, name, port, error from sites where serving = 0
  - id: nss-modules
    title: NSS databases load one module
    why: A second module is a second way to the keys.
    severity: medium
    message: "{database} loads {modules} modules"
    query: select host, database, count(*) as modules from nss_modules group by host, database having count(*) > 1
waivers:
  - controls: [certificate-days]
    hosts: "*.muc.example.org"
    reason: these sites move to Berlin before their certificates end
    owner: anna
    until: UNTIL
`;
