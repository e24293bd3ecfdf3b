import type { CheckReport, CheckResult, ControlSummary, Finding, FindingCell, WaiverUse } from '@hsmfleet/contract';
import { countOutcomes } from '../order.ts';

const FILE = 'playbooks/profiles/hsm-webserver.yml';
const HOSTS = ['web01', 'web02', 'web03', 'web04', 'web05'];

function control(id: string, severity: ControlSummary['severity'], title: string, why: string, line: number, fix: string | null = null): ControlSummary {
  return { id, severity, title, why, fix, kind: id.startsWith('drift') ? 'drift' : 'query', position: { file: FILE, line, column: 5 } };
}

const CONTROLS: ControlSummary[] = [
  control('module-read-only', 'critical', 'the PKCS#11 module is proven read-only', 'with a writable module a leaked PIN is enough to delete the keys of a webserver', 12, 'hsmfleet apply playbooks/site.yml --tags module'),
  control('pin-state', 'critical', 'no PIN try was lost', 'three wrong tries lock a token, and with it every site of its host', 24),
  control('certificate-expiry', 'high', 'certificates hold for more than 30 days', 'a renewal needs somebody at the station, who needs time', 36, 'renew them: docs/guide/preparing-tokens.md'),
  control('no-weak-rsa', 'medium', 'no RSA key is shorter than 2048 bits', 'shorter keys are no longer accepted by browsers', 48),
  control('drift-site', 'low', 'hosts are as the playbook wants them', 'what differs was changed by hand, or never rolled out', 60),
  control('nss-mode', 'low', 'the NSS database belongs to root', 'whoever may write it chooses the module that gets the PIN', 72),
];

function finding(key: string, message: string, row: Record<string, FindingCell>): Finding {
  return { key, message, row };
}

function waiver(expired: boolean): WaiverUse {
  return {
    reason: expired ? 'the old shop was to be shut down in spring' : 'replaced together with the card, ordered on 10 November',
    owner: 'it-security', until: expired ? '2026-05-31' : '2026-12-01', expired, position: { file: FILE, line: 90, column: 3 },
  };
}

function result(controlId: string, host: string, changes: Partial<CheckResult> = {}): CheckResult {
  return {
    control: controlId, host, outcome: 'pass', findings: [], waiver: null, evidenceAt: '2026-11-24T14:00:20.000Z', evidence: 'live', error: null, ...changes,
  };
}

function resultsOf(host: string): CheckResult[] {
  if (host === 'web05') {
    const error = { code: 'UNREACHABLE', message: 'no connection to web05:22: connection refused', hint: 'is sshd running there?', host };
    return CONTROLS.map(({ id }) => result(id, host, { outcome: 'unreachable', evidence: null, evidenceAt: null, error }));
  }
  const old = host === 'web03' ? { evidence: 'snapshot' as const, evidenceAt: '2026-11-21T09:00:00.000Z' } : {};
  const module = host === 'web01' || host === 'web02' || host === 'web03'
    ? { outcome: 'fail' as const, findings: [finding(`module-${host}`, 'module /usr/lib/opensc-pkcs11.so answers C_CreateObject', { host, path: '/usr/lib/opensc-pkcs11.so', provider: 'mod_nss' })] }
    : {};
  const expiry = host === 'web01' || host === 'web04'
    ? { outcome: 'fail' as const, findings: [finding(`expiry-${host}`, 'the certificate expires too soon', { host, nickname: `shop-${host}`, days_left: host === 'web01' ? 3 : 11, not_after: '2026-11-27T00:00:00Z' })] }
    : {};
  const weak = host === 'web02'
    ? { outcome: 'waived' as const, waiver: waiver(false), findings: [finding('weak-web02', 'RSA key "legacy" has 1024 bits', { host, label: 'legacy', bits: 1024, token: 'web02' })] }
    : host === 'web04'
      ? { outcome: 'fail' as const, waiver: waiver(true), findings: [finding('weak-web04', 'RSA key "shop" has 1024 bits', { host, label: 'shop', bits: 1024, token: 'web04' })] }
      : {};
  const drift = host === 'web04' ? { outcome: 'error' as const, error: { code: 'HOST_BUSY', message: 'another run holds the host lock', hint: 'wait for it, or look at hsmfleet query' } } : {};
  return [
    result('module-read-only', host, { ...module, ...old }), result('pin-state', host, { evidence: 'passive', ...old }), result('certificate-expiry', host, { ...expiry, ...old }),
    result('no-weak-rsa', host, { ...weak, ...old }), result('drift-site', host, drift), result('nss-mode', host, { outcome: 'not_applicable' }),
  ];
}

/** A check with every outcome, severities of every kind, a waiver that holds and one that expired, and evidence of all ages. */
export function sampleReport(): CheckReport {
  const results = HOSTS.flatMap(resultsOf);
  return {
    schema: 'hsmfleet.check/1', id: '20261124T140000Z-5f3a', schedule: 'hourly',
    profile: { name: 'hsm-webserver', title: 'Webservers with keys in tokens', file: FILE, sha256: 'c0ffee'.padEnd(64, '0') },
    user: 'auditor', version: '0.1.0', startedAt: '2026-11-24T14:00:00.000Z', finishedAt: '2026-11-24T14:00:23.000Z',
    hosts: HOSTS, controls: CONTROLS, results, counts: countOutcomes(results),
    warnings: ['web03 was not read by this check: its last snapshot is 3 days old'],
  };
}

/** The sample's hosts and controls with nothing but passes. */
export function passingReport(): CheckReport {
  const results = HOSTS.flatMap((host) => CONTROLS.map(({ id }) => result(id, host)));
  return { ...sampleReport(), results, counts: countOutcomes(results), warnings: [] };
}

/** Many hosts with one finding in common, and as many that do not answer for one reason. */
export function wideReport(size: number): CheckReport {
  const [first] = CONTROLS as [ControlSummary];
  const names = (prefix: string): string[] => Array.from({ length: size }, (_, index) => `${prefix}${String(index)}`);
  const results = [
    ...names('host').map((host) => result(first.id, host, {
      outcome: 'fail', findings: [finding(`module-${host}`, `module of ${host} answers C_CreateObject`, { host, path: '/usr/lib/opensc-pkcs11.so' })],
    })),
    ...names('silent').map((host) => result(first.id, host, {
      outcome: 'unreachable', evidence: null, evidenceAt: null, error: { code: 'UNREACHABLE', message: `no connection to ${host}:22: connection refused`, host },
    })),
  ];
  return { ...sampleReport(), hosts: results.map(({ host }) => host), controls: [first], results, counts: countOutcomes(results), warnings: [] };
}
