import { Type, type Static } from '@sinclair/typebox';
import { ErrorShape, SourcePosition } from './error.ts';

const strict = { additionalProperties: false };
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

/** How bad it is when a control is not met; SARIF and the dashboard map it to their own words. */
export const Severity = Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high'), Type.Literal('critical')]);
export type Severity = Static<typeof Severity>;

/**
 * What a control said of a host. Never folded into one another: `error` is "could not be judged", `unreachable` is "no
 * evidence, since the host did not answer", `not_applicable` is "the control is not about this host".
 */
export const CheckOutcome = Type.Union([
  Type.Literal('pass'), Type.Literal('fail'), Type.Literal('waived'), Type.Literal('error'), Type.Literal('unreachable'),
  Type.Literal('not_applicable'),
]);
export type CheckOutcome = Static<typeof CheckOutcome>;

/** A control of a profile, as a report repeats it: reports are read without the profile at hand. */
export const ControlSummary = Type.Object(
  {
    id: Type.String({ description: 'kebab-case, unique in the profile, never reused' }),
    title: Type.String({ description: 'what holds when it is met' }),
    why: Type.String({ description: 'why it matters' }),
    severity: Severity,
    fix: nullable(Type.String({ description: 'what to do about a finding' })),
    kind: Type.Union([Type.Literal('query'), Type.Literal('drift')]),
    position: SourcePosition,
  },
  strict,
);
export type ControlSummary = Static<typeof ControlSummary>;

/** A waiver that silenced a finding, or that would have if it had not expired. */
export const WaiverUse = Type.Object(
  {
    reason: Type.String(),
    owner: Type.String(),
    until: Type.String({ description: 'last day that it holds, ISO 8601 date, UTC' }),
    expired: Type.Boolean(),
    position: SourcePosition,
  },
  strict,
);
export type WaiverUse = Static<typeof WaiverUse>;

/** A cell of an offending row. */
export const FindingCell = Type.Union([Type.String(), Type.Number(), Type.Null()]);
export type FindingCell = Static<typeof FindingCell>;

/** One thing that is not as the control wants it: an offending row, or a task that has something to do. */
export const Finding = Type.Object(
  {
    key: Type.String({ description: 'equal for the same finding in later checks: hash over control, host and the row without times and ages' }),
    message: Type.String({ description: 'one sentence for people' }),
    row: Type.Record(Type.String(), FindingCell),
  },
  strict,
);
export type Finding = Static<typeof Finding>;

/** One control on one host. */
export const CheckResult = Type.Object(
  {
    control: Type.String(),
    host: Type.String(),
    outcome: CheckOutcome,
    findings: Type.Array(Finding),
    waiver: nullable(WaiverUse),
    evidenceAt: nullable(Type.String({ description: 'when what it judges was read from the host, ISO 8601; null when there is nothing' })),
    evidence: nullable(Type.Union([Type.Literal('live'), Type.Literal('passive'), Type.Literal('snapshot')], {
      description: 'live: read by this check; passive: tokens were left alone; snapshot: an older one from the store',
    })),
    error: nullable(ErrorShape),
  },
  strict,
);
export type CheckResult = Static<typeof CheckResult>;

/** Outcomes counted. */
export const CheckCounts = Type.Object(
  {
    pass: Type.Integer(), fail: Type.Integer(), waived: Type.Integer(), error: Type.Integer(), unreachable: Type.Integer(),
    not_applicable: Type.Integer(),
  },
  strict,
);
export type CheckCounts = Static<typeof CheckCounts>;

/** Everything a check found. Version 1 of the JSON report. */
export const CheckReport = Type.Object(
  {
    schema: Type.Literal('hsmfleet.check/1'),
    id: Type.String({ description: 'of the check; also the id of the run that read the hosts, when it read any' }),
    schedule: nullable(Type.String({ description: 'name of the schedule that asked for it' })),
    profile: Type.Object({ name: Type.String(), title: Type.String(), file: Type.String(), sha256: Type.String() }, strict),
    user: Type.String(),
    version: Type.String({ description: 'of hsmfleet' }),
    startedAt: Type.String({ description: 'ISO 8601' }),
    finishedAt: Type.String({ description: 'ISO 8601' }),
    hosts: Type.Array(Type.String()),
    controls: Type.Array(ControlSummary),
    results: Type.Array(CheckResult, { description: 'one per control and host' }),
    counts: CheckCounts,
    warnings: Type.Array(Type.String()),
  },
  strict,
);
export type CheckReport = Static<typeof CheckReport>;

/** Something that is not as it was at the check before: what people are told of. */
export const StateChange = Type.Object(
  {
    kind: Type.Union([
      Type.Literal('finding'), Type.Literal('resolved'), Type.Literal('host_lost'), Type.Literal('host_back'),
      Type.Literal('certificate_expires'), Type.Literal('waiver_expired'), Type.Literal('check_failed'), Type.Literal('check_recovered'),
    ]),
    key: Type.String({ description: 'what it is about: equal for a finding and its resolution' }),
    at: Type.String({ description: 'ISO 8601' }),
    check: Type.String({ description: 'id of the check that saw it' }),
    schedule: nullable(Type.String()),
    host: nullable(Type.String()),
    control: nullable(Type.String()),
    severity: nullable(Severity),
    title: Type.String({ description: 'one line for people' }),
    details: Type.Record(Type.String(), FindingCell),
  },
  strict,
);
export type StateChange = Static<typeof StateChange>;

/**
 * What a check ends with on the command line: 0 all pass, waived or not applicable; 2 findings, or something could not be judged;
 * 4 hosts did not answer and nothing worse.
 */
export function checkExitCode(counts: CheckCounts): 0 | 2 | 4 {
  if (counts.fail > 0 || counts.error > 0) return 2;
  return counts.unreachable > 0 ? 4 : 0;
}
