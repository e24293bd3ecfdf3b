import { outcomeOf, type ErrorShape, type RunEvent } from '@hsmfleet/contract';
import { DriftReader, type DriftEvidence, type HostDrift } from '@hsmfleet/compliance';
import type { Store } from '@hsmfleet/store';
import { INVENTORY_PLAY } from './collect-inventory.ts';
import { executePrepared, preparePlaybook, type EngageWorkers, type ExecuteRequest } from './execute-playbook.ts';
import type { FleetOptions } from './fleet-options.ts';

/** What a check wants to know of hosts now. */
export interface GatherRequest {
  /**
   * Id of the check, and of the run that reads the inventory; those of the drift playbooks are made of it. A check that was cut
   * off and is performed again under its id is told by hosts what they did already, and followed by those that are at it.
   */
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
  /** Has workers read the hosts. */
  workers?: EngageWorkers | undefined;
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

/**
 * Reads hosts from this machine. Everything is compiled before the first host is touched; the inventory comes first, then one
 * playbook after the other, so that a host never has two runs at once.
 * @throws HsmfleetError, HsmfleetErrors for what is wrong with a playbook or the hosts file
 */
export const gatherEvidence: GatherEvidence = async (request, signal) => {
  const { run, fleet, pattern, store } = request;
  const base = { fleet, limit: pattern, diff: false, store, signal, workers: request.workers, onNote: request.onNote };
  const reach = new ReachReader(request.hosts);
  const drift = new Map<string, ReadonlyMap<string, HostDrift>>();
  const inventory = request.inventory
    ? await preparePlaybook(withEvents({ ...base, playbook: INVENTORY_PLAY, check: false, run }, (event) => { reach.add(event); request.onEvent?.(event); }))
    : undefined;
  const readers = request.driftPlaybooks.map((playbook) => ({ playbook, reader: new DriftReader() }));
  const playbooks = [];
  for (const [index, { playbook, reader }] of readers.entries()) {
    playbooks.push(await preparePlaybook(withEvents({ ...base, playbook, check: true, run: `${run}-${String(index + 1)}` }, (event) => {
      reader.add(event);
      if (!request.inventory) reach.add(event);
      request.onEvent?.(event);
    })));
  }
  for (const prepared of [...(inventory === undefined ? [] : [inventory]), ...playbooks]) {
    if (!signal.aborted) await executePrepared(prepared);
  }
  for (const { playbook, reader } of readers) drift.set(playbook, reader.hosts);
  return { hosts: reach.hosts, drift };
};

function withEvents(request: Omit<ExecuteRequest, 'onEvent' | 'onNote'> & { onNote: GatherRequest['onNote'] }, onEvent: (event: RunEvent) => void): ExecuteRequest {
  const { onNote, ...rest } = request;
  return { ...rest, onEvent, ...(onNote === undefined ? {} : { onNote }) };
}

/** Follows how hosts answer, from the events of a run. */
export class ReachReader {
  readonly hosts: Map<string, HostReach>;

  /** @param hosts all that are expected to answer; until they do they count as stopped */
  constructor(hosts: readonly string[]) {
    this.hosts = new Map(hosts.map((host) => [host, { status: 'stopped', error: null }]));
  }

  /** Takes an event; those that say nothing about it are left aside. */
  add(event: RunEvent): void {
    if (event.type === 'host_unreachable') this.hosts.set(event.host, { status: 'unreachable', error: event.error });
    if (event.type === 'task_finished' && event.error !== undefined && !event.ignored && event.rescued !== true) {
      const status = outcomeOf(event.error.code);
      this.hosts.set(event.host, { status: status === 'unreachable' ? 'failed' : status, error: event.error });
    }
    if (event.type !== 'host_finished') return;
    const known = this.hosts.get(event.host);
    if (event.status !== 'ok' || known?.error === undefined || known.error === null) this.hosts.set(event.host, { status: event.status, error: event.error ?? known?.error ?? null });
  }
}
