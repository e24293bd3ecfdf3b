import { Diff, ErrorShape, SourcePosition, TaskOutcome } from '@hsmfleet/contract/schemas';
import { Type, type Static } from '@sinclair/typebox';
import { literals, nullable, page, strict, time } from './shape.ts';

/** How a run stands on a host. */
export const RunStatus = literals('running', 'ok', 'failed', 'refused', 'stopped', 'unreachable');
export type RunStatus = Static<typeof RunStatus>;

/** A run in one line. */
export const RunSummary = Type.Object(
  {
    id: Type.String(),
    playbook: Type.String(),
    user: Type.String(),
    check: Type.Boolean({ description: 'a dry run' }),
    startedAt: time('start'),
    finishedAt: nullable(time('end; null while it goes on or when it was cut off')),
    exitCode: nullable(Type.Integer()),
    hosts: Type.Integer(),
    changed: Type.Integer({ description: 'tasks that changed something, or would, over all hosts' }),
    failed: Type.Integer({ description: 'hosts that failed, refused or were unreachable' }),
  },
  strict,
);
export type RunSummary = Static<typeof RunSummary>;

/** GET /runs */
export const RunList = page(RunSummary);
export type RunList = Static<typeof RunList>;

/** How a run went on one host. */
export const RunHost = Type.Object(
  {
    host: Type.String(),
    status: RunStatus,
    error: nullable(Type.String()),
    ok: Type.Integer(),
    changed: Type.Integer(),
    skipped: Type.Integer(),
    failed: Type.Integer(),
    refused: Type.Integer(),
    ignored: Type.Integer(),
    lastEventAt: time('last event of the host in the run'),
  },
  strict,
);
export type RunHost = Static<typeof RunHost>;

/** GET /runs/:run */
export const RunDetail = Type.Object(
  {
    run: RunSummary,
    version: Type.String({ description: 'of hsmfleet' }),
    durationMs: nullable(Type.Number()),
    live: Type.Boolean({ description: 'not finished: its events are worth following' }),
    hosts: Type.Array(RunHost),
  },
  strict,
);
export type RunDetail = Static<typeof RunDetail>;

/** A task as it ended on a host. */
export const TaskRow = Type.Object(
  {
    task: Type.String({ description: 'play, t or h, index' }),
    name: Type.String(),
    resource: Type.String(),
    handler: Type.Boolean(),
    outcome: TaskOutcome,
    ignored: Type.Boolean({ description: 'failed, but the playbook ignores it' }),
    at: time('when it ended'),
    durationMs: Type.Number(),
    changes: Type.Array(Type.String(), { description: 'what was done, or would be' }),
    diffs: Type.Array(Diff),
    message: nullable(Type.String()),
    error: nullable(ErrorShape),
    position: nullable(SourcePosition),
  },
  strict,
);
export type TaskRow = Static<typeof TaskRow>;

/** GET /runs/:run/hosts/:host */
export const RunHostDetail = Type.Object({ run: RunSummary, host: RunHost, tasks: Type.Array(TaskRow) }, strict);
export type RunHostDetail = Static<typeof RunHostDetail>;

/**
 * The data of each message of GET /runs/:run/events (server-sent events; the message's id is the position to go on from). What a
 * page shows of live progress; the rest of a task is in {@link RunHostDetail}.
 */
export const LiveEvent = Type.Object(
  {
    type: literals('run_started', 'play_started', 'host_started', 'task_started', 'task_finished', 'progress', 'warning', 'host_finished', 'host_unreachable', 'play_stopped', 'run_finished'),
    at: time('when it happened'),
    host: Type.String({ description: 'empty for events of the run itself' }),
    task: nullable(Type.String()),
    name: nullable(Type.String({ description: 'of the task or play' })),
    outcome: nullable(TaskOutcome),
    status: nullable(RunStatus),
    changes: Type.Array(Type.String()),
    message: nullable(Type.String({ description: 'what it says: a warning, an error, progress' })),
    exitCode: nullable(Type.Integer({ description: 'of run_finished' })),
    hosts: nullable(Type.Integer({ description: 'of run_started: hosts that the run is about' })),
  },
  strict,
);
export type LiveEvent = Static<typeof LiveEvent>;
