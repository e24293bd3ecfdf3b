import { HsmfleetError, tasksIn, type AgentFrame, type ControlFrame, type DelegatedReport, type ErrorShape, type Plan, type PlannedStep, type PlannedTask } from '@hsmfleet/contract';
import type { OnceAuthority } from './once-authority.ts';

export type DelegateRequest = Extract<AgentFrame, { type: 'delegate_request' }>;
export type DelegateFrame = Extract<ControlFrame, { type: 'delegate' }>;
/** A person's word on a task: run it, leave it out, or run it and do not ask again. */
export type Confirmation = 'yes' | 'no' | 'continue';

/** What hosts of a batch have to do with each other, and with the person who watches. */
export interface CrossHost {
  once: OnceAuthority;
  /** Has another host do a task. Asked again with the same request, it answers the same. @throws HsmfleetError AGENT when the plan has no such task */
  delegate(from: string, plan: Plan, request: DelegateRequest): Promise<DelegatedReport>;
  confirm(task: string, name: string): Promise<Confirmation>;
}

/** Does something in these steps need other hosts of the batch? */
export function sharesWork(steps: readonly PlannedStep[]): boolean {
  return steps.some((step) => {
    switch (step.kind) {
      case 'block': return [step.block, step.rescue, step.always].some(sharesWork);
      case 'include': return Object.values(step.bodies).some(sharesWork);
      case 'meta': return step.meta === 'end_play' || step.meta === 'end_batch';
      default: return step.runOnce === true;
    }
  });
}

/** Does something in these steps have other hosts do its work? */
export function delegatesWork(steps: readonly PlannedStep[]): boolean {
  for (const task of tasksIn(steps)) if (task.delegateTo !== undefined) return true;
  return false;
}

/**
 * The task that the other host is to do: all but its parameters and texts is taken from the plan, so that an agent can have
 * done elsewhere only what the playbook delegates.
 * @throws HsmfleetError AGENT when the plan does not have it delegated there
 */
export function delegatedTask(plan: Plan, { task: id, to, params, texts, environment }: DelegateRequest): PlannedTask {
  const planned = [...tasksIn(plan.tasks), ...tasksIn(plan.handlers)].find((task) => task.id === id);
  if (planned?.delegateTo === undefined || (typeof planned.delegateTo === 'string' && planned.delegateTo !== to)) {
    throw new HsmfleetError('AGENT', `the agent on ${plan.host} wants ${to} to do a task that its plan does not delegate there`, { host: plan.host });
  }
  const { name, resource, inputs, checkMode, diff, delegateFacts, timeout, position } = planned;
  return {
    id, name, resource, params, position,
    ...(inputs === undefined ? {} : { inputs: Object.fromEntries(Object.entries(inputs).map(([param, input]) => [param, input.kind === 'template' ? { ...input, text: texts[param] } : input])) }),
    ...(checkMode === undefined ? {} : { checkMode }),
    ...(diff === undefined ? {} : { diff }),
    ...(delegateFacts === undefined ? {} : { delegateFacts }),
    ...(typeof timeout === 'number' ? { timeout } : {}),
    ...(environment === undefined ? {} : { environment }),
  };
}

/** A report of a task that another host did not do, or of which nobody knows. @param reached false: nothing was done there */
export function notDone(error: ErrorShape, reached: boolean): DelegatedReport {
  return {
    outcome: 'failed', changes: [], warnings: [], diffs: [], error, ...(reached ? {} : { unreachable: true }),
    result: { changed: false, failed: true, msg: error.message },
  };
}
