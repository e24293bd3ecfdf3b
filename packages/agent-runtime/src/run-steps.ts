import { HsmfleetError, toErrorShape, type Plan, type PlannedBlock, type PlannedMeta, type PlannedStep, type PlannedTask } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { decodeConditions, firstFalse } from './condition.ts';
import { ControlGoneError } from './control-gone-error.ts';
import type { RunContext, TaskEnd } from './run-context.ts';
import { renderName, runTask } from './run-task.ts';
import { runTaskOnce } from './run-task-once.ts';
import { decodeAll, stepScope } from './step-scope.ts';

/** How a play ended on this host. `stopped`: told to stop before it was through. */
export type PlayStatus = 'ok' | 'failed' | 'refused' | 'stopped';

/**
 * What the end of the play on this host means for others. `clear`: hosts that failed take part in later plays. `waits`: it was
 * stopped since the control host, which a task needs, is gone; it goes on when that is back.
 */
export type PlayEnds = 'play' | 'batch' | 'fatal' | 'clear' | 'waits';

/** Why a walk through steps broke off. `ok`: the play ends here, and all is well. */
export interface BrokenOff {
  status: PlayStatus;
  fatal?: boolean;
  /** It went wrong on the host that ran the task for all; told of there. */
  elsewhere?: boolean;
  /** A handler failed: no further ones run. */
  inHandler?: boolean;
}

const STOPPED: BrokenOff = { status: 'stopped' };

/** Walks through the steps of one play on this host: blocks, metas, includes, tasks, and the handlers that they notify. */
export class StepWalker {
  readonly #plan: Plan;
  /** Handlers that were notified and have not run since. */
  readonly #notified = new Set<PlannedStep>();
  /** How often each handler has run: its tasks are told apart by it. */
  readonly #runs = new Map<PlannedStep, number>();
  #flushing = false;
  #ends: PlayEnds | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** What the play's end here means for others; read when {@link StepWalker.run} is through. */
  get ends(): PlayEnds | undefined {
    return this.#ends;
  }

  /** Runs the play's steps and handlers. */
  async run(context: RunContext): Promise<PlayStatus> {
    const { tasks, forceHandlers } = this.#plan;
    const end = await this.walk(tasks, context, false);
    if (end?.fatal === true) this.#ends = 'fatal';
    if (end !== undefined) {
      if (forceHandlers === true && end.status === 'failed' && end.inHandler !== true) await this.#flush(context);
      return end.elsewhere === true ? 'stopped' : end.status;
    }
    // what compiles plays says where handlers run; a plan that does not has them run at its end
    if (tasks.some((step) => step.kind === 'meta' && step.implicit === true)) return 'ok';
    const done = new Set<PlannedStep>();
    let broken: BrokenOff | undefined;
    while (broken === undefined && [...this.#notified].some((handler) => !done.has(handler))) broken = await this.#flush(context, done);
    if (broken?.fatal === true) this.#ends = 'fatal';
    return broken?.status ?? 'ok';
  }

  /** Runs steps one after the other until the walk breaks off; undefined when it came to the end. */
  async walk(steps: readonly PlannedStep[], context: RunContext, handler: boolean): Promise<BrokenOff | undefined> {
    for (const step of steps) {
      await context.ready();
      if (context.signal?.aborted === true) return STOPPED;
      const end = await this.#step(step, context, handler);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  /** Notes that handlers are to run. @throws HsmfleetError PLAYBOOK_INVALID when there is none of that name */
  notify(names: readonly string[], context: RunContext, { position }: Pick<PlannedStep, 'position'>): void {
    for (const name of names) {
      const found = this.#answering(name, context);
      if (found.length === 0) throw new HsmfleetError('PLAYBOOK_INVALID', `no handler is called "${name}"`, { position, hint: 'the name was known only when the task had run' });
      for (const handler of found) this.#notified.add(handler);
    }
  }

  async #step(step: PlannedStep, context: RunContext, handler: boolean): Promise<BrokenOff | undefined> {
    switch (step.kind) {
      case 'block': return this.#block(step, context, handler);
      case 'meta': return this.#meta(step, context);
      case 'include': return (await import('./run-include.ts')).runInclude(step, context, handler, this);
      default: return this.#task(step, context, handler);
    }
  }

  async #task(planned: PlannedTask, context: RunContext, handler: boolean): Promise<BrokenOff | undefined> {
    const task = context.suffix === '' ? planned : { ...planned, id: `${planned.id}${context.suffix}` };
    let wanted = true;
    const { control } = context;
    if (this.#plan.step === true && control !== undefined) {
      const broken = await this.#attempt(task, context, async () => { wanted = await control.confirm(planned.id, planned.name); });
      if (broken !== undefined || !wanted) return broken;
    }
    const run = (own: RunContext): Promise<TaskEnd> => runTaskOnce(task, handler, own, () => runTask(task, handler, own));
    const shared = planned.runOnce === true && (this.#plan.batch?.length ?? 1) > 1;
    let end: TaskEnd = { stop: undefined, notified: [] };
    if (!shared) end = await run(context);
    else {
      const broken = await this.#attempt(task, context, async () => { end = await (await import('./run-shared.ts')).runForAll(task, context, run); });
      if (broken !== undefined) return broken;
    }
    if (end.waits !== undefined) this.#ends = 'waits';
    if (end.stop !== undefined) return { status: end.stop, ...(end.fatal === true ? { fatal: true } : {}), ...(end.elsewhere === true ? { elsewhere: true } : {}) };
    return this.#attempt(task, context, () => { this.notify(end.notified, context, task); });
  }

  async #block({ block, rescue, always }: PlannedBlock, context: RunContext, handler: boolean): Promise<BrokenOff | undefined> {
    let end = await this.walk(block, rescue.length === 0 ? context : { ...context, rescuable: true }, handler);
    // a refusal is for safety: nothing makes good for it
    if (end?.status === 'failed' && rescue.length > 0) end = await this.walk(rescue, context, handler);
    if (end?.status === 'ok' || end?.status === 'stopped') return end;
    const last = await this.walk(always, context, handler);
    if (end?.status === 'refused') return end;
    return last === undefined || (last.status === 'ok' && end !== undefined) ? end : last;
  }

  async #meta(step: PlannedMeta, context: RunContext): Promise<BrokenOff | undefined> {
    let wanted = true;
    const broken = await this.#attempt(step, context, async () => {
      const { secrets } = this.#plan;
      const scope = stepScope(context, { scope: step.scope, vars: decodeAll(step.vars, secrets), top: decodeAll(step.top, secrets) })({});
      const holds = (): boolean => firstFalse(decodeConditions(step.when, secrets), scope) === undefined;
      const shared = (step.meta === 'end_play' || step.meta === 'end_batch') && (this.#plan.batch?.length ?? 1) > 1;
      // the first host of the batch decides for all, as in Ansible
      wanted = shared ? await (await import('./run-shared.ts')).decideForAll(`${step.id}${context.suffix}`, context, holds) : holds();
    });
    if (broken !== undefined || !wanted) return broken;
    switch (step.meta) {
      case 'flush_handlers': return this.#flush(context);
      case 'end_host': return { status: 'ok' };
      case 'end_play':
        this.#ends = 'play';
        return { status: 'ok' };
      case 'end_batch':
        this.#ends = 'batch';
        return { status: 'ok' };
      case 'clear_facts':
        for (const name of Object.keys(context.facts)) if (!KEPT_FACTS.has(name)) Reflect.deleteProperty(context.facts, name);
        context.facts.ansible_facts = {};
        return undefined;
      case 'clear_host_errors':
        this.#ends ??= 'clear';
        return undefined;
      case 'noop': return undefined;
    }
  }

  /** Runs the handlers that were notified, in the order in which they are defined; one that is notified on the way by a later one waits. */
  async #flush(context: RunContext, done = new Set<PlannedStep>()): Promise<BrokenOff | undefined> {
    if (this.#flushing || this.#notified.size === 0) return undefined;
    this.#flushing = true;
    try {
      for (const handler of this.#plan.handlers) {
        if (!this.#notified.delete(handler) || done.has(handler)) continue;
        done.add(handler);
        const run = (this.#runs.get(handler) ?? 0) + 1;
        this.#runs.set(handler, run);
        const end = await this.walk([handler], { ...context, rescuable: false, outer: {}, suffix: run === 1 ? '' : `~${String(run)}` }, true);
        if (end !== undefined) return { ...end, inHandler: true };
      }
      return undefined;
    } finally {
      this.#flushing = false;
    }
  }

  #answering(name: string, context: RunContext): PlannedStep[] {
    const called = this.#plan.handlers.find((handler) => handler.kind !== 'meta' && this.#nameOf(handler, context) === name);
    const listening = this.#plan.handlers.filter((handler) => handler !== called && handler.kind !== 'meta' && handler.listen?.includes(name) === true);
    return called === undefined ? listening : [called, ...listening];
  }

  #nameOf(handler: PlannedTask | PlannedBlock | Extract<PlannedStep, { kind: 'include' }>, context: RunContext): string | undefined {
    const { name, position } = handler;
    if (name === undefined || !hasMarkup(name)) return name;
    const { secrets } = this.#plan;
    const own = handler.kind === 'block' ? { scope: undefined, vars: {}, top: {} } : { scope: handler.scope, vars: decodeAll(handler.vars, secrets), top: decodeAll(handler.top, secrets) };
    return renderName({ name, position }, stepScope(context, own)({}));
  }

  /** What goes wrong besides any task is told as a task of its own. */
  async #attempt(step: PlannedMeta | PlannedTask, context: RunContext, work: () => void | Promise<void>): Promise<BrokenOff | undefined> {
    try {
      await work();
      return undefined;
    } catch (thrown) {
      if (thrown instanceof ControlGoneError) {
        this.#ends = 'waits';
        return STOPPED;
      }
      const [name, resource] = step.kind === 'meta' ? [`meta: ${step.meta}`, 'meta'] : [step.name, step.resource];
      context.emit({
        type: 'task_finished', task: `${step.id}${step.kind === 'meta' ? context.suffix : '.notify'}`, name, resource, handler: false, outcome: 'failed', ignored: false,
        ...(context.rescuable ? { rescued: true } : {}), durationMs: 0, changes: [], warnings: [], diffs: [], error: { position: step.position, ...toErrorShape(thrown) }, position: step.position,
      });
      return { status: 'failed' };
    }
  }
}

/** What is not gathered but told by the plan. */
const KEPT_FACTS: ReadonlySet<string> = new Set(['inventory_hostname', 'ansible_check_mode']);
