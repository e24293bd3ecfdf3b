import { HsmfleetError, decodeValue, type Value, type WireValue } from '@hsmfleet/contract';
import { renderValue, type Scope } from '@hsmfleet/template';
import { firstFalse } from './condition.ts';
import { failedReport, type ItemReport } from './item-report.ts';
import { pause } from './pause.ts';
import { handlesPins } from './pin-resources.ts';
import type { PreparedTask, RunContext } from './run-context.ts';

/** Tries after the first one, and seconds between two, where the task does not say. */
const RETRIES = 3;
const DELAY_S = 5;

/**
 * Tries until the conditions of `until` hold, which see the result under the task's register name. The result tells the number
 * of `attempts`, as Ansible counts them. A refusal is for safety and not tried again, and what could cost a PIN try is tried
 * once, whatever the task says.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, PARAMS_INVALID
 */
export async function runUntil(task: PreparedTask, scopeWith: (top: Record<string, Value>) => Scope, context: RunContext, attempt: () => Promise<ItemReport>): Promise<ItemReport> {
  const { planned } = task;
  const wanted = numberOf(task, 'retries', RETRIES, scopeWith({}), context);
  const delay = numberOf(task, 'delay', DELAY_S, scopeWith({}), context);
  const once = handlesPins(planned.resource);
  const tries = once ? 1 : Math.max(0, Math.floor(wanted)) + 1;
  for (let count = 1; ; count += 1) {
    const tried = await attempt();
    if (tried.outcome === 'skipped' || tried.outcome === 'refused') return tried;
    const report: ItemReport = { ...tried, result: { ...tried.result, attempts: count } };
    const no = firstFalse(task.until, scopeWith(planned.register === undefined ? {} : { [planned.register]: report.result }));
    if (no === undefined) return report;
    if (count < tries) {
      context.emit({ type: 'progress', task: planned.id, message: `FAILED - RETRYING: ${planned.noLog === true ? planned.id : planned.name} (${String(tries - count)} retries left)` });
      if (await pause(delay * 1000, context.signal)) continue;
    }
    const error = report.error ?? new HsmfleetError('TASK_FAILED', `${no.text} did not hold after ${String(count)} ${count === 1 ? 'try' : 'tries'}`, {
      position: planned.position,
      ...(once ? { hint: `${planned.resource} may try a PIN, so it is not tried again by itself` } : {}),
    }).toShape();
    const failed = failedReport(error, report);
    // Ansible does not count the last try
    return { ...failed, result: { ...failed.result, changed: report.result.changed ?? false, attempts: Math.max(1, count - 1) } };
  }
}

function numberOf({ planned }: PreparedTask, keyword: 'retries' | 'delay', byDefault: number, scope: Scope, { plan }: RunContext): number {
  if (planned[keyword] === undefined) return byDefault;
  return secondsOf(renderValue(decodeValue(planned[keyword] as WireValue, plan.secrets), scope), keyword, planned.position);
}

/** A number that a playbook gives, as a number or as text. @throws HsmfleetError PARAMS_INVALID */
export function secondsOf(value: unknown, keyword: string, position: PreparedTask['planned']['position']): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return Math.max(0, number);
  throw new HsmfleetError('PARAMS_INVALID', `${keyword} must be a number`, { position });
}
