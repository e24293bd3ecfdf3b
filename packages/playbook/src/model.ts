import type { Plan, SourcePosition, Value } from '@hsmfleet/contract';
import type { HostsModel } from '@hsmfleet/hosts';
import type { AnyResource } from '@hsmfleet/resource';
import type { VaultOpener } from '@hsmfleet/yaml-source';
import type { KnownArtifact } from './bind-artifacts.ts';

/** A file of the control host that hosts may ask for by hash. */
export interface BlobSource {
  sha256: string;
  path: string;
  size: number;
}

export interface CompileOptions {
  playbook: string;
  /** What the playbook says, where no file of that name does. */
  text?: string | undefined;
  hosts: HostsModel;
  limit?: string | undefined;
  /** Compile plans for these alone; what plans know of the others (play_hosts, batches) is as without it. */
  only?: ReadonlySet<string> | undefined;
  /** `-e`, in order; highest precedence. */
  extraVars?: Record<string, Value> | undefined;
  tags?: string[] | undefined;
  skipTags?: string[] | undefined;
  check: boolean;
  diff: boolean;
  /** Command line `-b`; a play's own `become` wins. */
  become?: boolean | undefined;
  run: string;
  user: string;
  /** Asks a person for `!secret prompt:`. */
  ask?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Decrypts what Ansible Vault encrypted. */
  vault?: VaultOpener | undefined;
  /**
   * Packages that hosts built, the one told of last first: a task that names one that neither is here nor is built by an
   * task of the playbook is a mistake. Read once, when a task names one; nothing is a mistake when absent.
   */
  artifacts?: (() => readonly KnownArtifact[]) | undefined;
  /** `--force-handlers`. */
  forceHandlers?: boolean | undefined;
  /** `--start-at-task`: the name of the first task to run, wildcards allowed; what stands before it is left out. */
  startAtTask?: string | undefined;
  /** What tasks may use; every resource there is by default. */
  resources?: ReadonlyMap<string, AnyResource> | undefined;
}

/** A wait between two batches, after the first one or after each but the last. */
export interface BatchPause {
  after: 'first' | 'each';
  seconds?: number;
  /** What a person is asked; the run ends when the answer is no. */
  prompt?: string;
}

/** A play ready to run. */
export interface CompiledPlay {
  index: number;
  name: string;
  position: SourcePosition;
  hosts: string[];
  /** `serial` applied: hosts in order, batch by batch. */
  batches: string[][];
  /** Per cent of a batch that may fail before the run stops; undefined: all may. */
  maxFailPercentage?: number;
  anyErrorsFatal: boolean;
  /** What happens between two batches. */
  pause?: BatchPause;
  /** What makes the hosts of a batch go back to what they served: a site that does not serve, or any failure. */
  rollbackBatch?: 'proof' | 'any';
  become: boolean;
  becomeUser: string;
  plans: ReadonlyMap<string, Plan>;
  /** Hosts that tasks delegate to; `any` when one of them is known only on a host. */
  delegates: string[] | 'any';
  /** As {@link CompiledPlay.connection}, of a host that tasks delegate to; undefined when no hosts file has it. @throws HsmfleetError */
  connectionOf(host: string): Record<string, Value> | undefined;
  /** Variables that tell how to connect and what token to expect, per host: ansible_host, hsmfleet_manifests, … rendered. */
  connection: ReadonlyMap<string, Record<string, Value>>;
}

/** A task as `--list-tasks` shows it. */
export interface ListedTask {
  name: string;
  tags: string[];
  /** Of a file that is included only when the host says so. */
  included: boolean;
}

/** A play as `--list-tasks` shows it. */
export interface ListedPlay {
  name: string | undefined;
  pattern: string;
  tags: string[];
  tasks: ListedTask[];
}

export interface CompiledPlaybook {
  path: string;
  plays: CompiledPlay[];
  /** What each play comes to, without looking at hosts: tasks in order, with those that hosts may include. */
  listed: ListedPlay[];
  blobs: ReadonlyMap<string, BlobSource>;
  warnings: string[];
}
