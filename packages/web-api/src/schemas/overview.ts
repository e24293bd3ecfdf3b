import { CheckCounts, Severity } from '@hsmfleet/contract/schemas';
import { Type, type Static } from '@sinclair/typebox';
import { CheckSummary } from './checks.ts';
import { RunSummary } from './runs.ts';
import { literals, nullable, strict, time } from './shape.ts';

/** How many hosts, by how much their newest inventory can be relied on, and what they have. */
export const FleetCounts = Type.Object(
  {
    hosts: Type.Integer(),
    fresh: Type.Integer({ description: 'inventory younger than a day and complete' }),
    stale: Type.Integer({ description: 'inventory older than a day' }),
    error: Type.Integer({ description: 'the last try to read the host failed or was incomplete' }),
    never: Type.Integer({ description: 'never read' }),
    modules: Type.Integer({ description: 'PKCS#11 libraries' }),
    writableModules: Type.Integer({ description: 'of them, not proven read-only: writable, or unproven' }),
    tokens: Type.Integer(),
    pinTrouble: Type.Integer({ description: 'tokens whose PIN state is count_low, final_try or locked' }),
    keys: Type.Integer(),
    sites: Type.Integer(),
    sitesDown: Type.Integer({ description: 'sites that did not serve when they were looked at' }),
  },
  strict,
);

/** Certificates by how long they still hold, in whole days. Every certificate is in exactly one of them. */
export const ExpiryCounts = Type.Object(
  {
    expired: Type.Integer({ description: 'over' }),
    week: Type.Integer({ description: 'within 7 days' }),
    month: Type.Integer({ description: '8 to 30 days' }),
    quarter: Type.Integer({ description: '31 to 90 days' }),
    later: Type.Integer({ description: 'more than 90 days' }),
  },
  strict,
);

/** Outcomes over time of one profile as one schedule checks it. */
export const OutcomeSeries = Type.Object(
  {
    schedule: nullable(Type.String({ description: 'null: checks that a person started' })),
    profile: Type.String(),
    title: Type.String({ description: 'of the profile' }),
    points: Type.Array(Type.Object({ check: Type.String(), at: time('end of the check'), hosts: Type.Integer(), counts: CheckCounts }, strict), {
      description: 'oldest first, 200 at most: the newest ones',
    }),
  },
  strict,
);
export type OutcomeSeries = Static<typeof OutcomeSeries>;

/** A finding that came or went. */
export const FindingChange = Type.Object(
  {
    kind: literals('finding', 'resolved'),
    at: time('when it was first seen, or when it was seen to be gone'),
    host: Type.String(),
    control: Type.String(),
    severity: Severity,
    message: Type.String(),
  },
  strict,
);

/** A control that some hosts do not meet. */
export const FailingControl = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    severity: Severity,
    schedule: nullable(Type.String()),
    profile: Type.String(),
    check: Type.String(),
    counts: CheckCounts,
  },
  strict,
);

/** GET /overview */
export const Overview = Type.Object(
  {
    at: time('when this was put together'),
    version: Type.String({ description: 'of hsmfleet' }),
    fleet: FleetCounts,
    hostOutcomes: Type.Object({ ...CheckCounts.properties, unchecked: Type.Integer({ description: 'hosts that no check has looked at' }) }, {
      ...strict,
      description: 'every host once, by the worst outcome in the last check of each schedule and profile: fail, error, unreachable, waived, pass, not_applicable, in this order',
    }),
    certificates: ExpiryCounts,
    checks: Type.Array(CheckSummary, { description: 'the last check of each schedule and profile' }),
    history: Type.Array(OutcomeSeries),
    failingControls: Type.Array(FailingControl, { description: 'the ten worst: by severity, then by hosts' }),
    changes: Type.Array(FindingChange, { description: 'the ten newest' }),
    runs: Type.Array(RunSummary, { description: 'the five newest' }),
  },
  strict,
);
export type Overview = Static<typeof Overview>;
