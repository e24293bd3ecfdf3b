import { decodeValue, outcomeOf, tasksIn, toErrorShape, type EventBody, type Plan, type PlannedTask, type Value, type WireValue } from '@hsmfleet/contract';
import type { ExecuteContext, PinGate, WriteHost } from '@hsmfleet/resource';
import { CustodyCheck, withCustody } from './custody-check.ts';
import type { CustodyClaims } from './custody-claims.ts';
import { millisecondsSince } from './elapsed.ts';
import { factVariables, type Session } from './host-variables.ts';
import type { ResourceSource, RunContext } from './run-context.ts';
import { runTask } from './run-task.ts';
import { runTaskOnce } from './run-task-once.ts';
import type { TaskLog } from './task-log.ts';

export interface RunPlanOptions {
  plan: Plan;
  host: WriteHost;
  resources: ResourceSource;
  pins: PinGate;
  /** Asked when the plan came with manifests. */
  claims: CustodyClaims;
  session: Session;
  /** Where the bytes of a blob lie; all that the plan names are there. */
  blobPath: (sha256: string) => string;
  /** Gets every event, redacted. Must not throw. */
  emit: (body: EventBody) => void;
  /** Awaited before each task, handler and item: lets a slow reader of the events catch up, and others be heard. */
  ready?: () => Promise<void>;
  /** Aborting stops after the task that runs. */
  signal?: AbortSignal;
  /** What earlier agents of this run did of this play, and where this one writes down what it does. */
  log?: TaskLog;
}

/** How a play ended on this host. `stopped`: told to stop before it was through. */
export type PlayStatus = 'ok' | 'failed' | 'refused' | 'stopped';

/** Name of the pseudo resource that reports the settling of web changes at the end of a play. */
export const WEB_SETTLE = 'web_settle';
/** Likewise for what goes wrong before the first task: an unfinished web change that cannot be put back, a broken plan. */
export const PREPARE = 'prepare';

/**
 * Runs one play on this host: facts, tasks until one fails, handlers (only when none failed), and the settling of web
 * changes, which happens in any case outside check mode. Everything that happens goes out through `emit`, last of all
 * `host_finished`. Never throws.
 */
export async function runPlan(given: RunPlanOptions): Promise<PlayStatus> {
  const { plan, session } = given;
  for (const { value } of Object.values(plan.secrets)) session.redactor.add(value);
  let task = '';
  const emit = (body: EventBody): void => {
    if (body.type === 'task_started') ({ task } = body);
    given.emit(session.redactor.value(body));
  };
  const host = plan.custody === undefined ? given.host : withCustody(given.host, new CustodyCheck(plan.custody, given.claims, emit));
  const options = { ...given, host };
  const execute: ExecuteContext = {
    pins: options.pins,
    learn: (secret) => session.redactor.add(secret),
    progress: (message) => { emit({ type: 'progress', task, message }); },
    measured: (point) => { emit({ type: 'benchmark', point: { ...point, host: plan.host } }); },
  };
  let status: PlayStatus;
  try {
    // a change that an earlier agent left half-made would be read as facts; check mode changes nothing, not even this
    if (!plan.check && (await host.recoverWeb?.(execute)) === true) given.log?.putBack();
    const context = { ...createContext(options, execute, emit), log: options.log };
    if (plan.gatherFacts) emit({ type: 'facts', facts: host.facts });
    status = await runTasks(context, options);
  } catch (thrown) {
    status = emitOwnTask(plan, emit, { id: 'prepare', name: 'prepare the host', resource: PREPARE, started: process.hrtime() }, thrown);
  }
  if (!plan.check) {
    const settled = await settleWeb(options, execute, emit);
    if (settled !== undefined) given.log?.putBack();
    if (settled !== undefined && status === 'ok') status = settled;
  }
  emit({ type: 'host_finished', play: plan.play.index, status });
  return status;
}

function createContext(options: RunPlanOptions, execute: ExecuteContext, emit: RunContext['emit']): RunContext {
  const { plan, host, resources, session, blobPath } = options;
  const playVars: Record<string, Value> = {};
  for (const [name, value] of Object.entries(plan.vars)) playVars[name] = decodeValue(value as WireValue, plan.secrets);
  const extraVars = Object.fromEntries((plan.extraVars ?? []).flatMap((name) => {
    const value = playVars[name];
    return value === undefined ? [] : [[name, value]];
  }));
  const facts = factVariables(host.facts, plan.host, plan.check);
  return { plan, host, resources, session, blobPath, execute, emit, ready: options.ready ?? (() => Promise.resolve()), facts, playVars, extraVars };
}

async function runTasks(context: RunContext, { signal }: RunPlanOptions): Promise<PlayStatus> {
  const { plan } = context;
  const notified = new Set<string>();
  for (const task of tasksIn(plan.tasks)) {
    await context.ready();
    if (signal?.aborted === true) return 'stopped';
    const end = await runTaskOnce(task, false, context, () => runTask(task, false, context));
    if (end.stop !== undefined) return end.stop;
    for (const name of end.notified) notified.add(name);
  }
  // A handler may notify further ones; each runs at most once, in the order in which they are defined.
  const done = new Set<PlannedTask>();
  for (;;) {
    const next = [...tasksIn(plan.handlers)].find((handler) => !done.has(handler) && answersTo(handler, notified));
    if (next === undefined) return 'ok';
    await context.ready();
    if (signal?.aborted === true) return 'stopped';
    done.add(next);
    const end = await runTaskOnce(next, true, context, () => runTask(next, true, context));
    if (end.stop !== undefined) return end.stop;
    for (const name of end.notified) notified.add(name);
  }
}

function answersTo(handler: PlannedTask, notified: ReadonlySet<string>): boolean {
  return notified.has(handler.name) || (handler.listen ?? []).some((name) => notified.has(name));
}

/** Applies web changes that no task applied; tells only when there was something to tell. Undefined: all is well. */
async function settleWeb({ plan, host }: RunPlanOptions, execute: ExecuteContext, emit: RunContext['emit']): Promise<PlayStatus | undefined> {
  const task: OwnTask = { id: 'web', name: 'apply pending changes of the web server', resource: WEB_SETTLE, started: process.hrtime() };
  try {
    if (await host.settleWeb(execute)) emitOwnTask(plan, emit, task);
    return undefined;
  } catch (thrown) {
    return emitOwnTask(plan, emit, task, thrown);
  }
}

/** Something that the runtime does of its own accord: an event of its own, so that recaps and exit codes count it. */
interface OwnTask {
  id: string;
  name: string;
  resource: string;
  started: [number, number];
}

function emitOwnTask(plan: Plan, emit: RunContext['emit'], own: OwnTask, thrown?: unknown): 'ok' | 'failed' | 'refused' {
  const error = thrown === undefined ? undefined : toErrorShape(thrown);
  const outcome = error === undefined ? 'changed' : outcomeOf(error.code) === 'refused' ? 'refused' : 'failed';
  emit({
    type: 'task_finished',
    task: `${String(plan.play.index)}.${own.id}`,
    name: own.name,
    resource: own.resource,
    handler: false,
    outcome,
    ignored: false,
    durationMs: millisecondsSince(own.started),
    changes: error === undefined ? ['restart or reload the web server and prove that it serves'] : [],
    warnings: [],
    diffs: [],
    ...(error === undefined ? {} : { error }),
  });
  return outcome === 'changed' ? 'ok' : outcome;
}
