import { Deferred, encodeValue, HsmfleetError, Secret, type ArtifactInput, type PlannedTask, type SecretTable, type Value } from '@hsmfleet/contract';
import { assuredVariables, isTrue, renderValue } from '@hsmfleet/template';
import { checkParams } from './check-params.ts';
import { asBoolean } from './node-reader.ts';
import type { Condition, Placed, TaskSource } from './source.ts';
import type { PreparedInput, TaskFiles } from './task-files.ts';
import type { Variables } from './variables.ts';

/** What compiling one task for one host needs. */
export interface TaskContext {
  /** Prefix of ids: "0.t3". */
  id: string;
  variables: Variables;
  /** The same for changed_when and failed_when, which see the task's own result as well. */
  outcome: Variables;
  files: TaskFiles;
  /** Names that a task may notify; undefined for handlers' own notifies as well. */
  handlerNames: ReadonlySet<string>;
  secrets: SecretTable;
  /** Why the task cannot have that package; undefined when it is there or may still be built. */
  artifactProblem(name: string, version: string | undefined): ArtifactInput['problem'];
  fail(thrown: unknown): void;
  /** Learns of everything that the host will have to render. */
  deferred(value: Value): void;
}

const NO_GUARDS: ReadonlySet<string> = new Set();

/**
 * Compiles a task for one host. A loop over files becomes one task per item, since each item needs other bytes; all
 * else is one planned task.
 */
export function compileTask(task: TaskSource, context: TaskContext): PlannedTask[] {
  const conditions = compileConditions(task.when, context);
  const guards = guardsOf(conditions);
  const base = compileFrame(task, context, guards);
  if (task.broken) return [base];
  if (conditions.includes(false)) return [{ ...base, params: {}, when: [false] }];
  const items = compileLoop(task, context, guards);
  // what a loop's item decides is looked at with each item
  const known = Array.isArray(items) && !items.some((item) => item instanceof Deferred) ? items : undefined;
  const names = namesByItem(task, context, known);
  if (names === undefined) return [compileOne(task, context, { base, conditions, guards, items, known })];
  if (task.register !== undefined) {
    context.fail(task.source.problem('PLAYBOOK_INVALID', 'a loop whose files depend on the item cannot be registered', task.resourceNode, 'leave register out, or write one task per file'));
  }
  return names.map((files, index) =>
    compileOne(task, context, { base: { ...base, id: `${base.id}-${String(index)}` }, conditions, guards, items: [(known as Value[])[index] as Value], known: undefined, files }),
  );
}

interface Parts {
  base: PlannedTask;
  conditions: Condition[];
  guards: ReadonlySet<string>;
  items: Value | undefined;
  /** Items whose values are known, to look for mistakes with each. */
  known: Value[] | undefined;
  /** Names of files for this item, where they depend on it. */
  files?: Record<string, string>;
}

function compileOne(task: TaskSource, context: TaskContext, { base, conditions, guards, items, known, files }: Parts): PlannedTask {
  const { variables, secrets, fail } = context;
  const before = { failed: false };
  const note = (thrown: unknown): void => {
    before.failed = true;
    fail(thrown);
  };
  const params: Record<string, Value> = {};
  for (const [name, value] of Object.entries(task.params)) {
    if (task.resource.expressions?.includes(name) === true) {
      params[name] = value;
      checkExpressions(value, context, guards);
    } else {
      const prepared = variables.prepare({ [name]: value }, guards, note) as Record<string, Value>;
      if (prepared[name] !== undefined) params[name] = prepared[name];
    }
  }
  if (!before.failed) checkParams(task, params).forEach(fail);
  for (const item of known ?? []) tryItem(task, params, item, context);
  const inputs = compileInputs(task, params, context, guards, files ?? {});
  const encode = (value: Value): unknown => {
    context.deferred(value);
    return encodeValue(value, secrets);
  };
  const waiting = conditions.filter((condition) => condition !== true);
  const input = Object.entries(inputs).map(([name, each]) => [name, each.kind !== 'template' ? each : { ...each, text: encode(each.text) }] as const);
  return {
    ...base,
    params: encode(params),
    ...(input.length === 0 ? {} : { inputs: Object.fromEntries(input) as NonNullable<PlannedTask['inputs']> }),
    ...(waiting.length === 0 ? {} : { when: waiting.map(encode) }),
    ...(items === undefined ? {} : { loop: encode(items), ...(task.loopVar === 'item' ? {} : { loopVar: task.loopVar }) }),
  };
}

/** All of a planned task but parameters, inputs, conditions and loop. */
function compileFrame(task: TaskSource, context: TaskContext, guards: ReadonlySet<string>): PlannedTask {
  const { variables, fail } = context;
  const flag = (placed: Placed<Value> | undefined, key: string): boolean => {
    if (placed === undefined) return false;
    const value = asBoolean(variables.prepare(placed.value, guards, fail));
    if (value instanceof Deferred) fail(task.source.problem('PLAYBOOK_INVALID', `${key} must be known before the run starts`, placed.node));
    else if (typeof value !== 'boolean') fail(task.source.problem('PLAYBOOK_INVALID', `${key} must be true or false`, placed.node));
    return value === true;
  };
  const outcome = (conditions: Condition[]): unknown[] =>
    conditions.map((condition) => {
      const value = condition instanceof Deferred ? prepareCondition(condition, { ...context, variables: context.outcome }, guards) : condition;
      context.deferred(value);
      return encodeValue(value, context.secrets);
    });
  const notify = task.notify.flatMap((each) => compileNotify(task, each, context));
  const vars = Object.entries(task.vars);
  return {
    id: context.id,
    name: nameOf(task, variables),
    resource: task.resource.name,
    params: {},
    ...(task.register === undefined ? {} : { register: task.register }),
    ...(notify.length === 0 ? {} : { notify }),
    ...(task.listen.length === 0 ? {} : { listen: task.listen }),
    ...(flag(task.ignoreErrors, 'ignore_errors') ? { ignoreErrors: true } : {}),
    ...(task.changedWhen.length === 0 ? {} : { changedWhen: outcome(task.changedWhen) }),
    ...(task.failedWhen.length === 0 ? {} : { failedWhen: outcome(task.failedWhen) }),
    ...(flag(task.noLog, 'no_log') ? { noLog: true } : {}),
    ...(task.checkMode === undefined ? {} : { checkMode: flag(task.checkMode, 'check_mode') }),
    ...(vars.length === 0 ? {} : { vars: encodeVars(task.vars, context) }),
    position: task.position,
  };
}

/** The task's own variables that the host may need: those it has to render, or that something it renders may name. */
function encodeVars(vars: Record<string, Value>, context: TaskContext): Record<string, unknown> {
  const prepared: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(vars)) {
    // a mistake in a variable is one only where it is used
    const known = context.variables.prepare(value, NO_GUARDS, () => undefined);
    context.deferred(known);
    prepared[name] = encodeValue(known, context.secrets);
  }
  return prepared;
}

/** What people read; a name that cannot be rendered is shown as it is written. */
export function nameOf(task: TaskSource, variables: Variables): string {
  if (task.name === undefined || task.name === null) return task.resource.name;
  let name: Value = task.name;
  try {
    if (name instanceof Deferred && !variables.mustWait(name, NO_GUARDS)) name = renderValue(name, variables.scope);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
  }
  if (name instanceof Deferred) return name.text;
  return typeof name === 'object' && !(name instanceof Secret) ? task.resource.name : String(name);
}

/** Conditions that the host has to judge stay; the rest are truth values. Nothing after a false one is looked at. */
function compileConditions(conditions: Condition[], context: TaskContext): Condition[] {
  const out: Condition[] = [];
  const guards = new Set<string>();
  for (const condition of conditions) {
    const compiled = condition instanceof Deferred ? prepareCondition(condition, context, guards) : condition;
    out.push(compiled);
    if (compiled === false) break;
    for (const name of guardsOf([compiled])) guards.add(name);
  }
  return out;
}

function prepareCondition(condition: Deferred, context: TaskContext, guards: ReadonlySet<string>): Condition {
  try {
    if (context.variables.mustWait(condition, guards)) return context.variables.withLookups(condition);
    return isTrue(renderValue(condition, context.variables.scope));
  } catch (thrown) {
    context.fail(thrown);
    return true;
  }
}

function guardsOf(conditions: Condition[]): ReadonlySet<string> {
  return new Set(conditions.flatMap((condition) => (condition instanceof Deferred && condition.kind === 'expression' ? [...assuredVariables(condition.text, condition.position)] : [])));
}

/** Expressions that the resource evaluates itself: names must exist, unless the resource is asked whether they do. */
function checkExpressions(value: Value, context: TaskContext, guards: ReadonlySet<string>): void {
  for (const each of [value].flat()) {
    if (!(each instanceof Deferred)) continue;
    try {
      context.variables.mustWait(each, guards);
      if (context.variables.laterNames(each).length === 0) renderValue(each, context.variables.scope);
    } catch (thrown) {
      context.fail(thrown);
    }
  }
}

function compileLoop(task: TaskSource, context: TaskContext, guards: ReadonlySet<string>): Value | undefined {
  if (task.loop === undefined) return undefined;
  const { value, node, flatten } = task.loop;
  let items: Value | undefined;
  const failed = { yes: false };
  items = context.variables.prepare(value, guards, (thrown) => {
    failed.yes = true;
    context.fail(thrown);
  });
  if (failed.yes || items instanceof Deferred) return failed.yes ? [] : items;
  if (flatten && !Array.isArray(items)) items = [items];
  if (!Array.isArray(items)) {
    context.fail(task.source.problem('PLAYBOOK_INVALID', 'loop must be a list', node, 'for a mapping: "{{ x | dict2items }}"'));
    return [];
  }
  return flatten ? items.flat(1) : items;
}

/** With a known item, what only waits for it can be rendered: mistakes in it show before the run. */
function tryItem(task: TaskSource, params: Record<string, Value>, item: Value, context: TaskContext): void {
  const visit = (value: Value): void => {
    if (value instanceof Deferred) {
      if (!context.variables.laterNames(value).every((name) => name === task.loopVar)) return;
      try {
        context.variables.tryWith(value, { [task.loopVar]: item });
      } catch (thrown) {
        context.fail(thrown);
      }
    } else if (value !== null && typeof value === 'object' && !(value instanceof Secret)) {
      Object.values(value).forEach(visit);
    }
  };
  for (const [name, value] of Object.entries(params)) if (task.resource.expressions?.includes(name) !== true) visit(value);
}

function compileNotify(task: TaskSource, { value, node }: Placed<Value>, context: TaskContext): string[] {
  const failed = { yes: false };
  const name = context.variables.prepare(value, NO_GUARDS, (thrown) => {
    failed.yes = true;
    context.fail(thrown);
  });
  if (failed.yes) return [];
  if (typeof name !== 'string') {
    context.fail(task.source.problem('PLAYBOOK_INVALID', 'notify must be the name of a handler, known before the run starts', node));
    return [];
  }
  if (!context.handlerNames.has(name)) {
    context.fail(unknownHandler(task, name, node, context.handlerNames));
    return [];
  }
  return [name];
}

function unknownHandler(task: TaskSource, name: string, node: Placed<Value>['node'], known: ReadonlySet<string>): HsmfleetError {
  const names = [...known].map((each) => `"${each}"`).join(', ');
  return task.source.problem('PLAYBOOK_INVALID', `no handler is called "${name}"`, node, known.size === 0 ? 'the play has no handlers' : `the handlers of the play are ${names}`);
}

/** Names of files per item, when a loop's item decides which file a task takes; undefined when none does. */
function namesByItem(task: TaskSource, context: TaskContext, items: Value[] | undefined): Record<string, string>[] | undefined {
  if (items === undefined) return undefined;
  const params = Object.keys(task.resource.files ?? {}).filter((param) => {
    const value = task.params[param];
    return value instanceof Deferred && context.variables.laterNames(value).includes(task.loopVar);
  });
  if (params.length === 0) return undefined;
  return items.map((item) => Object.fromEntries(params.flatMap((param) => {
    try {
      const name = renderValue(task.params[param] as Deferred, { lookup: (wanted) => (wanted === task.loopVar ? item : context.variables.lookup(wanted)) });
      return [[param, String(name)]];
    } catch {
      // trying the parameters with each item reports it
      return [];
    }
  })));
}

function compileInputs(task: TaskSource, params: Record<string, Value>, context: TaskContext, guards: ReadonlySet<string>, names: Record<string, string>): Record<string, PreparedInput> {
  const inputs: Record<string, PreparedInput> = {};
  for (const [param, kind] of Object.entries(task.resource.files ?? {})) {
    const name = names[param] ?? params[param];
    if (name === undefined || name === null) continue;
    try {
      if (name instanceof Deferred) {
        throw task.source.problem('PLAYBOOK_INVALID', `which ${kind === 'artifact' ? 'artefact' : 'file'} ${task.resource.name}.${param} names must be known before the run starts`, task.placeOf([param], 'value'), 'use only variables that the control host knows');
      }
      // another type is the schema's business
      if (typeof name !== 'string' || name === '') continue;
      if (kind === 'artifact') inputs[param] = artifactInput(task, param, name, params.version, context);
      else inputs[param] = kind === 'blob' ? context.files.blob(task, param, name) : context.files.template(task, param, name, context.variables, guards);
    } catch (thrown) {
      context.fail(thrown);
    }
  }
  return inputs;
}

/** @throws HsmfleetError PLAYBOOK_INVALID, ARTIFACT_MISSING at the place that names it */
function artifactInput(task: TaskSource, param: string, name: string, version: Value | undefined, context: TaskContext): ArtifactInput {
  if (version instanceof Deferred) {
    throw task.source.problem('PLAYBOOK_INVALID', `which version of the artefact "${name}" is wanted must be known before the run starts`, task.placeOf(['version'], 'value'), 'use only variables that the control host knows');
  }
  const wanted = typeof version === 'string' || typeof version === 'number' ? String(version) : undefined;
  const problem = context.artifactProblem(name, wanted);
  if (problem !== undefined) throw task.source.problem('ARTIFACT_MISSING', problem.message, task.placeOf([param], 'value'), problem.hint);
  const position = task.source.positionOf(task.placeOf([param], 'value'));
  return { kind: 'artifact', name, ...(wanted === undefined ? {} : { version: wanted }), candidates: [], position };
}
