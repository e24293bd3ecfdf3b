import { HsmfleetError, type CheckReport, type RunEvent, type StateChange } from '@hsmfleet/contract';
import type { Store } from '@hsmfleet/store';
import type { FleetOptions } from './fleet-options.ts';
import type { GatherEvidence } from './gather-evidence.ts';

/** A check to perform. */
export interface CheckRequest {
  /** Path of the profile. */
  profile: string;
  fleet: FleetOptions;
  /** Which hosts; all when absent. */
  pattern?: string | undefined;
  /** Name of the schedule that asks for it. */
  schedule: string | null;
  /** Id of the check; a new one when absent. */
  id?: string | undefined;
  /** `live`: hosts are read now; `snapshot`: what the store knows is judged, no host is touched. */
  evidence: 'live' | 'snapshot';
  store: Store;
  /** Names of the sinks that are told of changes. */
  sinks: readonly string[];
  /** Aborting ends it: nothing is recorded. */
  signal?: AbortSignal | undefined;
  onEvent?(event: RunEvent): void;
  onNote?(text: string): void;
  /** How hosts are read; from this machine when absent. */
  gather?: GatherEvidence | undefined;
  /** Milliseconds that reading hosts may take; hosts that have not answered by then are in error. */
  timeoutMs?: number | undefined;
}

/** What a check found, and what is not as it was at the one before. */
export interface PerformedCheck {
  report: CheckReport;
  changes: StateChange[];
}

/**
 * Reads hosts, judges them, compares with the last check of the same schedule and profile, and records all of it. Prints
 * nothing.
 * @throws HsmfleetError, HsmfleetErrors for what is wrong with the profile, the hosts file or a playbook; STORE
 */
export function performCheck(request: CheckRequest): Promise<PerformedCheck> {
  throw new HsmfleetError('INTERNAL', `the profile ${request.profile} cannot be checked yet`);
}
