import {
  HsmfleetError,
  decodeValue,
  toErrorShape,
  type Diff,
  type ErrorShape,
  type Rendered,
  type WireValue,
} from '@hsmfleet/contract';
import { StepFailedError, type AnyResource, type Inputs, type PlanOutcome, type Step, type StepResult } from '@hsmfleet/resource';
import type { Scope } from '@hsmfleet/template';
import { makeInputs } from './inputs.ts';
import { failedReport, skippedReport, withLines, type ItemReport } from './item-report.ts';
import { renderParams } from './params.ts';
import type { PreparedTask, RunContext } from './run-context.ts';

/** What was done so far: a failure in the middle still tells it. */
interface Progress {
  changes: string[];
  warnings: string[];
  diffs: Diff[];
  results: StepResult[];
}

/**
 * Runs one resource once: render, inspect, plan, and (outside check mode) execute, inspect and plan again, verify.
 * Never throws: whatever goes wrong is the report's error.
 */
export async function runItem(task: PreparedTask, scope: Scope, given: RunContext): Promise<ItemReport> {
  const { diff } = task.planned;
  const context = diff === undefined ? given : { ...given, plan: { ...given.plan, diff } };
  const progress: Progress = { changes: [], warnings: [], diffs: [], results: [] };
  try {
    return await attempt(task, scope, context, progress);
  } catch (thrown) {
    // a program that ran and failed may have changed things all the same
    if (thrown instanceof StepFailedError && thrown.result.code !== -1) progress.changes.push(context.host.describe(thrown.result.step));
    const { changes, warnings, diffs } = progress;
    return failedReport(withPosition(toErrorShape(thrown), task), {
      changes,
      warnings,
      diffs,
      result: thrown instanceof StepFailedError ? outputOf(thrown.result) : {},
    });
  }
}

async function attempt(task: PreparedTask, scope: Scope, context: RunContext, progress: Progress): Promise<ItemReport> {
  const { host, plan, blobPath, session } = context;
  const resource = await loadResource(task, context);
  const check = task.planned.checkMode ?? plan.check;
  if (check && resource.skipInCheck === true) return skippedReport('skipped in check mode');

  const raw = decodeValue(task.planned.params as WireValue, plan.secrets);
  const params = await renderParams(resource, raw, scope, task.planned.position, (secret) => session.redactor.add(secret));
  const inputs = makeInputs(task.planned, plan.secrets, scope, blobPath, host.facts);
  const facts = await resource.inspect(host, params, inputs);
  const first = resource.plan(params, facts, inputs);
  progress.warnings.push(...(first.warnings ?? []));

  if (first.steps.length === 0) return finish(first, {}, progress, context);
  if (check) {
    if (resource.converges === false && first.steps.every((step) => step.kind === 'run')) {
      return skippedReport('the command would have run if not in check mode');
    }
    for (const step of first.steps) await announce(step, context, progress);
    return finish(first, {}, progress, context);
  }
  await executeAll(first.steps, context, progress);

  const after = await confirm(resource, params, facts, inputs, context);
  const told = resource.result?.(params, after.facts, progress.results) ?? {};
  return finish(first, { ...after.outcome?.result, ...told }, progress, context);
}

async function loadResource(task: PreparedTask, context: RunContext): Promise<AnyResource> {
  const resource = await context.resources(task.planned.resource);
  if (resource === undefined) {
    throw new HsmfleetError('AGENT', `this agent has no resource ${task.planned.resource}`, {
      hint: 'the agent and the control host are of different versions: build the agent again',
    });
  }
  return resource;
}

async function announce(step: Step, { host, plan }: RunContext, progress: Progress): Promise<void> {
  // the diff is read before the step runs: afterwards there is nothing to compare with
  if (plan.diff) progress.diffs.push(...(await host.diff(step)));
  progress.changes.push(host.describe(step));
}

/** One after the other until one fails; those that put things back are done all the same. */
async function executeAll(steps: readonly Step[], context: RunContext, progress: Progress): Promise<void> {
  for (const [index, step] of steps.entries()) {
    try {
      await execute(step, context, progress);
    } catch (thrown) {
      for (const later of steps.slice(index + 1)) {
        if (later.kind === 'web_change' && later.always === true) await execute(later, context, progress);
      }
      throw thrown;
    }
  }
}

async function execute(step: Step, context: RunContext, progress: Progress): Promise<void> {
  const line = context.host.describe(step);
  if (context.plan.diff) progress.diffs.push(...(await context.host.diff(step)));
  progress.results.push(await context.host.execute(step, context.execute));
  progress.changes.push(line);
}

/** Looks again: what was asked for must hold now, and be proven where it can lie about itself. */
async function confirm(
  resource: AnyResource,
  params: Record<string, unknown>,
  before: unknown,
  inputs: Inputs,
  { host }: RunContext,
): Promise<{ facts: unknown; outcome?: PlanOutcome }> {
  if (resource.converges === false) {
    await resource.verify?.(host, params, before);
    return { facts: before };
  }
  const facts = await resource.inspect(host, params, inputs);
  const outcome = resource.plan(params, facts, inputs);
  if (outcome.steps.length > 0) {
    const left = outcome.steps.map((step) => host.describe(step));
    throw new HsmfleetError('DID_NOT_CONVERGE', `${resource.name} still differs from what was asked for: ${left.join('; ')}`, {
      hint: 'something else changes it as well, or the change had no effect on this host',
      details: { left },
    });
  }
  await resource.verify?.(host, params, facts);
  return { facts, outcome };
}

function finish(outcome: PlanOutcome, told: Record<string, Rendered>, progress: Progress, { plan, session }: RunContext): ItemReport {
  Object.assign(session.vars, outcome.setVars);
  const changed = outcome.steps.length > 0;
  const result = withLines({
    ...outcome.result,
    ...told,
    ...(outcome.message === undefined ? {} : { msg: outcome.message }),
    ...(plan.diff && progress.diffs.length > 0 ? { diff: progress.diffs as unknown as Rendered } : {}),
  });
  const { changes, warnings, diffs } = progress;
  if (result.failed === true) {
    const message = typeof result.msg === 'string' ? result.msg : 'the task says that it failed';
    return failedReport({ code: 'TASK_FAILED', message }, { changes, warnings, diffs, result });
  }
  return {
    outcome: changed ? 'changed' : 'ok',
    changes,
    warnings,
    diffs,
    ...(outcome.message === undefined ? {} : { message: outcome.message }),
    result: { ...result, changed, failed: false },
  };
}

function outputOf(result: StepResult): Record<string, Rendered> {
  return {
    ...(result.code === undefined ? {} : { rc: result.code }),
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    ...(result.step.kind === 'run' ? { cmd: [...result.step.argv] } : {}),
  };
}

function withPosition(error: ErrorShape, task: PreparedTask): ErrorShape {
  return error.position === undefined ? { ...error, position: task.planned.position } : error;
}
