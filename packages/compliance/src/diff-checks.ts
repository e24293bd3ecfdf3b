import type { CheckReport, CheckResult, ControlSummary, Finding, Severity, StateChange } from '@hsmfleet/contract';
import { resultKey } from './evaluate-profile.ts';
import type { ExpiringCertificate } from './model.ts';

/** Days before the end of a certificate at which people are told, once each. */
export const EXPIRY_DAYS: readonly number[] = [30, 14, 7, 1];

const DAY_MS = 86_400_000;

/**
 * What is not as it was at the check before. A finding that cannot be judged now is neither new nor resolved. Hosts that one of
 * the two was not about are left aside, and so is a certificate that crossed nothing since.
 * @param previous the last check of the same schedule and profile; undefined for the first: then all that is open is new
 */
export function diffChecks(previous: CheckReport | undefined, current: CheckReport, certificates: readonly ExpiringCertificate[]): StateChange[] {
  const at = current.finishedAt;
  const base = { at, check: current.id, schedule: current.schedule };
  return [
    ...findingChanges(previous, current),
    ...hostChanges(previous, current),
    ...expiryChanges(previous?.finishedAt, current, certificates),
  ].map((change) => ({ ...base, ...change }));
}

type Change = Omit<StateChange, 'at' | 'check' | 'schedule'>;

function findingChanges(previous: CheckReport | undefined, current: CheckReport): Change[] {
  const controls = new Map([...(previous?.controls ?? []), ...current.controls].map((control) => [control.id, control]));
  const before = new Map((previous?.results ?? []).map((result) => [resultKey(result.control, result.host), result]));
  const hosts = new Set(current.hosts);
  const changes: Change[] = [];
  for (const result of current.results) {
    const was = before.get(resultKey(result.control, result.host));
    before.delete(resultKey(result.control, result.host));
    const control = controls.get(result.control);
    if (control !== undefined) changes.push(...resultChanges(control, was, result));
  }
  // controls that the profile has no more
  for (const was of before.values()) {
    const control = controls.get(was.control);
    if (control === undefined || !hosts.has(was.host)) continue;
    changes.push(...openOf(was).map((finding) => resolved(control, was.host, finding, 'the profile has the control no more')));
  }
  return changes;
}

function resultChanges(control: ControlSummary, was: CheckResult | undefined, result: CheckResult): Change[] {
  const open = openOf(result);
  const openBefore = was === undefined ? [] : openOf(was);
  const keys = new Set(open.map(({ key }) => key));
  const keysBefore = new Set(openBefore.map(({ key }) => key));
  const gone = openBefore.filter(({ key }) => !keys.has(key));
  const found = open.filter(({ key }) => !keysBefore.has(key));
  const why = result.outcome === 'waived' ? `waived until ${result.waiver?.until ?? ''} by ${result.waiver?.owner ?? ''}` : '';
  return [
    ...gone.map((finding) => resolved(control, result.host, finding, why)),
    ...(was?.outcome === 'waived' && result.outcome === 'fail' && result.waiver?.expired === true ? [waiverExpired(control, result)] : []),
    ...found.map((finding) => newFinding(control, result.host, finding)),
  ];
}

/** Findings that count: those of a host that cannot be judged now are still what they were. */
function openOf({ outcome, findings }: CheckResult): Finding[] {
  return outcome === 'fail' || outcome === 'error' || outcome === 'unreachable' ? findings : [];
}

function newFinding(control: ControlSummary, host: string, finding: Finding): Change {
  return {
    kind: 'finding', key: finding.key, host, control: control.id, severity: control.severity,
    title: `${host}: not met: ${control.title}: ${finding.message}`, details: finding.row,
  };
}

function resolved(control: ControlSummary, host: string, finding: Finding, why: string): Change {
  return {
    kind: 'resolved', key: finding.key, host, control: control.id, severity: control.severity,
    title: `${host}: resolved: ${control.title}: ${finding.message}${why === '' ? '' : ` (${why})`}`, details: finding.row,
  };
}

function waiverExpired(control: ControlSummary, { host, waiver }: CheckResult): Change {
  const { until = '', owner = '', reason = '' } = waiver ?? {};
  return {
    kind: 'waiver_expired', key: `waiver:${control.id}:${host}:${until}`, host, control: control.id, severity: control.severity,
    title: `${host}: the waiver of "${control.title}" held until ${until}`, details: { until, owner, reason },
  };
}

function hostChanges(previous: CheckReport | undefined, current: CheckReport): Change[] {
  const lostBefore = lostHosts(previous);
  const lost = lostHosts(current);
  const known = new Set(previous?.hosts ?? []);
  const change = (kind: 'host_lost' | 'host_back', host: string, severity: Severity | null, title: string, details: Change['details']): Change =>
    ({ kind, key: `host:${host}`, host, control: null, severity, title, details });
  return current.hosts.flatMap((host) => {
    const error = lost.get(host);
    if (error !== undefined && !lostBefore.has(host)) return [change('host_lost', host, 'high', `${host}: does not answer: ${error}`, { error })];
    if (error === undefined && lostBefore.has(host) && known.has(host)) return [change('host_back', host, null, `${host}: answers again`, {})];
    return [];
  });
}

function lostHosts(report: CheckReport | undefined): Map<string, string> {
  return new Map((report?.results ?? []).filter(({ outcome }) => outcome === 'unreachable').map(({ host, error }) => [host, error?.message ?? 'no answer']));
}

function expiryChanges(since: string | undefined, current: CheckReport, certificates: readonly ExpiringCertificate[]): Change[] {
  const hosts = new Set(current.hosts);
  const seen = new Set<string>();
  return certificates.flatMap((certificate) => {
    const { host, sha256, notAfter, subject } = certificate;
    const id = `${sha256}\n${host}`;
    if (!hosts.has(host) || seen.has(id)) return [];
    seen.add(id);
    const days = crossed(notAfter, since, current.finishedAt);
    if (days === undefined) return [];
    const severity: Severity = days <= 1 ? 'critical' : days <= 7 ? 'high' : 'medium';
    return [{
      kind: 'certificate_expires' as const, key: `certificate:${sha256}:${host}:${String(days)}`, host, control: null, severity,
      title: `${host}: the certificate of ${subject} ends within ${days === 1 ? 'a day' : `${String(days)} days`}, at ${notAfter}`,
      details: { subject, notAfter, sha256, days },
    }];
  });
}

/**
 * The least number of {@link EXPIRY_DAYS} that was crossed between two times.
 * @param since undefined: from the beginning
 */
export function crossed(notAfter: string, since: string | undefined, now: string): number | undefined {
  const left = (at: string): number => (Date.parse(notAfter) - Date.parse(at)) / DAY_MS;
  const before = since === undefined ? Infinity : left(since);
  return EXPIRY_DAYS.filter((days) => left(now) <= days && before > days).at(-1);
}
