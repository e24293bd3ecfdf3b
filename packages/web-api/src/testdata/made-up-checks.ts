import { createHash } from 'node:crypto';
import type { CheckCounts, CheckOutcome, ControlSummary, Severity } from '@hsmfleet/contract';
import type { CheckSummary, HostDetail, HostResult } from '../schemas/index.ts';
import { madeUpNumbers } from './made-up-fleet.ts';

interface MadeUpControl {
  control: ControlSummary;
  /** Offending rows of a host. */
  find: (host: HostDetail) => { message: string; row: Record<string, string | number | null> }[];
}

const PROFILE = 'playbooks/profiles/hsm-webserver.yml';

function control(line: number, id: string, severity: Severity, title: string, why: string, fix: string | null, find: MadeUpControl['find']): MadeUpControl {
  return { control: { id, title, why, severity, fix, kind: id === 'no-drift' ? 'drift' : 'query', position: { file: PROFILE, line, column: 5 } }, find };
}

const CONTROLS: readonly MadeUpControl[] = [
  control(12, 'module-read-only', 'critical', 'PKCS#11 modules are proven read-only', 'With a writable module a leaked PIN is enough to delete or replace keys.', 'roll out the read-only build: playbooks/build-module.yml',
    ({ modules }) => modules.filter(({ readOnly }) => readOnly !== 'read_only').map((row) => ({ message: `${row.path} is ${row.readOnly}: ${row.readOnlyReason}`, row: { module: row.path, read_only: row.readOnly } }))),
  control(24, 'module-as-rolled-out', 'high', 'the module is the one that was rolled out', 'Another file under the same name may do anything with a PIN.', 'hsmfleet apply playbooks/site.yml',
    ({ modules }) => modules.filter(({ readOnly }) => readOnly === 'writable').map((row) => ({ message: `${row.path} has SHA-256 ${row.sha256?.slice(0, 12) ?? ''}…`, row: { module: row.path, sha256: row.sha256 } }))),
  control(38, 'pin-state-clean', 'critical', 'no PIN try was lost', 'Three wrong tries lock a token for good.', 'find who tried a wrong PIN before anything logs in again',
    ({ tokens }) => tokens.filter(({ pinState }) => pinState !== 'ok').map((row) => ({ message: `${row.label}: ${row.pinState}`, row: { token: row.label, pin_state: row.pinState } }))),
  control(50, 'certificate-expires', 'high', 'certificates hold for more than 30 days', 'Browsers refuse an expired certificate.', 'hsmfleet token csr, then load-cert; see docs/guide/preparing-tokens.md',
    ({ certificates }) => certificates.filter(({ daysLeft }) => daysLeft <= 30).map((row) => ({ message: `${row.subject} ends in ${String(row.daysLeft)} days`, row: { token: row.token, subject: row.subject, not_after: row.notAfter, days_left: row.daysLeft } }))),
  control(64, 'key-matches-certificate', 'high', 'each certificate is for the key beside it', 'The server would not start with it.', null,
    ({ certificates }) => certificates.filter(({ matchesKey }) => matchesKey === false).map((row) => ({ message: `${row.label} is for another key`, row: { token: row.token, id: row.id, label: row.label } }))),
  control(76, 'rsa-2048', 'medium', 'RSA keys have 2048 bits or more', 'Shorter ones can be factored.', 'make a new key: hsmfleet token keygen',
    ({ keys }) => keys.filter(({ type, bits }) => type === 'rsa' && (bits ?? 0) < 2048).map((row) => ({ message: `${row.label} has ${String(row.bits)} bits`, row: { token: row.token, id: row.id, bits: row.bits } }))),
  control(88, 'site-serves', 'critical', 'every site serves', 'A site that is down helps nobody.', null,
    ({ sites }) => sites.filter(({ serving }) => serving === false).map((row) => ({ message: `${row.name}:${String(row.port)} does not serve`, row: { site: row.name, port: row.port } }))),
  control(98, 'served-from-token', 'critical', 'the served key is on the token', 'A key in a file can be copied.', 'hsmfleet apply playbooks/site.yml --check --diff shows what differs',
    ({ sites }) => sites.filter(({ servedFromToken }) => servedFromToken === false).map((row) => ({ message: `${row.name} serves a key that no token has`, row: { site: row.name, fingerprint: row.servedKeyFingerprint } }))),
  control(110, 'token-in-manifest', 'high', 'the token is the one that was prepared', 'Somebody may have swapped it.', 'compare with its manifest',
    ({ custody }) => custody.filter(({ verdict }) => verdict !== 'proven').map((row) => ({ message: `${row.token}: no manifest tells of it`, row: { token: row.token, verdict: row.verdict } }))),
  control(122, 'nss-database-mode', 'medium', 'NSS databases belong to root and are closed to others', 'Whoever can write one can load any library into Apache.', 'hsmfleet apply playbooks/site.yml -t nss', () => []),
  control(132, 'single-nss-module', 'medium', 'an NSS database loads one module', 'A second one sees the same PIN.', null, () => []),
  control(142, 'no-drift', 'low', 'the playbook has nothing to do', 'What was changed by hand is lost at the next roll-out.', 'hsmfleet apply playbooks/site.yml', ({ summary }) =>
    summary.host.startsWith('web000') ? [{ message: 'task "TLS settings" would change 1 line of /etc/apache2/mods-enabled/nss.conf', row: { task: 'TLS settings' } }] : []),
];

const ORDER: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];

/** The worse of two outcomes. */
export function worst(outcomes: readonly CheckOutcome[]): CheckOutcome | null {
  return ORDER.find((outcome) => outcomes.includes(outcome)) ?? null;
}

/** Outcomes counted. */
export function countOutcomes(outcomes: readonly CheckOutcome[]): CheckCounts {
  const counts: CheckCounts = { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
}

/** The controls of the made-up profile. */
export const MADE_UP_CONTROLS: readonly ControlSummary[] = CONTROLS.map(({ control: summary }) => summary);

/** Results of the newest check of one host. */
export function madeUpResults(host: HostDetail, n: number, check: CheckSummary): HostResult[] {
  return CONTROLS.map(({ control: summary, find }) => {
    const findings = host.summary.state === 'never' ? [] : find(host);
    const waived = findings.length > 0 && n % 4 === 0 && summary.id !== 'pin-state-clean';
    const outcome: CheckOutcome = host.summary.state === 'never' ? 'error' : host.summary.state === 'error' ? 'unreachable'
      : summary.id.startsWith('nss-') && host.nssModules.length === 0 ? 'not_applicable' : findings.length === 0 ? 'pass' : waived ? 'waived' : 'fail';
    const shown = outcome === 'fail' || outcome === 'waived';
    return {
      check: check.id, schedule: check.schedule, profile: check.profile, control: summary.id, title: summary.title, severity: summary.severity,
      host: host.summary.host, outcome, evidenceAt: host.summary.collectedAt,
      findings: shown ? findings.map((finding) => ({ ...finding, firstSeenAt: new Date(Date.parse(check.finishedAt) - (n % 9) * 86_400_000).toISOString() })) : [],
      waiver: outcome === 'waived' ? { reason: 'renewal is under way', owner: 'anna', until: new Date(Date.parse(check.finishedAt) + 20 * 86_400_000).toISOString().slice(0, 10), expired: false } : null,
      error: outcome === 'error' ? 'there is no evidence: the host was never read' : outcome === 'unreachable' ? host.summary.problem : null,
    };
  });
}

/** Checks of the last days, the newest first, all but the newest made up from its counts. */
export function madeUpChecks(hosts: number, now: number, count: number): CheckSummary[] {
  const random = madeUpNumbers(hosts);
  return Array.from({ length: count }, (_, index) => {
    const finished = now - index * 6 * 3_600_000 - 600_000;
    const results = hosts * CONTROLS.length;
    const fail = Math.floor(results * (0.012 + 0.0006 * index + random(0.004)));
    const waived = Math.floor(results * 0.004);
    const unreachable = Math.floor(results * (0.014 + random(0.006)));
    const error = Math.floor(results * 0.01);
    const notApplicable = Math.floor(results * 0.016);
    return {
      id: createHash('sha256').update(`check ${String(index)}`).digest('hex').slice(0, 16), schedule: 'nightly', profile: 'hsm-webserver', title: 'Webservers with keys in tokens',
      startedAt: new Date(finished - 94_000).toISOString(), finishedAt: new Date(finished).toISOString(), hosts,
      counts: { fail, waived, unreachable, error, not_applicable: notApplicable, pass: results - fail - waived - unreachable - error - notApplicable },
    };
  });
}
