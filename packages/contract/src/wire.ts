import { Type, type Static } from '@sinclair/typebox';
import { ErrorShape } from './error.ts';
import { Diff, RunEvent, TaskOutcome } from './event.ts';
import { Plan, PlannedTask, Sha256 } from './plan.ts';

const strict = { additionalProperties: false };
const frame = <N extends string, P extends Parameters<typeof Type.Object>[0]>(type: N, properties: P) =>
  Type.Object({ type: Type.Literal(type), ...properties }, strict);

const secrets = Type.Record(Type.String(), Type.Object({ value: Type.String(), origin: Type.String() }, strict), { description: 'never journaled' });

/** What a host that has a run_once task run by another one learns of it. */
const OnceOutcome = {
  outcome: TaskOutcome,
  ignored: Type.Boolean(),
  result: Type.Unknown({ description: 'what `register` sees, redacted' }),
  vars: Type.Unknown({ description: 'wire value: variables that the task set' }),
  secrets,
};

/** What came of a task that another host did. */
export const DelegatedReport = Type.Object(
  {
    outcome: TaskOutcome,
    changes: Type.Array(Type.String()),
    warnings: Type.Array(Type.String()),
    diffs: Type.Array(Diff),
    message: Type.Optional(Type.String()),
    error: Type.Optional(ErrorShape),
    unreachable: Type.Optional(Type.Boolean({ description: 'the host was not reached: nothing was done there' })),
    result: Type.Unknown({ description: 'redacted' }),
  },
  strict,
);
export type DelegatedReport = Static<typeof DelegatedReport>;

/**
 * Control host to agent. One channel serves all plays of a run: a plan per play, answered by `done`, and `bye` at the
 * end. `plan` is sent right after the exec, before any hello.
 */
export const ControlFrame = Type.Union([
  frame('plan', { plan: Plan, resume: Type.Optional(Type.Boolean({ description: 'go on where an earlier agent of this run was stopped or killed in the middle of the play' })) }),
  /** Announces `size` bytes that follow as binary frames for the blob. */
  frame('blob', { sha256: Sha256, size: Type.Integer({ minimum: 0 }) }),
  /** Asks for the bytes of a package that was told of in an `artifact` event of this run; answered by `blob` and its bytes, or `blob_failed`. */
  frame('fetch_blob', { sha256: Sha256 }),
  /** Read on from a run that goes on, or has ended, on the host. */
  frame('attach', { run: Type.String(), afterSeq: Type.Integer({ minimum: -1 }) }),
  /** A batch is settled: what the play changed of the web server is put back (`why` says for what reason), or what was kept for that is forgotten. Answered by `undone`. */
  frame('undo_web', { run: Type.String(), user: Type.String(), host: Type.String(), play: Type.Integer(), why: Type.Optional(Type.String()) }),
  /** Asks the agent of a run, whichever process it is, to stop after its current task; `attach` tells what becomes of it. */
  frame('cancel_run', { run: Type.String(), by: Type.String(), reason: Type.String() }),
  frame('pin_reply', {
    request: Type.Integer(),
    decision: Type.Union([Type.Literal('go'), Type.Literal('refused')]),
    reason: Type.Optional(Type.String()),
  }),
  frame('custody_reply', { request: Type.Integer(), go: Type.Boolean(), reason: Type.Optional(Type.String()) }),
  /** Answers `once_request`. `run`: this host runs the task and tells what came of it; else another one has run it. */
  frame('once_reply', { request: Type.String(), run: Type.Boolean(), told: Type.Optional(Type.Object(OnceOutcome, strict)) }),
  /** A task that another host of the run asks this one to do. Opens the run on this host when it is not open. */
  frame('delegate', {
    request: Type.String({ description: 'unique in the run' }),
    from: Type.String({ description: 'the host that asks' }),
    run: Type.String({ pattern: '^[0-9A-Za-z-]{8,64}$' }),
    user: Type.String(),
    host: Type.String({ description: 'inventory name of the host that does it' }),
    task: PlannedTask,
    check: Type.Boolean(),
    diff: Type.Boolean(),
    secrets,
  }),
  /** Answers `delegate_request`. */
  frame('delegate_reply', { request: Type.String(), report: DelegatedReport }),
  /** Answers `step_request`. `rest`: do not ask again. */
  frame('step_reply', { request: Type.String(), go: Type.Boolean(), rest: Type.Boolean() }),
  frame('cancel', {}),
  frame('bye', {}),
]);
export type ControlFrame = Static<typeof ControlFrame>;

/** Agent to control host. */
export const AgentFrame = Type.Union([
  frame('hello', {
    protocol: Type.Integer(),
    agent: Type.String(),
    node: Type.String(),
    platform: Type.String({ description: 'linux-x64-glibc, …' }),
    capabilities: Type.Array(Type.String()),
  }),
  frame('need_blobs', { sha256: Type.Array(Sha256) }),
  frame('event', { event: RunEvent }),
  /** Answers `fetch_blob`: `size` bytes follow as binary frames; other frames may come between them, no other blob does. */
  frame('blob', { sha256: Sha256, size: Type.Integer({ minimum: 0 }) }),
  /** The blob cannot be had, or its bytes end here although some are missing. */
  frame('blob_failed', { sha256: Sha256, reason: Type.String() }),
  /**
   * May I log in? Asked before the first login with a PIN that this host has not proven on this token. `pin` is a
   * keyed hash (run id as key) so that equal PINs are one PIN across the fleet; `token` is for messages.
   */
  frame('pin_request', { request: Type.Integer(), pin: Sha256, token: Type.String() }),
  frame('pin_result', {
    request: Type.Integer(),
    outcome: Type.Union([Type.Literal('correct'), Type.Literal('incorrect'), Type.Literal('not_tried')]),
  }),
  /** This host has the token of that manifest. Answered no when another host of the run has it as well. */
  frame('custody_claim', { request: Type.Integer(), manifest: Sha256 }),
  /** This host has come to something that one host of the batch does for all. Asked again with the same `request` after a cut. */
  frame('once_request', { request: Type.String({ description: 'the task, as it is called in events' }) }),
  /** What came of it on the host that was chosen. */
  frame('once_result', { request: Type.String(), ...OnceOutcome }),
  /** Have another host do a task of the plan, with the parameters that this host has rendered. */
  frame('delegate_request', {
    request: Type.String({ description: 'unique on this host in the run; the control host does nothing twice' }),
    task: Type.String({ description: 'id of the task in the plan' }),
    to: Type.String(),
    params: Type.Unknown({ description: 'wire value' }),
    texts: Type.Record(Type.String(), Type.Unknown(), { description: 'rendered templates by parameter, wire values' }),
    environment: Type.Optional(Type.Unknown({ description: 'wire value' })),
    again: Type.Optional(Type.Boolean({ description: 'it was asked for before, and the answer was lost' })),
    secrets,
  }),
  /** Answers `delegate`. */
  frame('delegate_result', { request: Type.String(), report: DelegatedReport }),
  /** May this task run? Asked where a person confirms each task. */
  frame('step_request', { request: Type.String(), task: Type.String({ description: 'id in the plan' }), name: Type.String() }),
  frame('busy', { run: Type.String(), user: Type.String(), since: Type.String() }),
  frame('error', { error: ErrorShape }),
  /** After its events. `none`: there was nothing to put back, or it was to be forgotten. */
  frame('undone', { play: Type.Integer(), outcome: Type.Union([Type.Literal('none'), Type.Literal('put_back'), Type.Literal('failed')]) }),
  frame('done', { play: Type.Integer(), status: Type.Union([Type.Literal('ok'), Type.Literal('failed'), Type.Literal('refused'), Type.Literal('stopped')]) }),
]);
export type AgentFrame = Static<typeof AgentFrame>;
