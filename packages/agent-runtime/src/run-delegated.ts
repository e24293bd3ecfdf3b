import { PROTOCOL, type ControlFrame, type DelegatedReport, type Plan } from '@hsmfleet/contract';
import type { PinGate, WriteHost } from '@hsmfleet/resource';
import { scopeOf } from '@hsmfleet/template';
import { clipResult } from './clip-result.ts';
import type { Session } from './host-variables.ts';
import { surround } from './program-surroundings.ts';
import type { PreparedTask, ResourceSource, RunContext } from './run-context.ts';
import { runItem } from './run-item.ts';

/** Bytes of a result that travel whole. */
const MAX_RESULT = 4 * 1024 * 1024;

export type DelegateFrame = Extract<ControlFrame, { type: 'delegate' }>;

export interface DelegatedWork {
  frame: DelegateFrame;
  host: WriteHost;
  resources: ResourceSource;
  session: Session;
  blobPath: (sha256: string) => string;
  exclusive: RunContext['exclusive'];
}

const NO_PINS: PinGate = { ask: () => Promise.resolve({ go: false, reason: 'a task that another host delegates tries no PIN' }) };

/** The part of a plan that a delegated task needs: it alone, for what it reads. */
export function planOf({ run, user, host, task, check, diff, secrets }: DelegateFrame): Plan {
  return {
    protocol: PROTOCOL, run, user, play: { index: 0, name: '' }, host, check, diff, gatherFacts: false, tasks: [task], handlers: [], vars: {}, secrets, onDisconnect: 'finish',
  };
}

/**
 * Does a task in another host's stead; its parameters are rendered already, and what comes of it is judged and registered
 * there. Nothing of it is told as an event here. Never throws.
 */
export async function runDelegated({ frame, host, resources, session, blobPath, exclusive }: DelegatedWork): Promise<DelegatedReport> {
  const { task: planned } = frame;
  for (const { value } of Object.values(frame.secrets)) session.redactor.add(value);
  const own: Session = { vars: {}, included: {}, redactor: session.redactor };
  const task: PreparedTask = { planned, handler: false, when: [], changedWhen: [], failedWhen: [], until: [], vars: {}, top: {}, delegations: 0 };
  const context: RunContext = {
    plan: planOf(frame), host, resources, session: own, blobPath, emit: () => undefined, ready: () => Promise.resolve(),
    execute: { pins: NO_PINS, learn: (secret) => session.redactor.add(secret), progress: () => undefined, measured: () => undefined },
    facts: {}, playVars: {}, extraVars: {}, scopeVars: () => ({}), outer: {}, suffix: '', rescuable: false, exclusive,
  };
  const scope = scopeOf();
  const surrounded = surround(task, scope, context);
  const { outcome, changes, warnings, diffs, message, error, result } = await exclusive(() => runItem(task, scope, { ...context, host: surrounded.host }));
  if (planned.delegateFacts === true) Object.assign(session.vars, own.vars);
  const report: DelegatedReport = {
    outcome, changes, warnings: [...surrounded.warnings, ...warnings], diffs,
    ...(message === undefined ? {} : { message }),
    ...(error === undefined ? {} : { error }),
    result: JSON.stringify(result).length > MAX_RESULT ? clipResult(result) : result,
  };
  return session.redactor.value(report);
}
