import { Type, type Static } from '@sinclair/typebox';
import { ErrorShape } from './error.ts';
import { RunEvent } from './event.ts';
import { Plan, Sha256 } from './plan.ts';

const strict = { additionalProperties: false };
const frame = <N extends string, P extends Parameters<typeof Type.Object>[0]>(type: N, properties: P) =>
  Type.Object({ type: Type.Literal(type), ...properties }, strict);

/**
 * Control host to agent. One channel serves all plays of a run: a plan per play, answered by `done`, and `bye` at the
 * end. `plan` is sent right after the exec, before any hello.
 */
export const ControlFrame = Type.Union([
  frame('plan', { plan: Plan }),
  /** Announces `size` bytes that follow as binary frames for the blob. */
  frame('blob', { sha256: Sha256, size: Type.Integer({ minimum: 0 }) }),
  /** Asks for the bytes of a package that was told of in an `artifact` event of this run; answered by `blob` and its bytes, or `blob_failed`. */
  frame('fetch_blob', { sha256: Sha256 }),
  /** Read on from a run that goes on, or has ended, on the host. */
  frame('attach', { run: Type.String(), afterSeq: Type.Integer({ minimum: -1 }) }),
  frame('pin_reply', {
    request: Type.Integer(),
    decision: Type.Union([Type.Literal('go'), Type.Literal('refused')]),
    reason: Type.Optional(Type.String()),
  }),
  frame('custody_reply', { request: Type.Integer(), go: Type.Boolean(), reason: Type.Optional(Type.String()) }),
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
  frame('busy', { run: Type.String(), user: Type.String(), since: Type.String() }),
  frame('error', { error: ErrorShape }),
  frame('done', { play: Type.Integer(), status: Type.Union([Type.Literal('ok'), Type.Literal('failed'), Type.Literal('refused'), Type.Literal('stopped')]) }),
]);
export type AgentFrame = Static<typeof AgentFrame>;
