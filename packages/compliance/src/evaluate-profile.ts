import type { CheckCounts, CheckOutcome, CheckResult, ControlSummary, ErrorShape, Finding, FindingCell } from '@hsmfleet/contract';
import { findingOfRow, findingOfTask } from './finding.ts';
import type { Control, DriftEvidence, EvidenceGap, HostEvidence, ParameterValue, Profile, QueryPort, SelectHosts } from './model.ts';
import { namesIn, ParameterValues, usedParameters } from './parameters.ts';
import { Waivers } from './waivers.ts';

/** Views about what only a token can tell. */
export const TOKEN_VIEWS: readonly string[] = ['tokens', 'keys', 'certificates'];

/** Everything that a profile is judged by. */
export interface Evaluation {
  profile: Profile;
  /** Hosts that are judged, in order. */
  hosts: readonly string[];
  query: QueryPort;
  select: SelectHosts;
  /** Values of `-e`; names that are no parameters are left aside. */
  given: ReadonlyMap<string, ParameterValue>;
  evidence: ReadonlyMap<string, HostEvidence>;
  drift: DriftEvidence;
  /** Results of the check before: drift is taken from there when hosts are not asked, and what cannot be judged now stays as it was. */
  previous: ReadonlyMap<string, CheckResult>;
  now: Date;
}

/** What was judged: one result per control and host. */
export interface Evaluated {
  results: CheckResult[];
  counts: CheckCounts;
  warnings: string[];
}

/** An outcome before waivers. */
type Verdict = Pick<CheckResult, 'outcome' | 'findings' | 'evidenceAt' | 'evidence' | 'error'>;

/** Name of a result of a check among its results. */
export function resultKey(control: string, host: string): string {
  return `${control}\n${host}`;
}

/**
 * Judges hosts by the controls of a profile. A control is met where its query has no row, provided that enough is known of the
 * host; a row is a finding even where something else could not be read.
 * @throws what the query port throws
 */
export async function evaluateProfile(evaluation: Evaluation): Promise<Evaluated> {
  const { profile, hosts, select, given, now } = evaluation;
  const values = new ParameterValues(profile, select, given);
  const waivers = new Waivers(profile, select, now);
  const results: CheckResult[] = [];
  for (const control of profile.controls) {
    const applies = control.applies === undefined ? undefined : await hostsOf(control.applies, evaluation, values);
    const rows = control.query === undefined ? undefined : await rowsOf(control.query, evaluation, values);
    for (const host of hosts) {
      const verdict = judge(control, host, applies, rows?.get(host), evaluation);
      results.push(waived({ control: control.id, host, waiver: null, ...verdict }, waivers));
    }
  }
  return { results, counts: countOutcomes(results), warnings: [...values.warnings, ...waivers.warnings] };
}

function judge(control: Control, host: string, applies: ReadonlySet<string> | undefined, rows: readonly Row[] | undefined, evaluation: Evaluation): Verdict {
  const before = evaluation.previous.get(resultKey(control.id, host));
  const evidence = evaluation.evidence.get(host);
  const missing = reached(evidence);
  if (missing !== undefined) return { ...missing, findings: openBefore(before) };
  if (applies?.has(host) === false) {
    // what names the hosts may itself be unknown of this one
    const lack = lackOf(control, knowledgeFor(namesIn(control.applies ?? ''), evidence), evaluation.now);
    return lack === undefined ? plain('not_applicable', evidence) : { ...lack, findings: openBefore(before) };
  }
  const verdict = control.kind === 'drift' ? judgeDrift(control, host, before, evidence, evaluation) : judgeRows(control, host, rows ?? [], evidence, evaluation.now);
  return verdict.outcome === 'error' && verdict.findings.length === 0 ? { ...verdict, findings: openBefore(before) } : verdict;
}

/** A host that did not answer is judged by nothing. */
function reached(evidence: HostEvidence | undefined): Verdict | undefined {
  if (evidence?.reach !== 'unreachable' && evidence?.reach !== 'failed') return undefined;
  const outcome = evidence.reach === 'unreachable' ? 'unreachable' : 'error';
  return { outcome, findings: [], evidenceAt: null, evidence: null, error: evidence.error };
}

function judgeRows(control: Control, host: string, rows: readonly Row[], evidence: HostEvidence | undefined, now: Date): Verdict {
  const knowledge = knowledgeFor(namesIn(`${control.query ?? ''} ${control.applies ?? ''}`), evidence);
  const { at, kind, gap } = knowledge;
  const tooOld = lackOf(control, { ...knowledge, gap: undefined }, now);
  if (tooOld !== undefined) return tooOld;
  const findings = [...new Map(rows.map((row) => findingOfRow(control, host, row)).map((finding) => [finding.key, finding])).values()];
  const known = { evidenceAt: at, evidence: kind, findings };
  if (findings.length > 0) return { outcome: 'fail', ...known, error: null };
  return (gap === undefined ? undefined : lackOf(control, knowledge, now)) ?? { outcome: 'pass', ...known, error: null };
}

/** What is known of a host as far as some views tell of it. */
interface Knowledge {
  at: string | null;
  kind: CheckResult['evidence'];
  /** Tokens are meant, and they were left alone the last time. */
  passive: boolean;
  gap: EvidenceGap | undefined;
}

function knowledgeFor(names: ReadonlySet<string>, evidence: HostEvidence | undefined): Knowledge {
  const passive = evidence?.kind === 'passive' && TOKEN_VIEWS.some((view) => names.has(view));
  const at = (passive ? evidence.tokensReadAt : evidence?.collectedAt) ?? null;
  const kind = at === null ? null : passive || evidence?.reach === 'snapshot' ? 'snapshot' : (evidence?.kind ?? null);
  return { at, kind, passive, gap: evidence?.gaps.find(({ views }) => views === 'all' || views.some((view) => names.has(view))) };
}

/** Why what is known is not enough to judge by; undefined when it is. */
function lackOf(control: Control, { at, kind, passive, gap }: Knowledge, now: Date): Verdict | undefined {
  const known = { evidenceAt: at, evidence: kind };
  if (at === null) {
    return lacking(known, passive ? 'its tokens were left alone, and no earlier look at them is known' : 'there is no inventory of it', 'run the check without --from-snapshot, or hsmfleet inventory');
  }
  const ageHours = (now.getTime() - Date.parse(at)) / 3_600_000;
  if (ageHours > control.maxAgeHours) {
    return lacking(known, `what is known of ${passive ? 'its tokens' : 'it'} is ${age(ageHours)} old, and the control takes ${age(control.maxAgeHours)} at most`, 'run the check without --from-snapshot');
  }
  return gap === undefined ? undefined : lacking(known, `its inventory is incomplete: ${gap.problem}`, 'hsmfleet inventory shows more; whether the control is met is not known');
}

function lacking(known: Pick<Verdict, 'evidenceAt' | 'evidence'>, why: string, hint: string): Verdict {
  return { outcome: 'error', findings: [], evidenceAt: known.evidenceAt, evidence: known.evidence, error: { code: 'EVIDENCE_MISSING', message: why, hint } };
}

function judgeDrift(control: Control, host: string, before: CheckResult | undefined, evidence: HostEvidence | undefined, { drift, now }: Evaluation): Verdict {
  const asked = drift.get(control.playbook ?? '');
  if (evidence?.reach === 'snapshot' && asked === undefined) return driftOfBefore(control, before, now);
  const found = asked?.get(host);
  if (found === undefined) {
    return asked === undefined
      ? lacking({ evidenceAt: null, evidence: null }, 'the playbook was not run', 'run the check without --from-snapshot')
      : plain('not_applicable', evidence);
  }
  const known = { evidenceAt: found.at, evidence: 'live' as const };
  const tasks = found.tasks.filter(({ name }) => control.tasks?.includes(name) !== false);
  const findings = tasks.filter(({ outcome }) => outcome === 'changed').map((task) => findingOfTask(control, host, task));
  if (findings.length > 0) return { outcome: 'fail', ...known, findings, error: null };
  const failed = tasks.find(({ error }) => error !== null)?.error ?? undefined;
  const names = control.tasks;
  const complete = found.error === null || (names !== undefined && names.every((name) => tasks.some((task) => task.name === name)));
  const error: ErrorShape | null = failed ?? (complete ? null : found.error);
  if (error !== null) return { outcome: 'error', ...known, findings: [], error };
  if (tasks.length === 0 && names !== undefined) {
    return { outcome: 'error', ...known, findings: [], error: { code: 'PROFILE_INVALID', message: `the playbook has no task called ${names.map((name) => `"${name}"`).join(' or ')} for this host`, position: control.position } };
  }
  if (tasks.every(({ outcome }) => outcome === 'skipped')) return { outcome: 'not_applicable', ...known, findings: [], error: null };
  return { outcome: 'pass', ...known, findings: [], error: null };
}

/** Hosts were not asked: the check before may have been young enough. */
function driftOfBefore(control: Control, before: CheckResult | undefined, now: Date): Verdict {
  const at = before?.evidenceAt ?? null;
  const hint = 'run the check without --from-snapshot';
  if (before === undefined || at === null || before.outcome === 'error' || before.outcome === 'unreachable') {
    return lacking({ evidenceAt: null, evidence: null }, 'a playbook can only be held against a host that is asked, and no earlier check did', hint);
  }
  const ageHours = (now.getTime() - Date.parse(at)) / 3_600_000;
  if (ageHours > control.maxAgeHours) return lacking({ evidenceAt: at, evidence: 'snapshot' }, `the playbook was held against it ${age(ageHours)} ago, and the control takes ${age(control.maxAgeHours)} at most`, hint);
  return { outcome: before.outcome === 'waived' ? 'fail' : before.outcome, findings: before.findings, evidenceAt: at, evidence: 'snapshot', error: null };
}

function plain(outcome: CheckOutcome, evidence: HostEvidence | undefined): Verdict {
  const at = evidence?.collectedAt ?? null;
  return { outcome, findings: [], evidenceAt: at, evidence: at === null ? null : evidence?.reach === 'snapshot' ? 'snapshot' : (evidence?.kind ?? null), error: null };
}

/** What was open at the check before: nobody knows that it is gone. */
function openBefore(before: CheckResult | undefined): Finding[] {
  return before === undefined || before.outcome === 'pass' || before.outcome === 'not_applicable' || before.outcome === 'waived' ? [] : before.findings;
}

function waived(result: CheckResult, waivers: Waivers): CheckResult {
  if (result.outcome !== 'fail') return result;
  const waiver = waivers.for(result.control, result.host);
  return waiver === null ? result : { ...result, waiver, outcome: waiver.expired ? 'fail' : 'waived' };
}

type Row = Record<string, FindingCell>;

async function rowsOf(sql: string, { hosts, query }: Evaluation, values: ParameterValues): Promise<Map<string, Row[]>> {
  const rows = new Map<string, Row[]>();
  for (const group of values.groups(usedParameters(sql), hosts)) {
    const wanted = new Set(group.hosts);
    for (const row of await query(sql, group.values)) {
      const host = String(row.host);
      if (!wanted.has(host)) continue;
      const known = rows.get(host);
      if (known === undefined) rows.set(host, [row]);
      else known.push(row);
    }
  }
  return rows;
}

async function hostsOf(sql: string, evaluation: Evaluation, values: ParameterValues): Promise<ReadonlySet<string>> {
  return new Set((await rowsOf(sql, evaluation, values)).keys());
}

/** Counts results by outcome. */
export function countOutcomes(results: readonly CheckResult[]): CheckCounts {
  const counts: CheckCounts = { pass: 0, fail: 0, waived: 0, error: 0, unreachable: 0, not_applicable: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}

/** What a report repeats of a control. */
export function summaryOf({ id, title, why, severity, fix, kind, position }: Control): ControlSummary {
  return { id, title, why, severity, fix, kind, position };
}

function age(hours: number): string {
  if (hours < 1) return `${String(Math.round(hours * 60))} min`;
  return hours < 48 ? `${String(Math.round(hours))} h` : `${String(Math.round(hours / 24))} days`;
}
