import {
  HsmfleetError,
  decodeValue,
  toErrorShape,
  type PlannedTask,
  type Rendered,
  type Value,
  type WireValue,
} from '@hsmfleet/contract';
import { hasMarkup, renderText, renderValue, type Scope } from '@hsmfleet/template';
import { clipResult } from './clip-result.ts';
import { decodeConditions, firstFalse } from './condition.ts';
import { taskScope } from './host-variables.ts';
import { failedReport, loopReport, skippedReport, type ItemReport } from './item-report.ts';
import { millisecondsSince } from './elapsed.ts';
import { judge } from './judge.ts';
import type { PreparedTask, RunContext, TaskEnd } from './run-context.ts';
import { runItem } from './run-item.ts';

const HIDDEN = 'hidden, since no_log is set';

/** Runs one task or handler with its condition and loop, registers its result, and emits its events. Never throws. */
export async function runTask(planned: PlannedTask, handler: boolean, context: RunContext): Promise<TaskEnd> {
  const { id: task, resource } = planned;
  const started = process.hrtime();
  let name = planned.name;
  let report: ItemReport;
  try {
    const prepared = prepareTask(planned, handler, context);
    name = renderName(planned, scopeOfTask(prepared, context)({}));
    context.emit({ type: 'task_started', task, name, resource, handler });
    report = planned.loop === undefined ? await runOnce(prepared, {}, context) : await runLoop(prepared, context);
  } catch (thrown) {
    report = failedReport({ position: planned.position, ...toErrorShape(thrown) });
  }
  if (planned.register !== undefined) context.session.vars[planned.register] = report.result;

  const ignored = report.outcome === 'failed' && planned.ignoreErrors === true;
  const shown = planned.noLog === true ? hide(report) : report;
  context.emit({
    type: 'task_finished',
    task,
    name,
    resource,
    handler,
    outcome: report.outcome,
    ignored,
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
    // as in Ansible a task notifies when it changed something, an ignored failure does not
    notified: report.outcome === 'changed' ? (planned.notify ?? []).map(String) : [],
  };
}

function prepareTask(planned: PlannedTask, handler: boolean, { plan }: RunContext): PreparedTask {
  const vars: Record<string, Value> = {};
  for (const [name, value] of Object.entries(planned.vars ?? {})) vars[name] = decodeValue(value as WireValue, plan.secrets);
  return {
    planned,
    handler,
    when: decodeConditions(planned.when, plan.secrets),
    changedWhen: decodeConditions(planned.changedWhen, plan.secrets),
    failedWhen: decodeConditions(planned.failedWhen, plan.secrets),
    vars,
  };
}

function scopeOfTask(task: PreparedTask, context: RunContext): (top: Record<string, Value>) => Scope {
  const layers = { facts: context.facts, play: context.playVars, task: task.vars, session: context.session, extra: context.extraVars };
  return (top) => taskScope(layers, top);
}

/** A name is for people: one that cannot be rendered is shown as it was written. */
function renderName(planned: PlannedTask, scope: Scope): string {
  if (!hasMarkup(planned.name)) return planned.name;
  try {
    return String(renderText(planned.name, scope, planned.position));
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return planned.name;
    throw thrown;
  }
}

async function runOnce(task: PreparedTask, top: Record<string, Value>, context: RunContext): Promise<ItemReport> {
  const scopeWith = (more: Record<string, Value>) => scopeOfTask(task, context)({ ...top, ...more });
  const scope = scopeWith({});
  const no = firstFalse(task.when, scope);
  if (no !== undefined) return skippedReport(`the condition is false: ${no.text}`, { false_condition: no.text });
  return judge(await runItem(task, scope, context), task, scopeWith);
}

/** Every item is run, also after one that failed, as Ansible does. */
async function runLoop(task: PreparedTask, context: RunContext): Promise<ItemReport> {
  const items = renderItems(task, context);
  if (items === undefined) return skippedReport(`the condition is false: ${task.when.map((one) => one.text).join(' and ')}`);
  const loopVar = task.planned.loopVar ?? 'item';
  const done: { item: Rendered; loopVar: string; report: ItemReport }[] = [];
  for (const item of items) {
    let report: ItemReport;
    await context.ready();
    try {
      report = await runOnce(task, { [loopVar]: item, ansible_loop_var: loopVar }, context);
    } catch (thrown) {
      report = failedReport({ position: task.planned.position, ...toErrorShape(thrown) });
    }
    done.push({ item, loopVar, report });
    const shown = task.planned.noLog === true ? hide(report) : report;
    context.emit({
      type: 'item_finished',
      task: task.planned.id,
      item: task.planned.noLog === true ? HIDDEN : item,
      outcome: report.outcome,
      changes: shown.changes,
      ...(shown.message === undefined ? {} : { message: shown.message }),
      ...(shown.error === undefined ? {} : { error: shown.error }),
    });
  }
  return loopReport(done);
}

/** The loop's items; undefined when they cannot be told and the condition says no anyway. */
function renderItems(task: PreparedTask, context: RunContext): Rendered[] | undefined {
  const scope = scopeOfTask(task, context)({});
  let list: Rendered;
  try {
    list = renderValue(decodeValue(task.planned.loop as WireValue, context.plan.secrets), scope);
  } catch (thrown) {
    // `loop: "{{ found.files }}"` with `when: found is defined` skips
    if (thrown instanceof HsmfleetError && thrown.code === 'UNDEFINED_VARIABLE' && firstFalse(task.when, scope)) return undefined;
    throw thrown;
  }
  if (Array.isArray(list)) return list;
  throw new HsmfleetError('PARAMS_INVALID', 'loop needs a list', { position: task.planned.position });
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
