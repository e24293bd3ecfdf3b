import { HsmfleetError, decodeValue, toErrorShape, type ErrorShape, type EventBody, type PlannedInclude, type Rendered, type TaskOutcome, type Value, type WireValue } from '@hsmfleet/contract';
import { renderValue } from '@hsmfleet/template';
import { decodeConditions, firstFalse } from './condition.ts';
import { millisecondsSince } from './elapsed.ts';
import { loopItems } from './loop-items.ts';
import { rememberFailure } from './remember-failure.ts';
import type { RunContext } from './run-context.ts';
import { renderName } from './run-task.ts';
import type { BrokenOff, StepWalker } from './run-steps.ts';
import { decodeAll, stepScope } from './step-scope.ts';

/** One thing to include: a body or a mapping, and the variables of the item that asked for it. */
interface Chosen {
  what: string;
  own: Record<string, Rendered>;
  suffix: string;
}

/**
 * Runs an include: decides for each item whether and what is included, then runs the bodies one after the other, as Ansible
 * does. What is included counts as a task that went well.
 */
export async function runInclude(step: PlannedInclude, context: RunContext, handler: boolean, walker: StepWalker): Promise<BrokenOff | undefined> {
  const id = `${step.id}${context.suffix}`;
  const started = process.hrtime();
  const emit = (task: string, outcome: TaskOutcome, more: Partial<Extract<EventBody, { type: 'task_finished' }>>): void => {
    context.emit({
      type: 'task_finished', task, name: step.name, resource: step.resource, handler, outcome, ignored: false, durationMs: millisecondsSince(started),
      changes: [], warnings: [], diffs: [], position: step.position, ...more,
    });
  };
  let chosen: Chosen[];
  try {
    chosen = await choose(step, context);
  } catch (thrown) {
    return fail(step, context, { position: step.position, ...toErrorShape(thrown) }, (more) => { emit(id, 'failed', more); });
  }
  if (step.register !== undefined) context.session.vars[step.register] = registered(step, chosen);
  if (chosen.length === 0) emit(id, 'skipped', { message: 'nothing is included: the condition is false, or there are no items' });
  for (const { what, own, suffix } of chosen) {
    const inner = { ...context, outer: { ...context.outer, ...own }, suffix: `${context.suffix}${suffix}` };
    const name = nameOf(step, inner);
    // Ansible counts an included file, and not an included role: its tasks tell of it
    const told = step.resource !== 'include_role';
    if (told) context.emit({ type: 'task_started', task: `${step.id}${inner.suffix}`, name, resource: step.resource, handler });
    if (step.resource === 'include_vars') Object.assign(context.session.included, decodeValue((step.values ?? {})[what] as WireValue, context.plan.secrets));
    if (told) emit(`${step.id}${inner.suffix}`, 'ok', { name, message: `included: ${what}` });
    const end = await walker.walk(step.bodies[what] ?? [], inner, handler);
    if (end !== undefined) return end;
  }
  return undefined;
}

async function choose(step: PlannedInclude, context: RunContext): Promise<Chosen[]> {
  const { secrets } = context.plan;
  const scopeWith = stepScope(context, { scope: step.scope, vars: decodeAll(step.vars, secrets), top: decodeAll(step.top, secrets) });
  const when = decodeConditions(step.when, secrets);
  const chooseOne = (own: Record<string, Rendered>, suffix: string): Chosen[] => {
    const scope = scopeWith(own);
    if (firstFalse(when, scope) !== undefined) return [];
    const what = renderValue(decodeValue(step.what as WireValue, secrets), scope);
    const known = step.resource === 'include_vars' ? (step.values ?? {}) : step.bodies;
    if (typeof what !== 'string' || !Object.hasOwn(known, what)) throw missing(step, what, Object.keys(known));
    return [{ what, own, suffix }];
  };
  if (step.loop === undefined) return chooseOne({}, '');
  const { itemVariables } = await import('./loop-variables.ts');
  const items = loopItems(step, when, scopeWith({}), secrets) ?? [];
  return items.flatMap((_, index) => chooseOne(itemVariables(step, items, index), `-${String(index)}`));
}

function missing({ resource, position }: PlannedInclude, what: Value, known: readonly string[]): HsmfleetError {
  const kind = resource === 'include_role' ? 'role' : 'file';
  return new HsmfleetError('FILE_MISSING', `${resource} names the ${kind} ${typeof what === 'string' ? `"${what}"` : 'of no name'}, which was not sent along`, {
    position, hint: known.length === 0 ? `no ${kind} fits what the playbook says` : `what it could be: ${[...known].sort().join(', ')}`,
  });
}

function registered({ resource }: PlannedInclude, chosen: readonly Chosen[]): Rendered {
  const skipped = chosen.length === 0;
  return { changed: false, failed: false, skipped, ...(skipped ? {} : { [resource === 'include_vars' ? 'ansible_included_var_files' : 'include']: chosen.map(({ what }) => what) }) };
}

function nameOf(step: PlannedInclude, context: RunContext): string {
  const { secrets } = context.plan;
  return renderName(step, stepScope(context, { scope: step.scope, vars: decodeAll(step.vars, secrets), top: decodeAll(step.top, secrets) })({}));
}

function fail(step: PlannedInclude, context: RunContext, error: ErrorShape, emit: (more: Partial<Extract<EventBody, { type: 'task_finished' }>>) => void): BrokenOff | undefined {
  const ignored = step.ignoreErrors === true;
  const rescued = !ignored && context.rescuable;
  const result = { changed: false, failed: true, msg: error.message };
  if (step.register !== undefined) context.session.vars[step.register] = result;
  if (rescued) rememberFailure(step, result, context.session);
  emit({ error, ignored, ...(rescued ? { rescued } : {}), result });
  return ignored ? undefined : { status: 'failed' };
}

