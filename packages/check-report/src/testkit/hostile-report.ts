import type { CheckOutcome, CheckReport, CheckResult, ErrorShape, Finding, FindingCell } from '@hsmfleet/contract';
import fc from 'fast-check';
import { countOutcomes, OUTCOMES } from '../order.ts';
import { sampleReport } from './sample-report.ts';

/** Texts that mean something to one of the formats, or to what shows it. */
export const HOSTILE_TEXTS: readonly string[] = [
  '</script><script>alert(1)</script>', '<img src=x onerror=alert(1)>', '</style></head>', '<!--', '-->', ']]>', '<![CDATA[', '&amp;&#0;&#x1b;', '"><svg/onload=alert(1)>', "' onfocus='alert(1)",
  '=1+1', "=cmd|' /C calc'!A0", '+1', '-2+3', '@SUM(1)', '\t=1', '\r=1', ';=1+1', '; =1', '|=1', '\uff1d1+1', '"=1+1', '","=1',
  '{0}', '{{', '}', '[click](https://evil.example)', '\\[x\\](https://evil.example)', '](', 'SARIF_BUILDER_INVALID',
  '\u0000', '\u001b[2J\u001b]0;title\u0007', '\u009b31m', '\u202egnp.exe', '\u2066', '\ufeff', '\ud800', 'a\udfffb', '\uffff', '\ufffe', '\u{1fffe}', '\r\n', '\n\n', '\u2028', '\u0085', '\u200b',
  '__proto__', 'constructor', '', ' ', 'ü漢字🙂', 'x'.repeat(300),
];

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...HOSTILE_TEXTS), { maxLength: 4 }).map((parts) => parts.join('')) },
);
const cell: fc.Arbitrary<FindingCell> = fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null));
const finding: fc.Arbitrary<Finding> = fc.record({
  key: text, message: text,
  row: fc.array(fc.tuple(text.filter((name) => name !== '__proto__'), cell), { maxLength: 4 }).map((cells) => Object.fromEntries(cells)),
});
const error: fc.Arbitrary<ErrorShape> = fc.record({ code: text, message: text, hint: text, details: fc.record({ log_tail: text }) });

/** What a hostile host, and whoever wrote the profile, might make of a report: any text anywhere, with every outcome. */
export const hostileReport: fc.Arbitrary<CheckReport> = fc
  .record({ texts: fc.array(text, { minLength: 12, maxLength: 12 }), hosts: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }), results: fc.array(fc.tuple(fc.constantFrom(...OUTCOMES), fc.array(finding, { maxLength: 3 }), error), { minLength: 18, maxLength: 18 }) })
  .map(({ texts, hosts, results }) => {
    const sample = sampleReport();
    const say = (index: number): string => texts[index] ?? '';
    const controls = sample.controls.map((control, index) => ({
      ...control, title: say(index), why: say(index + 1), fix: say(index + 2), position: { ...control.position, file: say(index + 3) },
    }));
    const made = hosts.flatMap((host, h) => controls.map(({ id, position }, c): CheckResult => {
      const [outcome, findings, why] = results[h * controls.length + c] as [CheckOutcome, Finding[], ErrorShape];
      const found = outcome === 'fail' || outcome === 'waived';
      return {
        control: id, host, outcome, findings: found ? findings : [],
        waiver: outcome === 'waived' || (outcome === 'fail' && c % 2 === 0) ? { reason: say(7), owner: say(8), until: '2026-12-01', expired: outcome === 'fail', position } : null,
        evidenceAt: outcome === 'unreachable' ? null : sample.startedAt, evidence: outcome === 'unreachable' ? null : 'snapshot',
        error: outcome === 'error' || outcome === 'unreachable' ? why : null,
      };
    }));
    return {
      ...sample, id: say(9), schedule: say(10), profile: { ...sample.profile, title: say(11), name: say(0), file: say(1) }, user: say(2), hosts, controls, results: made,
      counts: countOutcomes(made), warnings: [say(3), say(4)],
    };
  });

/** Reports that have every hostile text as a message, a cell, a host and a waiver's reason, one after the other. */
export function reportsOfHostileTexts(): CheckReport[] {
  return HOSTILE_TEXTS.map((hostile) => {
    const sample = sampleReport();
    return {
      ...sample, hosts: [hostile], warnings: [hostile], profile: { ...sample.profile, title: hostile },
      results: sample.results.slice(0, 6).map((result) => ({
        ...result, host: hostile, waiver: result.waiver === null ? null : { ...result.waiver, reason: hostile },
        findings: result.findings.map((found) => ({ ...found, message: hostile, row: { host: hostile, label: hostile } })),
        error: result.error === null ? null : { code: 'TASK_FAILED', message: hostile, hint: hostile },
      })),
    };
  });
}
