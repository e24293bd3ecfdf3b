import type { ErrorShape } from '@hsmfleet/contract';

/** How a play ended on a host, in the runner's words. */
export type HostStatus = 'ok' | 'failed' | 'refused' | 'stopped' | 'unreachable';

/** What a worker is to do: a play on some hosts. It holds no secret: each worker reads those from its own project folder. */
export interface Batch {
  run: string;
  /** Index of the play in its playbook. */
  play: number;
  hosts: readonly string[];
  /** What was asked for, the same for all batches of a run; paths are relative to the project folder. */
  request: BatchRequest;
}

/** A run as its coordinator was asked for it. Meaning and names are those of the command line. */
export interface BatchRequest {
  /** Path of the playbook. */
  playbook: string;
  /** The playbook comes with the program, not with the project. */
  shipped: boolean;
  /** Who started the run. */
  user: string;
  check: boolean;
  diff: boolean;
  /** Further values that the program understands; JSON, without secrets. */
  options: Record<string, unknown>;
}

/** How a batch went. */
export interface BatchResult {
  hosts: Record<string, HostStatus>;
  /** Why the worker could not even begin: something is wrong with what it has on its machine. */
  problem?: ErrorShape;
}

/** A worker that was heard of lately. */
export interface LiveWorker {
  id: string;
  /** Machine and process, for people. */
  machine: string;
  pid: number;
  project: string;
  /** Digest of its project folder and of its program. */
  digest: string;
  program: string;
  startedAt: string;
}

/** How soon things are noticed. Seconds, except where the name says otherwise. */
export interface JobTimings {
  /** A worker that was not heard of for so long is gone: its batches go to others. 10 or more. */
  heartbeat: number;
  /** How often the queue is looked over for such workers. */
  watch: number;
  /** Milliseconds between two looks for work, or for results. */
  pollMs: number;
  /** How long a run waits when there is no worker left. */
  patience: number;
}

export const DEFAULT_TIMINGS: JobTimings = { heartbeat: 10, watch: 2, pollMs: 250, patience: 300 };
