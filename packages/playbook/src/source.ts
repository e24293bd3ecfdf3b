import type { AnyResource } from '@hsmfleet/resource';
import type { Deferred, SourcePosition, Value } from '@hsmfleet/contract';
import type { YamlSource } from '@hsmfleet/yaml-source';
import type { Node } from 'yaml';
import type { BatchSize } from './batches.ts';

/** A condition: a truth value, or an expression. */
export type Condition = boolean | Deferred;

/** A value of a keyword with the node it came from. */
export interface Placed<T> {
  value: T;
  node: Node;
}

/** A task as it is written, structure checked, variables not yet. */
export interface TaskSource {
  source: YamlSource;
  position: SourcePosition;
  name: Value | undefined;
  resource: AnyResource;
  /** The key that names the resource. */
  resourceNode: Node;
  params: Record<string, Value>;
  /** Its resource or parameters could not be read: that was reported, and they are not looked at again. */
  broken: boolean;
  /** Where a parameter's value or key is: by path, from the top. */
  placeOf(path: readonly string[], what: 'key' | 'value'): Node;
  when: Condition[];
  changedWhen: Condition[];
  failedWhen: Condition[];
  loop: (Placed<Value> & { flatten: boolean }) | undefined;
  loopVar: string;
  register: string | undefined;
  notify: Placed<Value>[];
  listen: string[];
  tags: string[];
  ignoreErrors: Placed<Value> | undefined;
  noLog: Placed<Value> | undefined;
  checkMode: Placed<Value> | undefined;
  vars: Record<string, Value>;
}

/** A question of `vars_prompt`. */
export interface PromptSource {
  name: string;
  question: string;
  private: boolean;
  fallback: string | undefined;
  node: Node;
}

/** A play as it is written. */
export interface PlaySource {
  source: YamlSource;
  position: SourcePosition;
  name: string | undefined;
  hosts: Placed<string>;
  vars: Record<string, Value>;
  varsFiles: Placed<Value>[];
  prompts: PromptSource[];
  tasks: TaskSource[];
  handlers: TaskSource[];
  serial: BatchSize[];
  maxFailPercentage: number | undefined;
  anyErrorsFatal: boolean;
  become: boolean | undefined;
  becomeUser: string | undefined;
  gatherFacts: boolean;
  /** remote_user, port and connection under the names of the variables that say the same. */
  connection: Record<string, Value>;
}
