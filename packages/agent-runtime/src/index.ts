export { runPlan, PREPARE, WEB_SETTLE, type PlayStatus, type RunPlanOptions } from './run-plan.ts';
export { createSession, type Session } from './host-variables.ts';
export type { ResourceSource } from './run-context.ts';
export { serve, CAPABILITIES, type ServeOptions } from './serve.ts';
export { FramePinGate } from './frame-pin-gate.ts';
export { attachRun, type AttachOptions } from './attach-run.ts';
export { acquireHostLock, LET_GO, type LockAnswer, type LockOwner } from './host-lock.ts';
export { Journal, readRunMeta, type RunMeta } from './journal.ts';
export { pruneState, STATE_LIMITS, type StateLimits } from './prune-state.ts';
