import type { CheckCounts, CheckOutcome, Severity } from '@hsmfleet/contract';

/** Outcomes, the worst first: what a host's several ones are summed up as. */
export const OUTCOMES: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];

/** Severities, the worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** SQL that tells the rank of an outcome, 0 being the worst. */
export const OUTCOME_RANK = `case outcome ${OUTCOMES.map((outcome, rank) => `when '${outcome}' then ${String(rank)}`).join(' ')} end`;

/** Every host that was checked, with the rank of its worst outcome and the controls that it fails, in the last checks. */
export const HOST_OUTCOMES = `select host, min(${OUTCOME_RANK}) as outcome_rank, sum(case outcome when 'fail' then 1 else 0 end) as failing
  from check_results where latest = 1 group by host`;

/** Nothing counted yet. */
export function noCounts(): CheckCounts {
  return { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
}
