import { CheckCounts, CheckOutcome, ControlSummary, FindingCell, Severity } from '@hsmfleet/contract/schemas';
import { Type, type Static } from '@sinclair/typebox';
import { literals, nullable, page, paging, strict, time } from './shape.ts';

/** A check in one line. */
export const CheckSummary = Type.Object(
  {
    id: Type.String(),
    schedule: nullable(Type.String({ description: 'that started it; null when a person did' })),
    profile: Type.String(),
    title: Type.String({ description: 'of the profile' }),
    startedAt: time('start'),
    finishedAt: time('end'),
    hosts: Type.Integer(),
    counts: CheckCounts,
  },
  strict,
);
export type CheckSummary = Static<typeof CheckSummary>;

/** GET /checks */
export const CheckList = page(CheckSummary);
export type CheckList = Static<typeof CheckList>;

/** A control with what the hosts say to it in one check. */
export const ControlState = Type.Object(
  {
    control: ControlSummary,
    schedule: nullable(Type.String()),
    profile: Type.String(),
    check: Type.String({ description: 'id of the check' }),
    finishedAt: time('end of the check'),
    counts: CheckCounts,
  },
  strict,
);
export type ControlState = Static<typeof ControlState>;

/** GET /controls: every control of the last check of each schedule and profile, the worst first. */
export const ControlList = Type.Object({ items: Type.Array(ControlState) }, strict);
export type ControlList = Static<typeof ControlList>;

/** A finding, with how long it has been there. */
export const FindingRow = Type.Object(
  {
    message: Type.String(),
    row: Type.Record(Type.String(), FindingCell, { description: 'the offending row, by column' }),
    firstSeenAt: nullable(time('first check that saw it')),
  },
  strict,
);

/** The waiver that a result stands under. */
export const ResultWaiver = Type.Object(
  { reason: Type.String(), owner: Type.String(), until: Type.String({ description: 'last day, ISO 8601 date' }), expired: Type.Boolean() },
  strict,
);

/** One control on one host. */
export const HostResult = Type.Object(
  {
    check: Type.String(),
    schedule: nullable(Type.String()),
    profile: Type.String(),
    control: Type.String({ description: 'id' }),
    title: Type.String({ description: 'of the control' }),
    severity: Severity,
    host: Type.String(),
    outcome: CheckOutcome,
    evidenceAt: nullable(time('when what it judges was read from the host')),
    findings: Type.Array(FindingRow),
    waiver: nullable(ResultWaiver),
    error: nullable(Type.String({ description: 'why it could not be judged' })),
  },
  strict,
);
export type HostResult = Static<typeof HostResult>;

/** What lists of results take. */
export const ResultsQuery = Type.Object(
  {
    outcome: Type.Optional(CheckOutcome),
    control: Type.Optional(Type.String({ maxLength: 200, description: 'id' })),
    host: Type.Optional(Type.String({ maxLength: 300 })),
    ...paging,
  },
  strict,
);
export type ResultsQuery = Static<typeof ResultsQuery>;

/** What GET /controls/:id takes. Without an outcome: all but pass and not_applicable. */
export const ControlQuery = Type.Object(
  {
    outcome: Type.Optional(Type.Union([CheckOutcome, literals('all')])),
    profile: Type.Optional(Type.String({ maxLength: 200, description: 'when several profiles have it' })),
    schedule: Type.Optional(Type.String({ maxLength: 200 })),
    ...paging,
  },
  strict,
);
export type ControlQuery = Static<typeof ControlQuery>;

/** GET /controls/:id */
export const ControlDetail = Type.Object(
  {
    control: ControlSummary,
    states: Type.Array(ControlState, { description: 'in the last check of each schedule and profile that has it' }),
    results: page(HostResult),
  },
  strict,
);
export type ControlDetail = Static<typeof ControlDetail>;

/** GET /checks/:id */
export const CheckDetail = Type.Object(
  {
    summary: CheckSummary,
    user: Type.String({ description: 'who ran it' }),
    version: Type.String({ description: 'of hsmfleet' }),
    file: Type.String({ description: 'of the profile, as it was given' }),
    sha256: Type.String({ description: 'of that file, hex' }),
    warnings: Type.Array(Type.String()),
    controls: Type.Array(ControlState, { description: 'the worst first' }),
  },
  strict,
);
export type CheckDetail = Static<typeof CheckDetail>;

/** GET /checks/:id/results */
export const ResultList = page(HostResult);
export type ResultList = Static<typeof ResultList>;
