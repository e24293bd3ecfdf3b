import type { CheckCounts, CheckOutcome, Severity } from '@hsmfleet/contract';

/** Worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** Outcomes in the order in which they are shown: what needs somebody's attention first. */
export const OUTCOMES: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];

/** Outcomes as people read them. */
export const OUTCOME_WORDS: Readonly<Record<CheckOutcome, string>> = {
  fail: 'fail', error: 'error', unreachable: 'unreachable', waived: 'waived', pass: 'pass', not_applicable: 'not applicable',
};

/** Sorts worst severity first. */
export function compareSeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
}

/** Outcomes of some results counted, none folded into another. */
export function countOutcomes(results: readonly { outcome: CheckOutcome }[]): CheckCounts {
  const counts: CheckCounts = { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}
