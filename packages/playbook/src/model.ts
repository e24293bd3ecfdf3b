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
  /** What tasks may use; every resource there is by default. */
  resources?: ReadonlyMap<string, AnyResource> | undefined;
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
  become: boolean;
  becomeUser: string;
  plans: ReadonlyMap<string, Plan>;
  /** Variables that tell how to connect and what token to expect, per host: ansible_host, hsmfleet_manifests, … rendered. */
  connection: ReadonlyMap<string, Record<string, Value>>;
}

export interface CompiledPlaybook {
  path: string;
  plays: CompiledPlay[];
  blobs: ReadonlyMap<string, BlobSource>;
  warnings: string[];
}
