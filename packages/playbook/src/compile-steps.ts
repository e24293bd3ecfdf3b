import { Deferred, type PlannedInclude, type PlannedMeta, type PlannedStep, type Value } from '@hsmfleet/contract';
import { renderValue } from '@hsmfleet/template';
import { compileLoop } from './compile-loop.ts';
import { compileConditions, compileTask, flagReader, guardsOf, loopFields, nameOf, NO_GUARDS, type TaskContext } from './compile-task.ts';
import { namesOfLoop } from './expand-include.ts';
import { namesSetBy } from './expand-play.ts';
import { tasksOf, type ExpandedInclude, type ExpandedMeta, type ExpandedStep, type ExpandedTask, type IncludeBody } from './expanded.ts';
import type { HostVariables, Own } from './host-variables.ts';
import type { Variables } from './variables.ts';

/** What compiling steps for one host needs of the play. */
export interface StepSurroundings {
  variables: HostVariables;
  /** A context without what the step itself adds. */
  context(frame: ExpandedTask['frame'], variables: Variables): Omit<TaskContext, 'id' | 'variables' | 'outcome' | 'withItem' | 'encode' | 'surroundings' | 'fail'>;
  fail(thrown: unknown, variables: Variables): void;
  /** Called before a step: where files are looked for. */
  enter(frame: ExpandedTask['frame']): void;
  /** Handlers run here: what they register is known to the host from here on. */
  flushed(): void;
}

/** Whether a step runs for certain, when nothing before it fails. */
type Certainty = boolean;

/** Compiles steps for one host, in order. */
export class StepCompiler {
  readonly #around: StepSurroundings;

  constructor(around: StepSurroundings) {
    this.#around = around;
  }

  steps(steps: readonly ExpandedStep[], certain: Certainty): PlannedStep[] {
    return steps.flatMap((step) => this.#step(step, certain));
  }

  #step(step: ExpandedStep, certain: Certainty): PlannedStep[] {
    switch (step.kind) {
      case 'task': return this.task(step);
      case 'meta': return [this.#meta(step)];
      case 'include': return [this.include(step, certain)];
      case 'block': {
        const block = this.steps(step.block, certain);
        const { variables } = this.#around;
        variables.addLater(['ansible_failed_task', 'ansible_failed_result']);
        const rescue = this.steps(step.rescue, false);
        const always = this.steps(step.always, certain);
        const name = typeof step.name === 'string' ? step.name : undefined;
        return [{ kind: 'block', id: step.id, ...(name === undefined ? {} : { name }), block, rescue, always, position: step.position }];
      }
    }
  }

  task(task: ExpandedTask): PlannedStep[] {
    this.#around.enter(task.frame);
    const item = task.loop === undefined ? [] : namesOfLoop(task.control);
    const planned = compileTask(task, this.#context(task, { vars: task.vars, names: new Set(item) }, task.register));
    this.#around.variables.addLater(namesSetBy(task));
    return planned;
  }

  #context(step: ExpandedTask | ExpandedInclude | ExpandedMeta, own: Own, register: string | undefined, item?: { name: string; value: Value }): TaskContext {
    const { variables: host, context, fail } = this.#around;
    const top = item === undefined ? undefined : { [item.name]: item.value };
    const names = item === undefined ? own.names : new Set([...own.names].filter((name) => name !== item.name));
    const variables = host.at(step.frame, { vars: own.vars, names }, top);
    const outcome = register === undefined ? variables : host.at(step.frame, { vars: own.vars, names: new Set([...names, register]) }, top);
    const used = new Set<string>();
    const noted: Own = register === undefined ? own : { vars: own.vars, names: new Set([...own.names, register]) };
    return {
      ...context(step.frame, variables),
      id: step.id, variables, outcome,
      withItem: (value) => this.#context(step, own, register, { name: (step as ExpandedTask).control.loopVar, value }),
      fail: (thrown) => { fail(thrown, variables); },
      encode: (value) => host.encode(value, step.frame, noted, used),
      surroundings: () => host.surroundings(step.frame, own, used),
    };
  }

  #meta(step: ExpandedMeta): PlannedMeta {
    const context = this.#context(step, { vars: step.vars, names: new Set() }, undefined);
    const conditions = compileConditions(step.when, context).filter((condition) => condition !== true);
    if (step.meta === 'flush_handlers') this.#around.flushed();
    return {
      kind: 'meta', id: step.id, meta: step.meta,
      ...(step.implicit ? { implicit: true } : {}),
      ...(conditions.length === 0 ? {} : { when: conditions.includes(false) ? [false] : conditions.map((each) => context.encode(each)) }),
      ...context.surroundings(),
      position: step.position,
    };
  }

  include(step: ExpandedInclude, certain: Certainty): PlannedInclude {
    this.#around.enter(step.frame);
    const { variables: host } = this.#around;
    // the names of its own loop are in the frame already: what is included sees them
    const own: Own = { vars: step.vars, names: step.action === 'include_vars' && step.loop !== undefined ? new Set(namesOfLoop(step.control)) : new Set() };
    const context = this.#context(step, own, undefined);
    const conditions = compileConditions(step.when, context);
    const guards = guardsOf(conditions);
    const flag = flagReader(context, guards);
    const frame: PlannedInclude = {
      kind: 'include', id: step.id, name: nameOf({ ...step, frame: step.frame }, context.variables), resource: step.action as PlannedInclude['resource'], what: '', bodies: {},
      ...(step.listen.length === 0 ? {} : { listen: step.listen }),
      ...(step.register === undefined ? {} : { register: step.register }),
      ...(flag(step.ignoreErrors, 'ignore_errors') ? { ignoreErrors: true } : {}),
      ...(flag(step.runOnce, 'run_once') ? { runOnce: true } : {}),
      ...(flag(step.noLog, 'no_log') ? { noLog: true } : {}),
      position: step.position,
    };
    const names = step.register === undefined ? [] : [step.register];
    if (conditions.includes(false)) {
      host.addLater(names);
      return { ...frame, what: typeof step.key === 'string' ? step.key : '', when: [false], ...context.surroundings() };
    }
    const items = compileLoop(step.loop, context, guards, step.frame);
    const failed = { yes: false };
    const what = context.variables.prepare(step.key ?? '', guards, (thrown) => {
      failed.yes = true;
      context.fail(thrown);
    });
    // what a mistake leaves out would have given names values: one mistake is told once
    if (failed.yes) host.addLater(namesIn([step]));
    const taken = failed.yes ? [] : this.#taken(step, what, items, context);
    const waiting = conditions.filter((condition) => condition !== true);
    const inner = certain && waiting.length === 0 && items === undefined && taken.length === 1;
    const filled = step.action === 'include_vars' ? this.#values(step, taken, context, inner && typeof what === 'string') : this.#bodies(taken, inner);
    host.addLater(names);
    return {
      ...frame, what: context.encode(what), ...filled,
      ...(waiting.length === 0 ? {} : { when: waiting.map((each) => context.encode(each)) }),
      ...(items === undefined ? {} : { loop: context.encode(items), ...loopFields(step.control, context) }),
      ...context.surroundings(),
    };
  }

  /** What the host may take: one thing, those that the items name, or all that the name could mean. */
  #taken(step: ExpandedInclude, what: Value, items: Value | undefined, context: TaskContext): [string, IncludeBody][] {
    const find = (name: Value): [string, IncludeBody][] => {
      const key = String(name);
      const body = step.bodies.get(key);
      if (body !== undefined) {
        for (const error of body.problems.errors) context.fail(error);
        return [[key, body]];
      }
      const at = step.what;
      const known = [...step.bodies.keys()];
      if (at !== undefined) {
        context.fail(at.source.problem('FILE_MISSING', `there is no ${NOUN[step.action] ?? 'file'} "${key}"`, at.node, known.length === 0 ? undefined : `there are ${known.slice(0, 10).join(', ')}`));
      }
      return [];
    };
    if (!(what instanceof Deferred)) return find(what);
    if (Array.isArray(items) && !items.some((item) => item instanceof Deferred)) {
      const names = items.map((item) => {
        try {
          return renderValue(what, { lookup: (name) => (name === step.control.loopVar ? item : context.variables.lookup(name)), lookups: context.variables.scope.lookups });
        } catch {
          return undefined;
        }
      });
      const later = context.variables.laterNames(what).some((name) => !namesOfLoop(step.control).includes(name));
      if (!later && names.every((name) => name !== undefined)) return [...new Set(names)].flatMap((name) => find(name as Value));
    }
    if (step.bodies.size === 0 && step.what !== undefined) {
      context.fail(step.what.source.problem('FILE_MISSING', `nothing is there that the ${NOUN[step.action] ?? 'name'} could be`, step.what.node, 'the name depends on what only the host knows: every file that fits is taken along'));
    }
    for (const body of step.bodies.values()) for (const error of body.problems.errors) context.fail(error);
    return [...step.bodies];
  }

  #bodies(taken: [string, IncludeBody][], certain: Certainty): Pick<PlannedInclude, 'bodies'> {
    const bodies: Record<string, PlannedStep[]> = {};
    for (const [name, body] of taken) bodies[name] = this.steps(body.steps, certain);
    return { bodies };
  }

  #values(step: ExpandedInclude, taken: [string, IncludeBody][], context: TaskContext, certain: Certainty): Pick<PlannedInclude, 'bodies' | 'values'> {
    const { variables: host } = this.#around;
    const values: Record<string, unknown> = {};
    for (const [, body] of taken) {
      const given = body.values ?? {};
      if (certain) host.include(given);
      else host.addLater(Object.keys(given));
    }
    for (const [name, body] of taken) {
      // a mistake in a variable is one only where it is used
      const seen = host.at(step.frame, { vars: { ...step.vars, ...body.values }, names: NO_GUARDS });
      values[name] = context.encode(Object.fromEntries(Object.entries(body.values ?? {}).map(([key, value]) => {
        let broken = false;
        const known = seen.prepare(value, NO_GUARDS, () => { broken = true; });
        return [key, broken ? value : known];
      })));
    }
    return { bodies: {}, values };
  }
}

const NOUN: Readonly<Record<string, string>> = { include_tasks: 'file of tasks', include_role: 'role', include_vars: 'file of variables' };

/** Names that get values in steps, includes and all. */
export function namesIn(steps: readonly ExpandedStep[]): string[] {
  return [...tasksOf(steps)].flatMap((step) => {
    if (step.kind === 'task') return namesSetBy(step);
    if (step.kind === 'meta') return [];
    return [...(step.register === undefined ? [] : [step.register]), ...[...step.bodies.values()].flatMap(({ values }) => Object.keys(values ?? {}))];
  });
}
