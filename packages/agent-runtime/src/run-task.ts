import {
  HsmfleetError,
  decodeValue,
  toErrorShape,
  type PlannedTask,
  type Value,
  type WireValue,
} from '@hsmfleet/contract';
import { hasMarkup, renderText, renderValue, type Scope } from '@hsmfleet/template';
import { clipResult } from './clip-result.ts';
import { decodeConditions, firstFalse } from './condition.ts';
import { decodeAll, stepScope } from './step-scope.ts';
import { failedReport, loopReport, skippedReport, type ItemReport } from './item-report.ts';
import { ControlGoneError } from './control-gone-error.ts';
import { millisecondsSince } from './elapsed.ts';
import { judge } from './judge.ts';
import { loopItems } from './loop-items.ts';
import { rememberFailure } from './remember-failure.ts';
import type { PreparedTask, RunContext, TaskEnd } from './run-context.ts';
import { runItem } from './run-item.ts';

const HIDDEN = 'hidden, since no_log is set';

/** Runs one task or handler with its condition and loop, registers its result, and emits its events. Never throws. */
export async function runTask(planned: PlannedTask, handler: boolean, context: RunContext): Promise<TaskEnd> {
  const { id: task, resource } = planned;
  const started = process.hrtime();
  let name = planned.name;
  let report: ItemReport;
  let delegatedTo: string | undefined;
  let delegations = 0;
  // as in Ansible a task notifies when it changed something, an ignored failure does not
  let notified: readonly string[] = [];
  try {
    const prepared = prepareTask(planned, handler, context);
    name = renderName(planned, scopeOfTask(prepared, context)({}));
    context.emit({ type: 'task_started', task, name, resource, handler });
    report = planned.loop === undefined ? await runEach(prepared, {}, context) : await runLoop(prepared, context).finally(() => { ({ delegations } = prepared); });
    ({ delegatedTo } = prepared);
    notified = report.outcome === 'changed' ? namesOf(planned.notify, prepared, context) : [];
  } catch (thrown) {
    if (thrown instanceof ControlGoneError) return { stop: 'stopped', notified: [], waits: { asked: thrown.asked || delegations > 1 } };
    report = failedReport({ position: planned.position, ...toErrorShape(thrown) });
  }
  if (planned.register !== undefined) context.session.vars[planned.register] = report.result;

  const ignored = report.outcome === 'failed' && (planned.ignoreErrors === true || (planned.ignoreUnreachable === true && report.result.unreachable === true));
  const rescued = report.outcome === 'failed' && !ignored && context.rescuable;
  if (rescued) rememberFailure({ ...planned, name }, report.result, context.session);
  const shown = planned.noLog === true ? hide(report) : report;
  context.emit({
    type: 'task_finished',
    task,
    name,
    resource,
    handler,
    outcome: report.outcome,
    ignored,
    ...(rescued ? { rescued } : {}),
    ...(delegatedTo === undefined ? {} : { delegatedTo }),
    durationMs: millisecondsSince(started),
    changes: shown.changes,
    warnings: shown.warnings,
    diffs: shown.diffs,
    ...(shown.message === undefined ? {} : { message: shown.message }),
    ...(shown.error === undefined ? {} : { error: shown.error }),
    ...(planned.noLog === true ? {} : { result: clipResult(report.result) }),
    position: planned.position,
  });
  return {
    stop: report.outcome === 'refused' ? 'refused' : report.outcome === 'failed' && !ignored ? 'failed' : undefined,
    notified,
    outcome: report.outcome,
    ...(report.outcome === 'failed' && !ignored && planned.anyErrorsFatal === true ? { fatal: true } : {}),
  };
}

/** Names of handlers; those that hold markup are rendered when the task has run, and may come out as a list. */
function namesOf(notify: PlannedTask['notify'], task: PreparedTask, context: RunContext): string[] {
  return (notify ?? []).flatMap((wire) => {
    if (typeof wire === 'string' && !hasMarkup(wire)) return [wire];
    const rendered = renderValue(decodeValue(wire as WireValue, context.plan.secrets), scopeOfTask(task, context)({}));
    return (Array.isArray(rendered) ? rendered : [rendered]).map(String);
  });
}

function prepareTask(planned: PlannedTask, handler: boolean, { plan }: RunContext): PreparedTask {
  return {
    planned,
    handler,
    when: decodeConditions(planned.when, plan.secrets),
    changedWhen: decodeConditions(planned.changedWhen, plan.secrets),
    failedWhen: decodeConditions(planned.failedWhen, plan.secrets),
    until: decodeConditions(planned.until, plan.secrets),
    vars: decodeAll(planned.vars, plan.secrets),
    top: decodeAll(planned.top, plan.secrets),
    delegations: 0,
  };
}

function scopeOfTask({ planned, vars, top }: PreparedTask, context: RunContext): (own: Record<string, Value>) => Scope {
  return stepScope(context, { scope: planned.scope, vars, top });
}

/** A name is for people: one that cannot be rendered is shown as it was written. */
export function renderName(planned: Pick<PlannedTask, 'name' | 'position'>, scope: Scope): string {
  if (!hasMarkup(planned.name)) return planned.name;
  try {
    return String(renderText(planned.name, scope, planned.position));
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return planned.name;
    throw thrown;
  }
}

async function runEach(task: PreparedTask, top: Record<string, Value>, context: RunContext): Promise<ItemReport> {
  const scopeOf = scopeOfTask(task, context);
  const scopeWith = (more: Record<string, Value>) => scopeOf({ ...top, ...more });
  const scope = scopeWith({});
  const no = firstFalse(task.when, scope);
  if (no !== undefined) return skippedReport(`the condition is false: ${no.text}`, { false_condition: no.text });
  const attempt = async (): Promise<ItemReport> => judge(await act(task, scope, context), task, scopeWith);
  return task.until.length === 0 ? attempt() : (await import('./retry.ts')).runUntil(task, scopeWith, context, attempt);
}

/** Does what the task asks for: here, or on the host that it is delegated to. Throws ControlGoneError alone. */
async function act(task: PreparedTask, scope: Scope, context: RunContext): Promise<ItemReport> {
  try {
    const here = (): Promise<ItemReport> => actHere(task, scope, context);
    return task.planned.delegateTo === undefined ? await here() : await (await import('./delegate.ts')).delegate(task, scope, context, here);
  } catch (thrown) {
    if (thrown instanceof ControlGoneError) throw thrown;
    return failedReport({ position: task.planned.position, ...toErrorShape(thrown) });
  }
}

/** Every item is run, also after one that failed, as Ansible does. */
async function runLoop(task: PreparedTask, context: RunContext): Promise<ItemReport> {
  const items = loopItems(task.planned, task.when, scopeOfTask(task, context)({}), context.plan.secrets);
  if (items === undefined) return skippedReport(`the condition is false: ${task.when.map((one) => one.text).join(' and ')}`);
  const loopVar = task.planned.loopVar ?? 'item';
  const { loopControl } = task.planned;
  const controls = loopControl === undefined ? undefined : await import('./loop-variables.ts');
  const { secrets } = context.plan;
  const done: Parameters<typeof loopReport>[0][number][] = [];
  for (const [index, item] of items.entries()) {
    let report: ItemReport;
    let label: Value | undefined;
    const own = controls?.itemVariables(task.planned, items, index) ?? { [loopVar]: item, ansible_loop_var: loopVar };
    await context.ready();
    try {
      if (index > 0) await controls?.pauseBetween(task.planned, scopeOfTask(task, context)(own), secrets, context.signal);
      report = await runEach(task, own, context);
      label = controls?.itemLabel(task.planned, scopeOfTask(task, context)(own), secrets);
    } catch (thrown) {
      if (thrown instanceof ControlGoneError) throw thrown;
      report = failedReport({ position: task.planned.position, ...toErrorShape(thrown) });
    }
    done.push({ item, loopVar, report, ...(loopControl?.indexVar === undefined ? {} : { index: { name: loopControl.indexVar, value: index } }) });
    const shown = task.planned.noLog === true ? hide(report) : report;
    context.emit({
      type: 'item_finished',
      task: task.planned.id,
      item: task.planned.noLog === true ? HIDDEN : (label ?? item),
      outcome: report.outcome,
      changes: shown.changes,
      ...(shown.message === undefined ? {} : { message: shown.message }),
      ...(shown.error === undefined ? {} : { error: shown.error }),
    });
  }
  return loopReport(done);
}

async function actHere(task: PreparedTask, scope: Scope, context: RunContext): Promise<ItemReport> {
  if (task.planned.environment === undefined && task.planned.timeout === undefined) return context.exclusive(() => runItem(task, scope, context));
  const { host, warnings } = (await import('./program-surroundings.ts')).surround(task, scope, context);
  const report = await context.exclusive(() => runItem(task, scope, { ...context, host }));
  return { ...report, warnings: [...warnings, ...report.warnings] };
}

function hide(report: ItemReport): ItemReport {
  const { error } = report;
  const hidden: ItemReport = {
    outcome: report.outcome,
    result: report.result,
    changes: report.changes.map(() => HIDDEN),
    warnings: report.warnings.map(() => HIDDEN),
    diffs: [],
  };
  return error === undefined ? hidden : { ...hidden, error: { code: error.code, message: `failed: ${HIDDEN}` } };
}
