import { Deferred, HsmfleetError, decodeValue, type DelegatedReport, type Rendered, type Value, type WireValue } from '@hsmfleet/contract';
import { renderTemplate, renderValue, type Scope } from '@hsmfleet/template';
import type { ItemReport } from './item-report.ts';
import { renderParams } from './params.ts';
import { handlesPins } from './pin-resources.ts';
import type { PreparedTask, RunContext } from './run-context.ts';

/** Their work is with variables and messages, which are this host's whoever the task is delegated to. */
const NO_HOST_NEEDED: ReadonlySet<string> = new Set(['assert', 'debug', 'fail', 'set_fact']);

/**
 * Has another host do a task, with what this host makes of its parameters and templates. The report is judged and registered here.
 * @param here does it on this host, when that is meant
 * @throws HsmfleetError PARAMS_INVALID when the task may not be done elsewhere, CONNECTION_LOST when the control host is gone
 */
export async function delegate(task: PreparedTask, scope: Scope, context: RunContext, here: () => Promise<ItemReport>): Promise<ItemReport> {
  const { planned } = task;
  const { plan } = context;
  const to = renderValue(decodeValue(planned.delegateTo as WireValue, plan.secrets), scope);
  if (typeof to !== 'string' || to === '') throw new HsmfleetError('PARAMS_INVALID', 'delegate_to must be the name of a host', { position: planned.position });
  if (to === plan.host) return here();
  task.delegatedTo = to;
  if (NO_HOST_NEEDED.has(planned.resource) && planned.delegateFacts !== true) return here();
  if (handlesPins(planned.resource)) {
    throw new HsmfleetError('PARAMS_INVALID', `${planned.resource} cannot be delegated: it may try a PIN, and a host proves its own`, {
      position: planned.position, hint: `write a play for ${to} instead`,
    });
  }
  if (context.control === undefined) throw new HsmfleetError('CONNECTION_LOST', `${to} cannot be asked to do the task: there is no control host`, { position: planned.position });
  const resource = await context.resources(planned.resource);
  if (resource === undefined) throw new HsmfleetError('AGENT', `this agent has no resource ${planned.resource}`);
  const raw = decodeValue(planned.params as WireValue, plan.secrets);
  const params = (await renderParams(resource, raw, scope, planned.position, (secret) => context.session.redactor.add(secret))) as Record<string, Value>;
  task.delegations += 1;
  const report = await context.control.delegate({
    request: `${planned.id}#${String(task.delegations)}`,
    task: planned.id.slice(0, planned.id.length - context.suffix.length),
    to, params, texts: renderTexts(task, scope, context),
    ...(context.log?.wasWaiting(planned.id) === true ? { again: true } : {}),
    ...(planned.environment === undefined ? {} : { environment: renderValue(decodeValue(planned.environment as WireValue, plan.secrets), scope) }),
  });
  return asItemReport(report, to);
}

function renderTexts({ planned }: PreparedTask, scope: Scope, { plan }: RunContext): Record<string, Value> {
  const texts: Record<string, Value> = {};
  for (const [param, input] of Object.entries(planned.inputs ?? {})) {
    if (input.kind !== 'template') continue;
    const text = decodeValue(input.text as WireValue, plan.secrets);
    texts[param] = text instanceof Deferred ? renderTemplate(text, scope, { trimBlocks: true }) : text;
  }
  return texts;
}

function asItemReport({ outcome, changes, warnings, diffs, message, error, unreachable, result }: DelegatedReport, to: string): ItemReport {
  return {
    outcome, changes, warnings, diffs,
    ...(message === undefined ? {} : { message }),
    ...(error === undefined ? {} : { error: error.host === undefined ? { ...error, host: to } : error }),
    result: { ...(result as Record<string, Rendered>), ...(unreachable === true ? { unreachable } : {}) },
  };
}

