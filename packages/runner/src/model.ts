import type { Counts, Plan, RunEvent, RunEventOf } from '@hsmfleet/contract';
import type { HostTarget, Transport } from '@hsmfleet/transport';
import type { ArtifactSink } from './artifact-fetch.ts';
import type { Confirmation } from './cross-host.ts';
import type { CustodyRegistry } from './custody-registry.ts';
import type { PinGuard } from './pin-authority.ts';

/** What has to be there on a host before it can run a plan. All by content hash. */
export interface AgentBundle {
  /** Version shown in events. */
  version: string;
  /** Files that make up the agent, relative name and absolute path on the control host: agent.js, pkcs11.node, … */
  files: readonly { name: string; path: string; sha256: string; size: number }[];
  /** Hash over all of them: the directory's name on the host. */
  hash: string;
  /** A compressed Node binary per platform ("linux-x64"), pushed where the host has none that fits. */
  runtimes: ReadonlyMap<string, { path: string; sha256: string; size: number; version: string; compression: 'gzip' | 'none' }>;
}

export interface RunnerPlay {
  index: number;
  name: string;
  batches: readonly (readonly string[])[];
  maxFailPercentage?: number;
  anyErrorsFatal: boolean;
  /** What makes the others of a batch go back to what they served before: `proof`, a site that does not serve; `any`, a host that failed or refused. */
  rollbackBatch?: 'proof' | 'any';
  /** What happens between two batches. */
  pause?: BatchPause;
  plans: ReadonlyMap<string, Plan>;
  /** How to reach each host in this play. */
  targets: ReadonlyMap<string, HostTarget>;
  /** How to reach a host that is not in the play, for tasks that are delegated to it; undefined when the hosts files do not know it. */
  delegateTarget?(host: string): HostTarget | undefined;
}

/** A wait between two batches. */
export interface BatchPause {
  /** Only after the first batch, the canary, or after each but the last. */
  after: 'first' | 'each';
  seconds?: number;
  /** A person is asked, and the run ends when the answer is no. */
  prompt?: string;
}

export interface RunOptions {
  run: string;
  user: string;
  playbook: string;
  check: boolean;
  plays: readonly RunnerPlay[];
  transport: (target: HostTarget) => Transport;
  bundle: AgentBundle;
  /** Opens a blob of the control host for reading. */
  blob(sha256: string): NodeJS.ReadableStream | undefined;
  /** Where packages that hosts built come to; they stay where they are when absent. */
  artifacts?: ArtifactSink;
  /** Completes a plan by what earlier plays of the run brought about; called right before it is sent. */
  bind?(plan: Plan): Plan | Promise<Plan>;
  /** Asks a person between two batches; false ends the run. Needed when a play has a pause with a prompt. */
  confirmBatch?(question: string): Promise<boolean>;
  /** Hosts at once; connections are opened to all of them. */
  forks: number;
  /** Called for every event, in order per host. Must not throw. */
  onEvent(event: RunEvent): void;
  /** Aborting asks every agent to stop after its current task. */
  signal?: AbortSignal;
  /** State directory on the hosts; by default /var/lib/hsmfleet, for others than root $HOME/.local/state/hsmfleet. */
  stateDir?: string;
  timings?: RunTimings;
  /**
   * The run is taken up again: hosts tell what they did, and go on where they were left.
   * `attempt`: 1 for the first time, then counting up: tells events of the control host apart. `told`: its start was told.
   * `begun`: batches that began before, as PLAY.BATCH: nobody waits before them again.
   * `pinsFrozen`: why no host may log in any more. `holders`: which host has which prepared token, by its manifest.
   */
  resume?: { attempt: number; told: boolean; pinsFrozen?: string; begun?: ReadonlySet<string>; holders?: ReadonlyMap<string, string> };
  /** What runners of the same run agree on, when this one runs just some of its hosts. */
  shared?: SharedRun;
  /** Handlers that were notified run even when a task failed, in all plays. */
  forceHandlers?: boolean;
  /** Asks a person before each task, once for all hosts. */
  confirm?(task: { name: string; play: string }): Promise<Confirmation>;
  /** Runs the hosts of a play in this one's stead; budgets, batches and the recap stay here. */
  elsewhere?: RemoteHosts;
}

/** A run whose hosts are spread over several runners. */
export interface SharedRun {
  pins: PinGuard;
  custody: CustodyRegistry;
  /** First number of the events that this runner tells about its hosts: different for all that ever run the same host in a run. */
  controlSeqBase: number;
}

/** Others that run hosts: workers. */
export interface RemoteHosts {
  /**
   * Has the hosts of a play run, and resolves when all that is to be known of them was told. Hosts that are not told of
   * were stopped before they began. Rejects when the others are gone.
   * @param signal aborted: hosts end their current task, others do not begin
   */
  run(play: { index: number; name: string }, hosts: readonly string[], signal: AbortSignal, told: RemoteTold): Promise<void>;
}

/** Where remote hosts' news go. */
export interface RemoteTold {
  /** An event, in order per host, and once. */
  event(event: RunEvent): void;
  /** The play is over on this host; after its events. */
  host(host: string, status: HostStatus): void;
}

/** How a play ended on a host. */
export type HostStatus = RunEventOf<'host_finished'>['status'] | 'unreachable';

/** Milliseconds that a run waits for things. */
export interface RunTimings {
  /** From the exec to the agent's hello; 60 000. */
  agentStart?: number;
  /** How long a lost host is tried again; 180 000. */
  reattach?: number;
  /** First pause before trying again, doubled every time up to five seconds; 500. */
  reattachPause?: number;
  /** How long hosts may take to finish their task after {@link RunOptions.signal}; 10 000. */
  cancel?: number;
  /** How long a host may send nothing of a package that it was asked for; 60 000. */
  artifactStall?: number;
}

export interface RunSummary {
  counts: Record<string, Counts>;
  exitCode: number;
  durationMs: number;
}
