export type { ArtifactDraft, ArtifactSink } from './artifact-fetch.ts';
export * from './model.ts';
export type { Confirmation } from './cross-host.ts';
export type { CustodyRegistry } from './custody-registry.ts';
export { runPlays } from './run-plays.ts';
export { createPinAuthority, type PinAuthority, type PinDecision, type PinGuard, type PinOutcome, type PinTicket } from './pin-authority.ts';
export { escapeControls, escapeControlsIn } from './escape-controls.ts';
export { stopHost, type StopHostOptions, type StoppedHost } from './stop-host.ts';
export { agentSudoers } from './agent-sudoers.ts';
