import { HsmfleetError, type PlannedTask, type Rendered } from '@hsmfleet/contract';
import { isKeepable, type Session } from './host-variables.ts';
import type { RunContext, TaskEnd } from './run-context.ts';

/**
 * Runs a task unless an earlier agent of the same run has: then its end is what it was, and so are the variables that it left
 * behind. A task that was cut off in the middle is run, for resources look before they act; one of a resource that cannot look
 * (`command` and the like) fails, since nobody knows whether it did its work.
 * @param run runs the task in earnest
 */
export async function runTaskOnce(planned: PlannedTask, handler: boolean, context: RunContext, run: () => Promise<TaskEnd>): Promise<TaskEnd> {
  const { log, session } = context;
  if (log === undefined) return run();
  const known = log.recall(planned.id);
  if (known !== undefined && (!log.isDoubtful(planned.id) || !(await converges(planned, context)))) {
    Object.assign(session.vars, known.vars);
    return known.end;
  }
  const cutOff = log.wasCutOff(planned.id) && !(await converges(planned, context));
  const before = { ...session.vars };
  log.begin(planned.id);
  const end = cutOff ? failCutOff(planned, handler, context) : await run();
  if (end.stop === 'stopped') {
    log.wait(planned.id, end.waits?.asked === true);
    return end;
  }
  log.end({ task: planned.id, end, vars: changedVars(before, session) });
  return end;
}

async function converges({ resource }: PlannedTask, { resources }: RunContext): Promise<boolean> {
  return (await resources(resource))?.converges !== false;
}

function changedVars(before: Readonly<Record<string, Rendered>>, session: Session): Record<string, Rendered> {
  return Object.fromEntries(Object.entries(session.vars).filter(([name, value]) => value !== before[name] && isKeepable(value, session)));
}

function failCutOff({ id: task, name, resource, position }: PlannedTask, handler: boolean, context: RunContext): TaskEnd {
  const error = new HsmfleetError('TASK_INTERRUPTED', `"${name}" was cut off in the middle when its agent ended, and ${resource} cannot tell whether it has done its work`, {
    position, hint: 'look at the host; "hsmfleet apply --retry RUN" then runs the play on it from the start. A task with `creates` or another resource can be taken up by itself',
  });
  context.emit({ type: 'task_started', task, name, resource, handler });
  context.emit({ type: 'task_finished', task, name, resource, handler, outcome: 'failed', ignored: false, durationMs: 0, changes: [], warnings: [], diffs: [], error: error.toShape(), position });
  return { stop: 'failed', notified: [] };
}
