import { HsmfleetError, toErrorShape, type Value } from '@hsmfleet/contract';
import type { Scope } from '@hsmfleet/template';
import { firstFalse } from './condition.ts';
import { failedReport, type ItemReport } from './item-report.ts';
import type { PreparedTask } from './run-context.ts';

/**
 * Lets `changed_when` and `failed_when` have their say; both see the result under the task's register name. A refusal
 * is for safety and not theirs to judge, and what was skipped has nothing to judge.
 * @param scopeWith the task's scope with further variables on top
 */
export function judge(report: ItemReport, task: PreparedTask, scopeWith: (top: Record<string, Value>) => Scope): ItemReport {
  if (report.outcome === 'skipped' || report.outcome === 'refused') return report;
  if (task.changedWhen.length === 0 && task.failedWhen.length === 0) return report;
  const { register } = task.planned;
  const scope = scopeWith(register === undefined ? {} : { [register]: report.result });
  try {
    return judgeFailed(judgeChanged(report, task, scope), task, scope);
  } catch (thrown) {
    return failedReport(toErrorShape(thrown), report);
  }
}

function judgeChanged(report: ItemReport, task: PreparedTask, scope: Scope): ItemReport {
  if (task.changedWhen.length === 0) return report;
  const changed = firstFalse(task.changedWhen, scope) === undefined;
  const outcome = report.outcome === 'failed' ? 'failed' : changed ? 'changed' : 'ok';
  return { ...report, outcome, result: { ...report.result, changed } };
}

function judgeFailed(report: ItemReport, task: PreparedTask, scope: Scope): ItemReport {
  if (task.failedWhen.length === 0) return report;
  if (firstFalse(task.failedWhen, scope) === undefined) {
    const texts = task.failedWhen.map((condition) => condition.text).join(' and ');
    const error = report.error ?? new HsmfleetError('TASK_FAILED', `failed_when holds: ${texts}`).toShape();
    const { changed } = report.result;
    const failed = failedReport(error, report);
    return { ...failed, result: { ...failed.result, changed: changed ?? false, failed_when_result: true } };
  }
  const rest = { ...report };
  delete rest.error;
  const outcome = report.result.changed === true ? 'changed' : 'ok';
  return { ...rest, outcome, result: { ...report.result, failed: false, failed_when_result: false } };
}
