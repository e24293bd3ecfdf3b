import type { ErrorShape, RunEvent } from '@hsmfleet/contract';
import { HsmfleetError } from '@hsmfleet/contract';
import type { DriftEvidence } from '@hsmfleet/compliance';
import type { Store } from '@hsmfleet/store';
import type { FleetOptions } from './fleet-options.ts';

/** What a check wants to know of hosts now. */
export interface GatherRequest {
  /** Id of the check, and of the run that reads the inventory; those of drift playbooks get it with a suffix. */
  run: string;
  fleet: FleetOptions;
  /** Pattern that names the hosts; all when absent. */
  pattern?: string | undefined;
  hosts: readonly string[];
  /** Read the inventory? A profile of drift alone has no need of it. */
  inventory: boolean;
  /** Paths of playbooks to run in check mode. */
  driftPlaybooks: readonly string[];
  store: Store;
  onEvent?(event: RunEvent): void;
  onNote?(text: string): void;
}

/** How a host answered. `failed` and `refused`: it answered, but what was asked for could not be read. */
export interface HostReach {
  status: 'ok' | 'failed' | 'refused' | 'unreachable' | 'stopped';
  error: ErrorShape | null;
}

/** What hosts said; inventories are in the store. */
export interface GatheredEvidence {
  hosts: Map<string, HostReach>;
  drift: DriftEvidence;
}

/** Reads hosts. Must leave those that serve as they are: inventories the careful way, playbooks in check mode only. */
export type GatherEvidence = (request: GatherRequest, signal: AbortSignal) => Promise<GatheredEvidence>;

/** Reads hosts from this machine. */
export const gatherEvidence: GatherEvidence = () => {
  throw new HsmfleetError('INTERNAL', 'evidence cannot be gathered yet');
};
