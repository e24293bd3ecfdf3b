import type { EventBody, Plan, PlannedTask, Value } from '@hsmfleet/contract';
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
}

/** A task with its conditions decoded and its result's place known. */
export interface PreparedTask {
  planned: PlannedTask;
  handler: boolean;
  when: Condition[];
  changedWhen: Condition[];
  failedWhen: Condition[];
  vars: Record<string, Value>;
}

/** How a task ended, for the play's loop. */
export interface TaskEnd {
  /** True when the host must stop: failed and not ignored, or refused. */
  stop: 'failed' | 'refused' | undefined;
  /** Names of handlers to notify. */
  notified: readonly string[];
}

