import type { DelegatedReport, EventBody, Plan, PlannedTask, Rendered, TaskOutcome, Value } from '@hsmfleet/contract';
import type { AnyResource, ExecuteContext, WriteHost } from '@hsmfleet/resource';
import type { Condition } from './condition.ts';
import type { Session } from './host-variables.ts';
import type { TaskLog } from './task-log.ts';

/** Finds a resource by name; undefined when the agent does not have it. */
export type ResourceSource = (name: string) => Promise<AnyResource | undefined>;

/** What every task of a play shares while it runs on a host. */
export interface RunContext {
  plan: Plan;
  host: WriteHost;
  resources: ResourceSource;
  session: Session;
  /** Where the bytes of a blob lie. */
  blobPath: (sha256: string) => string;
  execute: ExecuteContext;
  /** Redacts and hands on. */
  emit: (body: EventBody) => void;
  /** Awaited between tasks, handlers and items. */
  ready: () => Promise<void>;
  /** Facts as variables, and the play's variables, decoded once. */
  facts: Record<string, Value>;
  playVars: Record<string, Value>;
  /** What earlier agents of this run did of this play, and where this one writes down what it does. */
  log?: TaskLog | undefined;
  /** Those of the play's variables that -e gave. */
  extraVars: Record<string, Value>;
  /** Variables of a role or file, decoded once; none when the plan has none of that name. */
  scopeVars: (scope: string | undefined) => Record<string, Value>;
  /** Variables of the includes around a step: their items. */
  outer: Record<string, Value>;
  /** Tells the tasks of an include's items apart: put behind their ids. */
  suffix: string;
  /** A rescue section is there for what fails here. */
  rescuable: boolean;
  /** Told to stop. */
  signal?: AbortSignal | undefined;
  /** Other hosts and people, as far as they can be reached. */
  control?: ControlHost | undefined;
  /** Runs work when nothing else changes this host. */
  exclusive: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What came of a task that one host ran for all. */
export interface OnceTold {
  outcome: TaskOutcome;
  ignored: boolean;
  result: Record<string, Rendered>;
  /** Variables that it set. */
  vars: Record<string, Rendered>;
}

/** A task that another host is to do, with everything rendered. */
export interface Delegation {
  request: string;
  /** Id in the plan. */
  task: string;
  to: string;
  params: Value;
  texts: Record<string, Value>;
  environment?: Value;
  /** An earlier agent of the run asked for it, and did not hear what came of it. */
  again?: boolean;
}

/** What an agent asks of the control host in the middle of a play. All reject when it is gone: ControlGoneError. */
export interface ControlHost {
  /** Who runs this? `undefined`: this host, which has to {@link tellOnce} what came of it. */
  askOnce(request: string): Promise<OnceTold | undefined>;
  tellOnce(request: string, told: OnceTold): void;
  delegate(delegation: Delegation): Promise<DelegatedReport>;
  /** Does a person want this task to run? */
  confirm(task: string, name: string): Promise<boolean>;
}

/** A task with its conditions decoded and its result's place known. */
export interface PreparedTask {
  planned: PlannedTask;
  handler: boolean;
  when: Condition[];
  changedWhen: Condition[];
  failedWhen: Condition[];
  until: Condition[];
  vars: Record<string, Value>;
  top: Record<string, Value>;
  /** The host that did it, or its last item, in this one's stead. */
  delegatedTo?: string;
  /** How often it had something done elsewhere. */
  delegations: number;
}

/** How a task ended, for the play's loop. */
export interface TaskEnd {
  /** True when the host must stop: failed and not ignored, or refused. */
  stop: 'failed' | 'refused' | 'stopped' | undefined;
  /** Stopped because the control host, which it needs, is gone. `asked`: another host may have done its work. */
  waits?: { asked: boolean };
  /** Names of handlers to notify. */
  notified: readonly string[];
  /** How it ended; told apart from `stop` by what was ignored. */
  outcome?: TaskOutcome;
  /** Another host ran it for this one: nothing was told of it here. */
  elsewhere?: boolean;
  /** It ends the play for all hosts: failed under any_errors_fatal. */
  fatal?: boolean;
}

