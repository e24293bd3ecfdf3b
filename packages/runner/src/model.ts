import type { Counts, Plan, RunEvent } from '@hsmfleet/contract';
import type { HostTarget, Transport } from '@hsmfleet/transport';
import type { ArtifactSink } from './artifact-fetch.ts';

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
  plans: ReadonlyMap<string, Plan>;
  /** How to reach each host in this play. */
  targets: ReadonlyMap<string, HostTarget>;
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
  /** Completes a plan by what earlier plays of the run brought about; called right before it is sent. Must not throw. */
  bind?(plan: Plan): Plan;
  /** Hosts at once; connections are opened to all of them. */
  forks: number;
  /** Called for every event, in order per host. Must not throw. */
  onEvent(event: RunEvent): void;
  /** Aborting asks every agent to stop after its current task. */
  signal?: AbortSignal;
  /** State directory on the hosts; by default /var/lib/hsmfleet, for others than root $HOME/.local/state/hsmfleet. */
  stateDir?: string;
  timings?: RunTimings;
}

/** Milliseconds that a run waits for things. */
export interface RunTimings {
  /** From the exec to the agent's hello; 60 000. */
  agentStart?: number;
  /** How long a lost host is tried again; 60 000. */
  reattach?: number;
  /** First pause before trying again, doubled every time; 500. */
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
