import type { CheckOutcome, CheckReport, CheckResult } from '@hsmfleet/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crossed, diffChecks, EXPIRY_DAYS } from './diff-checks.ts';
import { countOutcomes } from './evaluate-profile.ts';

const position = { file: 'p.yml', line: 1, column: 1 };
const finding = (key: string) => ({ key, message: `about ${key}`, row: { key } });

function result(host: string, outcome: CheckOutcome, keys: string[] = [], given: Partial<CheckResult> = {}): CheckResult {
  return { control: 'c', host, outcome, findings: keys.map(finding), waiver: null, evidenceAt: null, evidence: null, error: null, ...given };
}
function report(results: CheckResult[], finishedAt = '2026-03-10T12:00:00.000Z'): CheckReport {
  return {
    schema: 'hsmfleet.check/1', id: 'now', schedule: 's', profile: { name: 'p', title: 'P', file: 'p.yml', sha256: '' }, user: 'u', version: '1',
    startedAt: finishedAt, finishedAt, hosts: [...new Set(results.map(({ host }) => host))],
    controls: [{ id: 'c', title: 'C', why: 'w', severity: 'high', fix: null, kind: 'query', position }], results, counts: countOutcomes(results), warnings: [],
  };
}
const kinds = (before: CheckReport | undefined, now: CheckReport): string[] => diffChecks(before, now, []).map(({ kind, key }) => `${kind} ${key}`);

test('the first check tells all that is open', () => {
  const changes = diffChecks(undefined, report([result('a', 'fail', ['x', 'y']), result('b', 'pass'), result('c', 'waived', ['z'])]), []);
  expect(changes).toMatchObject([
    { kind: 'finding', key: 'x', host: 'a', control: 'c', severity: 'high', check: 'now', schedule: 's', title: 'a: not met: C: about x', details: { key: 'x' } },
    { kind: 'finding', key: 'y' },
  ]);
});

test('a finding is told once, and once when it is gone', () => {
  const bad = report([result('a', 'fail', ['x'])]);
  expect(kinds(bad, report([result('a', 'fail', ['x'])]))).toEqual([]);
  expect(kinds(bad, report([result('a', 'fail', ['y'])]))).toEqual(['resolved x', 'finding y']);
  expect(kinds(bad, report([result('a', 'pass')]))).toEqual(['resolved x']);
});

test('a host that is lost keeps its findings, and is told once', () => {
  const bad = report([result('a', 'fail', ['x'])]);
  const lost = report([result('a', 'unreachable', ['x'], { error: { code: 'UNREACHABLE', message: 'no route' } })]);
  expect(kinds(bad, lost)).toEqual(['host_lost host:a']);
  expect(kinds(lost, lost)).toEqual([]);
  expect(kinds(lost, bad)).toEqual(['host_back host:a']);
  expect(kinds(lost, report([result('a', 'pass')]))).toEqual(['resolved x', 'host_back host:a']);
});

test('a waiver resolves a finding, and its end brings it back and says so', () => {
  const waiver = { reason: 'r', owner: 'o', until: '2026-03-09', expired: false, position };
  const bad = report([result('a', 'fail', ['x'])]);
  const waived = report([result('a', 'waived', ['x'], { waiver })]);
  const expired = report([result('a', 'fail', ['x'], { waiver: { ...waiver, expired: true } })]);
  expect(diffChecks(bad, waived, [])).toMatchObject([{ kind: 'resolved', title: 'a: resolved: C: about x (waived until 2026-03-09 by o)' }]);
  expect(kinds(waived, expired)).toEqual(['waiver_expired waiver:c:a:2026-03-09', 'finding x']);
  expect(kinds(expired, expired)).toEqual([]);
});

test('hosts that a check was not about are left aside', () => {
  expect(kinds(report([result('a', 'fail', ['x']), result('b', 'pass')]), report([result('b', 'pass')]))).toEqual([]);
});

test('findings of a control that the profile has no more are resolved', () => {
  const now = { ...report([result('a', 'pass', [], { control: 'd' })]), controls: [] };
  expect(kinds(report([result('a', 'fail', ['x'])]), now)).toEqual(['resolved x']);
});

test('a certificate is told of when it crosses a number of days, once', () => {
  const certificate = { host: 'a', sha256: 'ff', subject: 'CN=a', notAfter: '2026-03-25T00:00:00Z' };
  const at = (day: string): CheckReport => report([result('a', 'pass')], `${day}T12:00:00.000Z`);
  const told = (before: CheckReport | undefined, now: CheckReport) => diffChecks(before, now, [certificate, { ...certificate }, { ...certificate, host: 'z' }]).map(({ kind, details, severity }) => [kind, details.days, severity]);
  expect(told(undefined, at('2026-03-01'))).toEqual([['certificate_expires', 30, 'medium']]);
  expect(told(at('2026-03-01'), at('2026-03-02'))).toEqual([]);
  expect(told(at('2026-03-10'), at('2026-03-11'))).toEqual([['certificate_expires', 14, 'medium']]);
  expect(told(at('2026-03-10'), at('2026-03-20'))).toEqual([['certificate_expires', 7, 'high']]);
  expect(told(at('2026-03-20'), at('2026-03-24'))).toEqual([['certificate_expires', 1, 'critical']]);
});

test('however often checks run, each number of days is crossed at most once, and the last one never missed', () => {
  const end = Date.parse('2026-06-01T00:00:00Z');
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 60 * 24 }), { minLength: 2, maxLength: 40 }), (hoursBefore) => {
    const times = [...hoursBefore].sort((a, b) => b - a).map((hours) => new Date(end - hours * 3_600_000).toISOString());
    const told = times.map((now, index) => crossed(new Date(end).toISOString(), times[index - 1], now)).filter((days) => days !== undefined);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual([...told].sort((a, b) => b - a));
    const left = Math.min(...hoursBefore) / 24;
    const due = EXPIRY_DAYS.filter((days) => left <= days).at(-1);
    expect(told.at(-1)).toBe(due);
  }));
});
