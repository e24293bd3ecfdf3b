import { decodeValue, outcomeOf, toErrorShape, type EventBody, type Plan, type Value, type WireValue } from '@hsmfleet/contract';
import type { ExecuteContext, PinGate, WriteHost } from '@hsmfleet/resource';
import { CustodyCheck, withCustody } from './custody-check.ts';
import type { CustodyClaims } from './custody-claims.ts';
import { millisecondsSince } from './elapsed.ts';
import { factVariables, type Session } from './host-variables.ts';
import type { ControlHost, ResourceSource, RunContext } from './run-context.ts';
import { StepWalker, type PlayStatus } from './run-steps.ts';
import { decodeAll } from './step-scope.ts';
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
  /** Other hosts and people; a task that needs them does what it can without when absent. */
  control?: ControlHost;
  /** Runs work when nothing else changes this host; for hosts that others delegate tasks to. */
  exclusive?: RunContext['exclusive'];
  /** What earlier agents of this run did of this play, and where this one writes down what it does. */
  log?: TaskLog;
}

export type { PlayStatus } from './run-steps.ts';

/** The name under which a play keeps what it replaced of the web server. */
export function undoName(run: string, play: number): string {
  return `${run}.${String(play)}`;
}

/** Name of the pseudo resource that reports the settling of web changes at the end of a play. */
export const WEB_SETTLE = 'web_settle';
/** Likewise for what goes wrong before the first task: an unfinished web change that cannot be put back, a broken plan. */
export const PREPARE = 'prepare';

/**
 * Runs one play on this host: facts, tasks until one fails, handlers (when none failed, or as asked), and the settling of web
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
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(plan.keepWebUndo === true ? { keepWebUndo: undoName(plan.run, plan.play.index) } : {}),
  };
  let status: PlayStatus;
  const walker = new StepWalker(plan);
  try {
    // a change that an earlier agent left half-made would be read as facts; check mode changes nothing, not even this
    if (!plan.check && (await host.recoverWeb?.(execute)) === true) given.log?.putBack();
    const context = { ...createContext(options, execute, emit), log: options.log };
    if (plan.gatherFacts) emit({ type: 'facts', facts: host.facts });
    status = await walker.run(context);
  } catch (thrown) {
    status = emitOwnTask(plan, emit, { id: 'prepare', name: 'prepare the host', resource: PREPARE, started: process.hrtime() }, thrown);
  }
  if (!plan.check) {
    const settled = await (options.exclusive ?? ((work) => work()))(() => settleWeb(options, execute, emit));
    if (settled !== undefined) given.log?.putBack();
    if (settled !== undefined && status === 'ok') status = settled;
  }
  emit({ type: 'host_finished', play: plan.play.index, status, ...(walker.ends === undefined ? {} : { ends: walker.ends }) });
  return status;
}

const NO_VARIABLES: Record<string, Value> = {};

function createContext(options: RunPlanOptions, execute: ExecuteContext, emit: RunContext['emit']): RunContext {
  const { plan, host, resources, session, blobPath } = options;
  const playVars: Record<string, Value> = {};
  for (const [name, value] of Object.entries(plan.vars)) playVars[name] = decodeValue(value as WireValue, plan.secrets);
  const extraVars = Object.fromEntries((plan.extraVars ?? []).flatMap((name) => {
    const value = playVars[name];
    return value === undefined ? [] : [[name, value]];
  }));
  const facts = factVariables(host.facts, plan.host, plan.check);
  const scopes = new Map<string, Record<string, Value>>();
  const scopeVars = (name: string | undefined): Record<string, Value> => {
    if (name === undefined) return NO_VARIABLES;
    let vars = scopes.get(name);
    if (vars === undefined) scopes.set(name, (vars = decodeAll(plan.scopes?.[name], plan.secrets)));
    return vars;
  };
  return {
    plan, host, resources, session, blobPath, execute, emit, ready: options.ready ?? (() => Promise.resolve()), facts, playVars, extraVars,
    scopeVars, outer: {}, suffix: '', rescuable: false, signal: options.signal, control: options.control, exclusive: options.exclusive ?? ((work) => work()),
  };
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
