import type { PlannedTask, Rendered } from '@hsmfleet/contract';
import { rememberFailure } from './remember-failure.ts';
import type { OnceTold, RunContext, TaskEnd } from './run-context.ts';

/**
 * Runs a task that one host of the batch runs for all. On the others its result is registered and the variables that it set are
 * set; they tell nothing of it, notify nothing, and fail with it, as in Ansible.
 * @param run runs the task on this host
 */
export async function runForAll(planned: PlannedTask, context: RunContext, run: (context: RunContext) => Promise<TaskEnd>): Promise<TaskEnd> {
  const { control, session } = context;
  if (control === undefined) return run(context);
  const told = await control.askOnce(planned.id);
  if (told !== undefined) return takeOver(planned, told, context);
  const written = new Set<string>();
  const vars = new Proxy(session.vars, {
    set(target, name, value: Rendered) {
      written.add(String(name));
      return Reflect.set(target, name, value);
    },
  });
  const end = await run({ ...context, session: { ...session, vars } });
  if (end.stop === 'stopped') return end;
  const left = Object.entries(session.vars).filter(([name]) => written.has(name));
  const result = (planned.register === undefined ? session.vars.ansible_failed_result : session.vars[planned.register]) as Record<string, Rendered> | undefined;
  const outcome = end.outcome ?? end.stop ?? 'ok';
  control.tellOnce(planned.id, {
    outcome, ignored: outcome === 'failed' && end.stop === undefined,
    result: (planned.register !== undefined || end.stop !== undefined ? result : undefined) ?? { failed: end.stop !== undefined, changed: outcome === 'changed' },
    vars: Object.fromEntries(left.filter(([name]) => name !== planned.register && !name.startsWith('ansible_failed_'))),
  });
  return end;
}

function takeOver(planned: PlannedTask, told: OnceTold, { session, rescuable }: RunContext): TaskEnd {
  const { register, anyErrorsFatal } = planned;
  Object.assign(session.vars, told.vars);
  if (register !== undefined) session.vars[register] = told.result;
  const stop = told.outcome === 'refused' ? 'refused' : told.outcome === 'failed' && !told.ignored ? 'failed' : undefined;
  if (stop === 'failed' && rescuable) rememberFailure(planned, told.result, session);
  return { stop, notified: [], elsewhere: true, ...(stop === 'failed' && anyErrorsFatal === true ? { fatal: true } : {}) };
}

/** Has one host of the batch decide something for all. @param decide decides on this host; what it throws leaves the others deciding no */
export async function decideForAll(request: string, { control }: RunContext, decide: () => boolean): Promise<boolean> {
  if (control === undefined) return decide();
  const told = await control.askOnce(request);
  if (told !== undefined) return told.result.decided === true;
  let decided = false;
  try {
    decided = decide();
    return decided;
  } finally {
    control.tellOnce(request, { outcome: 'ok', ignored: false, result: { decided }, vars: {} });
  }
}
