import type { SourcePosition, Value } from '@hsmfleet/contract';
import type { Problems } from '@hsmfleet/yaml-source';
import type { IncludeSource, MetaSource, TaskSource } from './source.ts';

/** Variables by name. */
export type Layer = Readonly<Record<string, Value>>;

/** A role as one of its uses has it. */
export interface RoleUse {
  name: string;
  path: string;
  defaults: Layer;
  /** `vars` where the role is used in `roles` or `dependencies`. */
  entryVars: Layer;
  vars: Layer;
  params: Layer;
  /** Where its variables are written. */
  places: { defaults: ReadonlyMap<string, SourcePosition>; vars: ReadonlyMap<string, SourcePosition> };
  /** What it depends on. */
  dependencies: RoleUse[];
  /** Those that it was reached through, the outermost first. */
  parents: readonly RoleUse[];
  /** Its parents, when it was included by one of their tasks. */
  includedBy: readonly RoleUse[];
}

/** What a step sees around it besides its own keywords. */
export interface Frame {
  /** Key of the plan's scopes; undefined outside of roles. */
  scope: string | undefined;
  role: RoleUse | undefined;
  /** Lowest precedence first. */
  defaults: readonly Layer[];
  roleVars: readonly Layer[];
  /** Parameters of the role, and variables of includes around: above what tasks register. */
  top: Layer;
  includeVars: Layer;
  magic: Layer;
  /** Names that loops around give values to. */
  bound: readonly string[];
  /** Folder of the file that the step stands in. */
  folder: string;
  /** Folder of the playbook. */
  playFolder: string;
}

/** A task with all that is handed down to it. */
export interface ExpandedTask extends TaskSource {
  id: string;
  frame: Frame;
  handler: boolean;
}

export interface ExpandedBlock {
  kind: 'block';
  id: string;
  name: Value | undefined;
  block: ExpandedStep[];
  rescue: ExpandedStep[];
  always: ExpandedStep[];
  position: SourcePosition;
}

export interface ExpandedMeta extends MetaSource {
  id: string;
  frame: Frame;
  implicit: boolean;
}

/** One of the things that an include may mean. */
export interface IncludeBody {
  /** The file that was read. */
  path: string;
  steps: ExpandedStep[];
  /** `include_vars`. */
  values: Layer | undefined;
  /** What is wrong with it, told when a host may take it. */
  problems: Problems;
}

export interface ExpandedInclude extends IncludeSource {
  id: string;
  frame: Frame;
  handler: boolean;
  /** The name under which a body is found; differs from `what` where two names decide. */
  key: Value | undefined;
  bodies: Map<string, IncludeBody>;
}

/** A step with its imports resolved, and with all keywords that are handed down to it. */
export type ExpandedStep = ExpandedTask | ExpandedBlock | ExpandedMeta | ExpandedInclude;

/** A play with its imports, roles and includes. */
export interface ExpandedPlay {
  steps: ExpandedStep[];
  handlers: ExpandedStep[];
  /** Roles whose variables the whole play sees, in order. */
  roles: readonly RoleUse[];
  /** Names of roles that others depend on. */
  dependencyNames: readonly string[];
  base: Frame;
  /** Every tag in it, whether it was selected or not. */
  tags: readonly string[];
  /** Handlers of roles that only some hosts may include: they count where something notifies them. */
  optional: ReadonlySet<ExpandedStep>;
}

/** All tasks, wherever they stand. */
export function* tasksOf(steps: readonly ExpandedStep[]): Generator<ExpandedTask | ExpandedInclude | ExpandedMeta> {
  for (const step of steps) {
    if (step.kind === 'block') {
      yield* tasksOf(step.block);
      yield* tasksOf(step.rescue);
      yield* tasksOf(step.always);
    } else {
      yield step;
      if (step.kind === 'include') for (const body of step.bodies.values()) yield* tasksOf(body.steps);
    }
  }
}

/** Variables that a role gives to the whole play: those of what it depends on, then its own. */
export function layersOf(role: RoleUse, kind: 'defaults' | 'vars'): Layer[] {
  const own = kind === 'defaults' ? [role.defaults] : [role.entryVars, role.vars];
  return [...role.dependencies.flatMap((each) => layersOf(each, kind)), ...own];
}
