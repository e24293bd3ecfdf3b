import type { CheckReport, CheckResult } from '@hsmfleet/contract';

const position = { file: 'baseline.yml', line: 1, column: 1 };

/** What one control said of one host; outcomes that have findings get one. */
export function sampleResult(control: string, host: string, outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult {
  const found = outcome === 'fail' || outcome === 'waived';
  return {
    control, host, outcome, findings: found ? [{ key: `${control}/${host}`, message: `${host} has a weak key`, row: { host, bits: 1024 } }] : [],
    waiver: outcome === 'waived' ? { reason: 'old card', owner: 'ops', until: '2026-12-31', expired: false, position } : null,
    evidenceAt: outcome === 'unreachable' ? null : '2026-01-02T09:00:00.000Z', evidence: outcome === 'unreachable' ? null : 'live', error: null, ...more,
  };
}

/** A check of the profile `baseline` by the schedule `nightly`. */
export function sampleCheck(id: string, finishedAt: string, results: CheckResult[], more: Partial<CheckReport> = {}): CheckReport {
  const counts = { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return {
    schema: 'hsmfleet.check/1', id, schedule: 'nightly', profile: { name: 'baseline', title: 'Baseline', file: 'baseline.yml', sha256: 'ab'.repeat(32) },
    user: 'anna', version: '0.1.0', startedAt: finishedAt, finishedAt, hosts: [...new Set(results.map(({ host }) => host))],
    controls: [...new Set(results.map(({ control }) => control))].map((control) => ({ id: control, title: control, why: 'because', severity: 'high', fix: null, kind: 'query', position })),
    results, counts, warnings: [], ...more,
  };
}
