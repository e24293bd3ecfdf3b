import { Type, type Static } from '@sinclair/typebox';
import { Artifact } from './artifact.ts';
import { BenchmarkPoint } from './benchmark.ts';
import { ErrorShape, SourcePosition } from './error.ts';
import { HostFacts } from './facts.ts';
import { InventoryReport } from './inventory.ts';
import { CustodyProof } from './manifest.ts';

const strict = { additionalProperties: false };
const literals = <const T extends string[]>(...values: T) => Type.Union(values.map((value) => Type.Literal(value as T[number])));

/** How a task ended on one host. `refused`: stopped for safety, nothing was changed by it. */
export const TaskOutcome = literals('ok', 'changed', 'skipped', 'failed', 'refused');
export type TaskOutcome = Static<typeof TaskOutcome>;

/** A change of one file or setting, for `--diff`. Contents that hold a secret are never in it. */
export const Diff = Type.Object(
  {
    path: Type.String(),
    unified: Type.Optional(Type.String({ description: 'unified diff' })),
    note: Type.Optional(Type.String({ description: 'for what is no text: "mode 0644 -> 0640", "holds a secret: contents not shown"' })),
  },
  strict,
);
export type Diff = Static<typeof Diff>;

/** Counts of one host, computed from its task_finished events. */
export const Counts = Type.Object(
  {
    ok: Type.Integer({ description: 'tasks that ended well, the changed ones included, as Ansible counts' }),
    changed: Type.Integer(),
    skipped: Type.Integer(),
    failed: Type.Integer(),
    refused: Type.Integer(),
    ignored: Type.Integer(),
    rescued: Type.Optional(Type.Integer({ description: 'failures that a rescue section dealt with; nowhere else counted, as in Ansible' })),
    unreachable: Type.Integer(),
  },
  strict,
);
export type Counts = Static<typeof Counts>;

const base = {
  seq: Type.Integer({ minimum: 0, description: 'counts up per host and run; the journal has the same numbers' }),
  at: Type.String({ description: 'ISO 8601 with milliseconds' }),
  run: Type.String(),
  host: Type.String({ description: 'inventory name; empty for events of the run itself' }),
};
const event = <N extends string, P extends Parameters<typeof Type.Object>[0]>(type: N, properties: P) =>
  Type.Object({ ...base, type: Type.Literal(type), ...properties }, strict);

export const TaskFinished = event('task_finished', {
  task: Type.String(),
  name: Type.String(),
  resource: Type.String(),
  handler: Type.Boolean(),
  outcome: TaskOutcome,
  ignored: Type.Boolean({ description: 'failed, but ignore_errors' }),
  rescued: Type.Optional(Type.Boolean({ description: 'failed, but a rescue section of its block goes on from there' })),
  delegatedTo: Type.Optional(Type.String({ description: 'the host that did it in this one\'s stead' })),
  durationMs: Type.Number(),
  changes: Type.Array(Type.String(), { description: 'one line per step done (or, in check mode, to do)' }),
  warnings: Type.Array(Type.String()),
  diffs: Type.Array(Diff),
  message: Type.Optional(Type.String({ description: "what debug, assert or a skipped task's condition says" })),
  error: Type.Optional(ErrorShape),
  result: Type.Optional(Type.Unknown({ description: 'what `register` sees, redacted; absent under no_log' })),
  position: Type.Optional(SourcePosition),
});
export type TaskFinished = Static<typeof TaskFinished>;

export const RunEvent = Type.Union([
  event('run_started', { playbook: Type.String(), user: Type.String(), check: Type.Boolean(), hosts: Type.Array(Type.String()), version: Type.String() }),
  event('run_resumed', { user: Type.String({ description: 'who took the run up again' }), hosts: Type.Array(Type.String()), version: Type.String() }),
  event('play_started', { play: Type.Integer(), name: Type.String(), hosts: Type.Array(Type.String()), tasks: Type.Integer() }),
  event('batch_started', { play: Type.Integer(), batch: Type.Integer(), of: Type.Integer(), hosts: Type.Array(Type.String()) }),
  event('host_started', { agent: Type.String({ description: 'agent version' }), node: Type.String(), uploaded: Type.Array(Type.String(), { description: 'agent, runtime, add-on: what had to be sent' }) }),
  event('facts', { facts: HostFacts }),
  event('task_started', { task: Type.String(), name: Type.String(), resource: Type.String(), handler: Type.Boolean() }),
  event('progress', { task: Type.String(), message: Type.String({ description: 'what a long step does just now, for people' }) }),
  event('item_finished', { task: Type.String(), item: Type.Unknown(), outcome: TaskOutcome, changes: Type.Array(Type.String()), message: Type.Optional(Type.String()), error: Type.Optional(ErrorShape) }),
  TaskFinished,
  event('inventory', { report: InventoryReport }),
  event('custody', { proof: CustodyProof }),
  event('benchmark', { point: BenchmarkPoint }),
  event('artifact', { artifact: Artifact }),
  event('warning', { message: Type.String() }),
  event('host_finished', { play: Type.Integer(), status: literals('ok', 'failed', 'refused', 'stopped'), ends: Type.Optional(literals('play', 'batch', 'fatal', 'clear', 'waits')), error: Type.Optional(ErrorShape) }),
  event('host_unreachable', { error: ErrorShape }),
  event('play_stopped', { play: Type.Integer(), reason: Type.String() }),
  event('run_finished', { counts: Type.Record(Type.String(), Counts), exitCode: Type.Integer(), durationMs: Type.Number() }),
]);
export type RunEvent = Static<typeof RunEvent>;
export type RunEventType = RunEvent['type'];
export type RunEventOf<T extends RunEventType> = Extract<RunEvent, { type: T }>;
/** An event before its producer stamps `seq`, `at`, `run` and `host` on it. */
export type EventBody = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'seq' | 'at' | 'run' | 'host'> : never) : never;

export function emptyCounts(): Counts {
  return { ok: 0, changed: 0, skipped: 0, failed: 0, refused: 0, ignored: 0, unreachable: 0 };
}

/**
 * Sequence numbers from here on belong to events that the control host itself tells about a host (it was reached, it was
 * lost); a host's journal counts from 0 and never comes near.
 */
export const CONTROL_SEQ_BASE = 1_000_000_000;

/** The only place where a recap is computed: adds one event to its host's counts. */
export function countEvent(counts: Record<string, Counts>, event: RunEvent): void {
  if (event.host === '') return;
  const host = (counts[event.host] ??= emptyCounts());
  if (event.type === 'host_unreachable') host.unreachable += 1;
  if (event.type !== 'task_finished') return;
  if (event.ignored) host.ignored += 1;
  switch (event.outcome) {
    case 'ok': host.ok += 1; break;
    case 'changed': host.ok += 1; host.changed += 1; break;
    case 'skipped': host.skipped += 1; break;
    case 'failed':
      if (event.ignored) {
        host.ok += 1;
        if (hasChanged(event)) host.changed += 1;
      } else if (event.rescued === true) host.rescued = (host.rescued ?? 0) + 1;
      else host.failed += 1;
      break;
    case 'refused': host.refused += 1; break;
  }
}

/** A program that failed may have changed things all the same; Ansible counts that when the failure is ignored. */
function hasChanged({ result, changes }: TaskFinished): boolean {
  const told = result !== null && typeof result === 'object' && 'changed' in result ? result.changed : undefined;
  return told === undefined ? changes.length > 0 : told === true;
}

/** Exit code of a run from its counts: 0, 2 (failed or refused), 4 (unreachable), or both bits. */
export function exitCodeOf(counts: Record<string, Counts>): number {
  let code = 0;
  for (const host of Object.values(counts)) {
    if (host.failed + host.refused > 0) code |= 2;
    if (host.unreachable > 0) code |= 4;
  }
  return code;
}
