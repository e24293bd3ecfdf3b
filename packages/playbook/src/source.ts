import type { AnyResource } from '@hsmfleet/resource';
import type { Deferred, PlannedMeta, SourcePosition, Value } from '@hsmfleet/contract';
import type { YamlSource } from '@hsmfleet/yaml-source';
import type { Node } from 'yaml';
import type { BatchSize } from './batches.ts';
import type { BatchPause } from './model.ts';

/** A condition: a truth value, or an expression. */
export type Condition = boolean | Deferred;

/** A value of a keyword with the node it came from. */
export interface Placed<T> {
  value: T;
  node: Node;
  source: YamlSource;
}

/** What a step has of its own, or hands down to the steps in it. Absent means: as around it. */
export interface Keywords {
  when: Condition[];
  tags: string[];
  vars: Record<string, Value>;
  /** From the outermost to the innermost; later ones win. */
  environment: Placed<Value>[];
  notify: Placed<Value>[];
  /** Parameters by resource, from the outermost to the innermost. */
  moduleDefaults: Record<string, Record<string, Value>>;
  ignoreErrors?: Placed<Value> | undefined;
  ignoreUnreachable?: Placed<Value> | undefined;
  noLog?: Placed<Value> | undefined;
  checkMode?: Placed<Value> | undefined;
  diff?: Placed<Value> | undefined;
  runOnce?: Placed<Value> | undefined;
  delegateTo?: Placed<Value> | undefined;
  delegateFacts?: Placed<Value> | undefined;
  anyErrorsFatal?: Placed<Value> | undefined;
  become?: Placed<boolean> | undefined;
  becomeUser?: Placed<string> | undefined;
}

/** Forms of a loop besides the plain list, each named as in `with_NAME`. */
export type LoopForm = 'items' | 'list' | 'dict' | 'fileglob' | 'sequence' | 'together' | 'nested' | 'subelements' | 'indexed_items';

/** `loop_control`. */
export interface LoopSettings {
  loopVar: string;
  indexVar?: string | undefined;
  label?: Value | undefined;
  pause?: Value | undefined;
  extended?: boolean | undefined;
}

/** A loop; `form` is undefined for `loop`. */
export type LoopSource = Placed<Value> & { form: LoopForm | undefined };

interface Step extends Keywords {
  source: YamlSource;
  position: SourcePosition;
  /** Where the step is named: its resource's key, or its first one. */
  node: Node;
  name: Value | undefined;
}

/** A task as it is written, structure checked, variables not yet. */
export interface TaskSource extends Step {
  kind: 'task';
  resource: AnyResource;
  /** The key that names the resource. */
  resourceNode: Node;
  params: Record<string, Value>;
  /** Its resource or parameters could not be read: that was reported, and they are not looked at again. */
  broken: boolean;
  /** Where a parameter's value or key is: by path, from the top. */
  placeOf(path: readonly string[], what: 'key' | 'value'): Node;
  changedWhen: Condition[];
  failedWhen: Condition[];
  until: Condition[];
  retries: Placed<Value> | undefined;
  delay: Placed<Value> | undefined;
  timeout: Placed<Value> | undefined;
  loop: LoopSource | undefined;
  control: LoopSettings;
  register: string | undefined;
  listen: string[];
}

/** `block`, `rescue`, `always`. */
export interface BlockSource extends Step {
  kind: 'block';
  block: StepSource[];
  rescue: StepSource[];
  always: StepSource[];
}

/** `meta`. */
export interface MetaSource extends Step {
  kind: 'meta';
  meta: PlannedMeta['meta'];
}

/** Which files of a role are taken in place of `main`. */
export interface RoleFiles {
  tasks?: Placed<Value> | undefined;
  vars?: Placed<Value> | undefined;
  defaults?: Placed<Value> | undefined;
  handlers?: Placed<Value> | undefined;
}

/** `import_tasks`, `include_tasks`, `import_role`, `include_role`, `include_vars`. */
export interface IncludeSource extends Step {
  kind: 'include';
  action: 'import_tasks' | 'include_tasks' | 'import_role' | 'include_role' | 'include_vars';
  /** The file, the folder, or the role. Undefined when it could not be read, which was reported. */
  what: Placed<Value> | undefined;
  /** `include_vars` of a folder. */
  isFolder: boolean;
  /** `include_vars` with `name`: the variable that gets all of them. */
  into: string | undefined;
  extensions: string[];
  from: RoleFiles;
  isPublic: boolean;
  allowDuplicates: boolean;
  /** Keywords of `apply`, for the steps that are included. */
  apply: Keywords | undefined;
  loop: LoopSource | undefined;
  control: LoopSettings;
  register: string | undefined;
  listen: string[];
}

/** Anything in a list of tasks. */
export type StepSource = TaskSource | BlockSource | MetaSource | IncludeSource;

/** One entry of `roles`, or of a role's `dependencies`. */
export interface RoleEntry extends Keywords {
  source: YamlSource;
  node: Node;
  role: Value;
  params: Record<string, Value>;
  from: RoleFiles;
}

/** A question of `vars_prompt`. */
export interface PromptSource {
  name: string;
  question: string;
  private: boolean;
  confirm: boolean;
  fallback: string | undefined;
  node: Node;
}

/** Ansible's `order`. */
export type HostOrder = 'inventory' | 'reverse_inventory' | 'sorted' | 'reverse_sorted' | 'shuffle';

/** A play as it is written. */
export interface PlaySource {
  source: YamlSource;
  position: SourcePosition;
  /** Folder of the playbook file that the play stands in. */
  folder: string;
  name: string | undefined;
  hosts: Placed<string>;
  order: HostOrder;
  /** What the play hands down to all of its tasks. */
  keywords: Keywords;
  vars: Record<string, Value>;
  /** Where each of them is written. */
  varsPlaces: ReadonlyMap<string, SourcePosition>;
  varsFiles: Placed<Value>[];
  prompts: PromptSource[];
  preTasks: StepSource[];
  roles: RoleEntry[];
  tasks: StepSource[];
  postTasks: StepSource[];
  handlers: StepSource[];
  serial: BatchSize[];
  maxFailPercentage: number | undefined;
  anyErrorsFatal: boolean;
  pause: BatchPause | undefined;
  rollbackBatch: 'proof' | 'any' | undefined;
  forceHandlers: boolean;
  become: boolean | undefined;
  becomeUser: string | undefined;
  gatherFacts: boolean;
  /** remote_user, port and connection under the names of the variables that say the same. */
  connection: Record<string, Value>;
}
