import { Deferred, HsmfleetError, Secret, type ArtifactInput, type LoopControl, type PlannedTask, type SecretTable, type Value } from '@hsmfleet/contract';
import { assuredVariables, isTrue, renderValue } from '@hsmfleet/template';
import { checkParams } from './check-params.ts';
import { compileLoop } from './compile-loop.ts';
import type { ExpandedTask, Frame } from './expanded.ts';
import { asBoolean } from './node-reader.ts';
import type { Condition, LoopSettings, Placed } from './source.ts';
import type { PreparedInput, TaskFiles } from './task-files.ts';
import type { Variables } from './variables.ts';

/** What compiling one task for one host needs. */
export interface TaskContext {
  id: string;
  variables: Variables;
  /** The same for changed_when and failed_when, which see the task's own result as well. */
  outcome: Variables;
  files: TaskFiles;
  /** The same task with an item of its loop as a variable. */
  withItem(item: Value): TaskContext;
  /** Names that a task may notify. */
  handlerNames: ReadonlySet<string>;
  /** Learns of the names that the task notifies; undefined for one that only the host knows. */
  notifies(name: string | undefined): void;
  /** Whether there is a host of that name to delegate to; undefined when there is, else what to say of it. */
  delegateProblem(name: string | undefined): { message: string; hint: string } | undefined;
  secrets: SecretTable;
  /** Why the task cannot have that package; undefined when it is there or may still be built. */
  artifactProblem(name: string, version: string | undefined): ArtifactInput['problem'];
  fail(thrown: unknown): void;
  /** A value as it travels; what the host will have to render of it is noted. */
  encode(value: Value): unknown;
  /** The task's own variables, and those above what tasks register, as far as something that was encoded may name them. */
  surroundings(): Pick<PlannedTask, 'vars' | 'top' | 'scope'>;
}

export const NO_GUARDS: ReadonlySet<string> = new Set();

/**
 * Compiles a task for one host. A loop over files becomes one task per item, since each item needs other bytes; all
 * else is one planned task.
 */
export function compileTask(task: ExpandedTask, context: TaskContext): PlannedTask[] {
  const conditions = compileConditions(task.when, context);
  const guards = guardsOf(conditions);
  if (task.broken) return [{ ...compileFrame(task, context, guards), ...context.surroundings() }];
  if (conditions.includes(false)) return [{ ...compileFrame(task, context, guards), params: {}, when: [false], ...context.surroundings() }];
  const items = compileLoop(task.loop, context, guards, task.frame);
  // what a loop's item decides is looked at with each item
  const known = Array.isArray(items) && !items.some((item) => item instanceof Deferred) ? items : undefined;
  if (known === undefined || !dependsOnItem(task, context)) return [compileOne(task, context, { base: compileFrame(task, context, guards), conditions, guards, items, known })];
  if (task.register !== undefined) {
    context.fail(task.source.problem('PLAYBOOK_INVALID', 'a loop whose files depend on the item cannot be registered', task.resourceNode, 'leave register out, or write one task per file'));
  }
  return known.map((item, index) => {
    const own = context.withItem(item);
    const base = compileFrame(task, own, guards);
    return compileOne(task, own, { base: { ...base, id: `${base.id}-${String(index)}` }, conditions, guards, items: [item], known: undefined });
  });
}

interface Parts {
  base: PlannedTask;
  conditions: Condition[];
  guards: ReadonlySet<string>;
  items: Value | undefined;
  /** Items whose values are known, to look for mistakes with each. */
  known: Value[] | undefined;
}

function compileOne(task: ExpandedTask, context: TaskContext, { base, conditions, guards, items, known }: Parts): PlannedTask {
  const { variables, encode, fail } = context;
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
  const inputs = compileInputs(task, params, context, guards);
  const waiting = conditions.filter((condition) => condition !== true);
  const input = Object.entries(inputs).map(([name, each]) => [name, each.kind !== 'template' ? each : { ...each, text: encode(each.text) }] as const);
  return {
    ...base,
    params: encode(params),
    ...(input.length === 0 ? {} : { inputs: Object.fromEntries(input) as NonNullable<PlannedTask['inputs']> }),
    ...(waiting.length === 0 ? {} : { when: waiting.map(encode) }),
    ...(items === undefined ? {} : { loop: encode(items), ...loopFields(task.control, context) }),
    ...context.surroundings(),
  };
}

/** What a loop says of itself besides its items. */
export function loopFields({ loopVar, indexVar, label, pause, extended }: LoopSettings, { variables, encode, fail }: Pick<TaskContext, 'variables' | 'encode' | 'fail'>): { loopVar?: string; loopControl?: LoopControl } {
  const control: LoopControl = {
    ...(indexVar === undefined ? {} : { indexVar }),
    ...(label === undefined ? {} : { label: encode(variables.prepare(label, NO_GUARDS, fail)) }),
    ...(pause === undefined ? {} : { pause: encode(variables.prepare(pause, NO_GUARDS, fail)) }),
    ...(extended === true ? { extended } : {}),
  };
  return { ...(loopVar === 'item' ? {} : { loopVar }), ...(Object.keys(control).length === 0 ? {} : { loopControl: control }) };
}

/** Reads keywords that are truth values, known before the run. */
export function flagReader({ variables, fail }: Pick<TaskContext, 'variables' | 'fail'>, guards: ReadonlySet<string>): (placed: Placed<Value> | undefined, key: string) => boolean {
  return (placed, key) => {
    if (placed === undefined) return false;
    const value = asBoolean(variables.prepare(placed.value, guards, fail));
    if (value instanceof Deferred) fail(placed.source.problem('PLAYBOOK_INVALID', `${key} must be known before the run starts`, placed.node));
    else if (typeof value !== 'boolean') fail(placed.source.problem('PLAYBOOK_INVALID', `${key} must be true or false`, placed.node));
    return value === true;
  };
}

/** All of a planned task but parameters, inputs, conditions and loop. */
function compileFrame(task: ExpandedTask, context: TaskContext, guards: ReadonlySet<string>): PlannedTask {
  const { variables, fail, encode } = context;
  const flag = flagReader(context, guards);
  const outcome = (conditions: Condition[]): unknown[] =>
    conditions.map((condition) => encode(condition instanceof Deferred ? prepareCondition(condition, { ...context, variables: context.outcome }, guards) : condition));
  const number = (placed: Placed<Value> | undefined, key: string): unknown => {
    if (placed === undefined) return undefined;
    const value = variables.prepare(placed.value, guards, fail);
    if (value instanceof Deferred || (Number.isFinite(Number(value)) && value !== null && Number(value) >= 0 && typeof value !== 'object')) return encode(value instanceof Deferred ? value : Number(value));
    return fail(placed.source.problem('PLAYBOOK_INVALID', `${key} must be a number`, placed.node));
  };
  const notify = task.notify.flatMap((each) => compileNotify(each, context));
  const environment = compileEnvironment(task.environment, context, guards);
  const numbers = Object.entries({ retries: number(task.retries, 'retries'), delay: number(task.delay, 'delay'), timeout: number(task.timeout, 'timeout') }).filter(([, value]) => value !== undefined);
  return {
    id: context.id,
    name: nameOf(task, variables),
    resource: task.resource.name,
    params: {},
    ...(task.register === undefined ? {} : { register: task.register }),
    ...(notify.length === 0 ? {} : { notify }),
    ...(task.listen.length === 0 ? {} : { listen: task.listen }),
    ...(flag(task.ignoreErrors, 'ignore_errors') ? { ignoreErrors: true } : {}),
    ...(flag(task.ignoreUnreachable, 'ignore_unreachable') ? { ignoreUnreachable: true } : {}),
    ...(flag(task.anyErrorsFatal, 'any_errors_fatal') ? { anyErrorsFatal: true } : {}),
    ...(task.changedWhen.length === 0 ? {} : { changedWhen: outcome(task.changedWhen) }),
    ...(task.failedWhen.length === 0 ? {} : { failedWhen: outcome(task.failedWhen) }),
    ...(task.until.length === 0 ? {} : { until: outcome(task.until) }),
    ...Object.fromEntries(numbers),
    ...(flag(task.noLog, 'no_log') ? { noLog: true } : {}),
    ...(task.checkMode === undefined ? {} : { checkMode: flag(task.checkMode, 'check_mode') }),
    ...(task.diff === undefined ? {} : { diff: flag(task.diff, 'diff') }),
    ...(environment === undefined ? {} : { environment }),
    ...(flag(task.runOnce, 'run_once') ? { runOnce: true } : {}),
    ...compileDelegation(task, context, guards),
    position: task.position,
  };
}

function compileDelegation(task: ExpandedTask, context: TaskContext, guards: ReadonlySet<string>): Pick<PlannedTask, 'delegateTo' | 'delegateFacts'> {
  const placed = task.delegateTo;
  if (placed === undefined) return {};
  const name = context.variables.prepare(placed.value, guards, context.fail);
  if (name === null || name === '') return {};
  if (!(name instanceof Deferred) && typeof name !== 'string') {
    context.fail(placed.source.problem('PLAYBOOK_INVALID', 'delegate_to must be the name of a host', placed.node));
    return {};
  }
  const problem = context.delegateProblem(name instanceof Deferred ? undefined : name);
  if (problem !== undefined) {
    context.fail(placed.source.problem('PLAYBOOK_INVALID', problem.message, placed.node, problem.hint));
    return {};
  }
  return { delegateTo: context.encode(name), ...(flagReader(context, guards)(task.delegateFacts, 'delegate_facts') ? { delegateFacts: true } : {}) };
}

/** Mappings from the play to the task, later ones over earlier ones. */
function compileEnvironment(mappings: Placed<Value>[], context: TaskContext, guards: ReadonlySet<string>): unknown {
  const merged: Record<string, Value> = {};
  for (const placed of mappings) {
    const value = context.variables.prepare(placed.value, guards, context.fail);
    if (value === null || value === '') continue;
    if (value instanceof Deferred && mappings.length === 1) return context.encode(value);
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof Secret || value instanceof Deferred) {
      context.fail(placed.source.problem('PLAYBOOK_INVALID', value instanceof Deferred ? 'an environment that only the host knows cannot be joined with another one' : 'environment must be a mapping of names to texts', placed.node, 'write the names out, each with its value'));
      continue;
    }
    for (const [name, each] of Object.entries(value)) merged[name] = typeof each === 'number' || typeof each === 'boolean' ? pythonText(each) : each;
  }
  return Object.keys(merged).length === 0 ? undefined : context.encode(merged);
}

function pythonText(value: number | boolean): string {
  return typeof value === 'number' ? String(value) : value ? 'True' : 'False';
}

/** What people read: the role and the name; a name that cannot be rendered is shown as it is written. */
export function nameOf(step: { name: Value | undefined; resource?: { name: string }; action?: string; what?: Placed<Value> | undefined; frame: Frame }, variables: Variables): string {
  const prefix = step.frame.role === undefined ? '' : `${step.frame.role.name} : `;
  return prefix + bareNameOf(step, variables);
}

/** The name without the role. */
export function bareNameOf(step: { name: Value | undefined; resource?: { name: string }; action?: string; what?: Placed<Value> | undefined }, variables: Variables): string {
  const fallback = step.resource?.name ?? (step.action === 'include_role' && typeof step.what?.value === 'string' ? `include_role : ${step.what.value}` : (step.action ?? ''));
  if (step.name === undefined || step.name === null) return fallback;
  let name: Value = step.name;
  try {
    if (name instanceof Deferred && !variables.mustWait(name, NO_GUARDS)) name = renderValue(name, variables.scope);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
  }
  if (name instanceof Deferred) return name.text;
  return typeof name === 'object' && !(name instanceof Secret) ? fallback : String(name);
}

/** Conditions that the host has to judge stay; the rest are truth values. Nothing after a false one is looked at. */
export function compileConditions(conditions: Condition[], context: TaskContext): Condition[] {
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

export function guardsOf(conditions: Condition[]): ReadonlySet<string> {
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

/** With a known item, what only waits for it can be rendered: mistakes in it show before the run. */
function tryItem(task: ExpandedTask, params: Record<string, Value>, item: Value, context: TaskContext): void {
  const visit = (value: Value): void => {
    if (value instanceof Deferred) {
      if (!context.variables.laterNames(value).every((name) => name === task.control.loopVar)) return;
      try {
        context.variables.tryWith(value, { [task.control.loopVar]: item });
      } catch (thrown) {
        context.fail(thrown);
      }
    } else if (value !== null && typeof value === 'object' && !(value instanceof Secret)) {
      Object.values(value).forEach(visit);
    }
  };
  for (const [name, value] of Object.entries(params)) if (task.resource.expressions?.includes(name) !== true) visit(value);
}

function compileNotify({ value, node, source }: Placed<Value>, context: TaskContext): unknown[] {
  const failed = { yes: false };
  const names = [context.variables.prepare(value, NO_GUARDS, (thrown) => {
    failed.yes = true;
    context.fail(thrown);
  })].flat();
  if (failed.yes) return [];
  return names.flatMap((name) => {
    if (name instanceof Deferred) {
      context.notifies(undefined);
      return [context.encode(name)];
    }
    if (typeof name !== 'string') {
      context.fail(source.problem('PLAYBOOK_INVALID', 'notify must be the name of a handler', node));
      return [];
    }
    if (context.handlerNames.has(name)) {
      context.notifies(name);
      return [name];
    }
    const known = [...context.handlerNames].map((each) => `"${each}"`).join(', ');
    context.fail(source.problem('PLAYBOOK_INVALID', `no handler is called "${name}"`, node, known === '' ? 'the play has no handlers' : `the handlers of the play are ${known}`));
    return [];
  });
}

/** Does the item of the loop decide which file is taken, or what a lookup finds? */
function dependsOnItem(task: ExpandedTask, { variables }: TaskContext): boolean {
  const uses = (value: Value | undefined): value is Deferred => value instanceof Deferred && variables.laterNames(value).includes(task.control.loopVar);
  const looksUp = (value: Value): boolean => {
    if (value instanceof Deferred) return /\b(?:lookup|query|q)\s*\(/.test(value.text) && uses(value);
    return value !== null && typeof value === 'object' && !(value instanceof Secret) && Object.values(value).some((each) => looksUp(each as Value));
  };
  try {
    return Object.keys(task.resource.files ?? {}).some((param) => uses(task.params[param])) || looksUp(task.params);
  } catch {
    // preparing the parameters tells what is wrong
    return false;
  }
}

function compileInputs(task: ExpandedTask, params: Record<string, Value>, context: TaskContext, guards: ReadonlySet<string>): Record<string, PreparedInput> {
  const inputs: Record<string, PreparedInput> = {};
  for (const [param, kind] of Object.entries(task.resource.files ?? {})) {
    const name = params[param];
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
function artifactInput(task: ExpandedTask, param: string, name: string, version: Value | undefined, context: TaskContext): ArtifactInput {
  if (version instanceof Deferred) {
    throw task.source.problem('PLAYBOOK_INVALID', `which version of the artefact "${name}" is wanted must be known before the run starts`, task.placeOf(['version'], 'value'), 'use only variables that the control host knows');
  }
  const wanted = typeof version === 'string' || typeof version === 'number' ? String(version) : undefined;
  const problem = context.artifactProblem(name, wanted);
  if (problem !== undefined) throw task.source.problem('ARTIFACT_MISSING', problem.message, task.placeOf([param], 'value'), problem.hint);
  const position = task.source.positionOf(task.placeOf([param], 'value'));
  return { kind: 'artifact', name, ...(wanted === undefined ? {} : { version: wanted }), candidates: [], position };
}
