import { createHash } from 'node:crypto';
import type { HostCertificate, HostDetail, HostSummary } from '../schemas/index.ts';

/** Numbers that look random and are the same for the same seed. */
export function madeUpNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below;
  };
}

const DAY = 86_400_000;
const MODULE = '/usr/lib/x86_64-linux-gnu/libsc-hsm-pkcs11.so';
const SITES = ['shop', 'www', 'api', 'login', 'mail', 'intranet', 'files', 'wiki', 'status', 'pay'];
const REGIONS = ['ber', 'fra', 'muc', 'ham', 'vie', 'zrh'];

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const ago = (now: number, ms: number): string => new Date(now - ms).toISOString();

/** Name of the n-th host. */
export function hostName(n: number): string {
  return `web${String(n + 1).padStart(4, '0')}.${REGIONS[n % REGIONS.length] ?? 'ber'}.example.org`;
}

/** A host as an inventory may have found it. Every 97th was never read, every 61st failed the last time, every 41st is stale. */
export function madeUpHost(n: number, now: number): HostDetail {
  const random = madeUpNumbers(n + 1);
  const host = hostName(n);
  const never = n % 97 === 96;
  const failed = !never && n % 61 === 60;
  const stale = !never && !failed && n % 41 === 40;
  const collected = never ? null : ago(now, stale ? (2 + random(9)) * DAY : random(20 * 3_600_000));
  const debian = ['11.11', '12.8', '13.1'][Math.floor(random(3))] ?? '12.8';
  const label = `token-${String(n + 1).padStart(4, '0')}`;
  const twoKeys = n % 3 === 0;
  const engine = n % 5 === 4 ? 'mod_ssl' : 'mod_nss';
  const names = [SITES[n % SITES.length] ?? 'www', ...(twoKeys ? [SITES[(n + 3) % SITES.length] ?? 'api'] : [])];
  const writable = n % 89 === 17;
  const pinState = n % 113 === 5 ? 'count_low' : n % 271 === 9 ? 'locked' : 'ok';
  const certificates = never ? [] : names.map((name, index) => madeUpCertificate({ host, label, name, index, n, now, random, port: index === 0 ? 443 : 8443 }));
  const keys = certificates.map((certificate, index) => {
    const rsa = n % 7 === 0 && index === 0;
    return {
      module: MODULE, token: label, id: certificate.id, label: certificate.label, class: 'pair', type: rsa ? 'rsa' : 'ec',
      bits: rsa ? (n % 77 === 0 ? 1024 : 2048) : 256, curve: rsa ? null : 'prime256v1', fingerprint: certificate.keyFingerprint,
      sensitive: null, extractable: null,
    };
  });
  const sites = certificates.map((certificate, index) => ({
    name: `${names[index] ?? 'www'}.example.org`, port: index === 0 ? 443 : 8443, engine,
    config: `/etc/apache2/sites-enabled/${names[index] ?? 'www'}.conf`,
    key: engine === 'mod_nss' ? `${label}:${certificate.label}` : `pkcs11:token=${label};object=${certificate.label}`,
    serving: n % 131 !== 12, servedFromToken: n % 131 === 12 ? null : n % 149 !== 3,
    servedKeyFingerprint: n % 131 === 12 ? null : certificate.keyFingerprint,
    servedCertificateSha256: n % 131 === 12 ? null : certificate.sha256,
    error: n % 131 === 12 ? 'nothing answers on port 443 (WEB_DOWN)' : null,
  }));
  const summary: HostSummary = {
    host, state: never ? 'never' : failed ? 'error' : stale ? 'stale' : 'fresh',
    problem: failed ? 'no connection to the host: connection timed out (UNREACHABLE)' : null,
    collectedAt: collected, lastSeenAt: collected, distribution: never ? null : 'Debian', distributionVersion: never ? null : debian,
    outcome: null, failing: 0, tokens: never ? 0 : 1, keys: keys.length, certificates: certificates.length,
    nextExpiry: certificates.map(({ notAfter }) => notAfter).sort()[0] ?? null,
    readOnly: never ? null : writable ? 'writable' : 'read_only', pinState: never ? null : pinState, sites: sites.length,
    sitesServing: sites.filter(({ serving }) => serving).length, lastRun: null, lastStatus: null,
  };
  return {
    summary, fqdn: never ? null : host, address: never ? null : `10.${String(n >> 8)}.${String(n & 255)}.20`,
    architecture: never ? null : 'x86_64', kernel: never ? null : '6.1.0-28-amd64', apacheService: never ? null : 'apache2',
    agent: never ? null : '0.1.0', node: never ? null : 'v24.21.0', firstSeenAt: ago(now, 90 * DAY), lastError: summary.problem,
    evidence: never ? null : n % 19 === 0 ? 'passive' : 'live', disturbed: never ? null : false,
    modules: never ? [] : [{
      path: MODULE, realPath: `${MODULE}.2.12`, sha256: hex(writable ? 'other build' : 'build'), manufacturer: 'CardContact (www.cardcontact.de)',
      description: 'SmartCard-HSM with PKCS#11', version: '2.12', cryptokiVersion: '2.40', readOnly: writable ? 'writable' : 'read_only',
      readOnlyReason: writable ? 'a read/write session was opened' : 'a read/write session was refused: CKR_TOKEN_WRITE_PROTECTED',
      readOnlyAt: collected, tokens: 1, error: null,
    }],
    tokens: never ? [] : [{
      module: MODULE, label, serial: `DENK01${String(10_000 + n)}`, manufacturer: 'CardContact', model: 'SmartCard-HSM',
      slotDescription: 'Nitrokey Nitrokey HSM (DENK0100000) 00 00', pinState,
      flags: ['LOGIN_REQUIRED', 'USER_PIN_INITIALIZED', 'TOKEN_INITIALIZED', ...(pinState === 'ok' ? [] : [pinState === 'locked' ? 'USER_PIN_LOCKED' : 'USER_PIN_COUNT_LOW'])],
      identity: hex(label), keys: keys.length, certificates: certificates.length,
    }],
    keys, certificates,
    nssModules: never || engine === 'mod_ssl' ? [] : [{
      database: '/etc/apache2/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data', name: 'sc-hsm', library: MODULE, enabled: true,
    }],
    sites,
    custody: never ? [] : [{
      token: label, verdict: n % 53 === 8 ? 'unknown' : 'proven', preparedBy: n % 53 === 8 ? null : 'anna', preparedAt: n % 53 === 8 ? null : ago(now, 120 * DAY),
      differences: [], at: collected ?? '', run: 'run-00',
    }],
    results: [], runs: [],
  };
}

function madeUpCertificate(from: { host: string; label: string; name: string; index: number; n: number; now: number; random: (below: number) => number; port: number }): HostCertificate {
  const { host, label, name, index, n, now, random, port } = from;
  const daysLeft = n % 43 === 20 ? -Math.ceil(random(12)) : n % 17 === 4 ? Math.floor(random(14)) : Math.floor(20 + random(345));
  const notAfter = now + daysLeft * DAY + Math.floor(random(DAY));
  const of = `${host}/${name}`;
  return {
    host, token: label, id: index === 0 ? '01' : '02', label: name, subject: `CN=${name}.example.org,O=Example GmbH,C=DE`,
    issuer: 'CN=Example Issuing CA 2,O=Example GmbH,C=DE', serial: hex(`serial ${of}`).slice(0, 32), notBefore: ago(notAfter, 398 * DAY),
    notAfter: new Date(notAfter).toISOString(), daysLeft: Math.floor((notAfter - now) / DAY), sha256: hex(`certificate ${of}`),
    keyFingerprint: hex(`key ${of}`), matchesKey: n % 211 !== 50, sites: [`${name}.example.org:${String(port)}`],
  };
}
