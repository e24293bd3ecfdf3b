import { Type, type Static } from '@sinclair/typebox';
import { SourcePosition } from './error.ts';
import { PreparedToken } from './manifest.ts';

/** Version of the plan and of the frames around it. Both sides state it in their first frame. */
export const PROTOCOL = 2;

const strict = { additionalProperties: false };

/** SHA-256 in lower-case hex. */
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** A file of the control host that travels with the plan. */
export const BlobRef = Type.Object(
  {
    sha256: Sha256,
    size: Type.Integer({ minimum: 0, description: 'bytes' }),
    name: Type.String({ description: "the file's name as the playbook gives it, for messages and diffs" }),
  },
  strict,
);
export type BlobRef = Static<typeof BlobRef>;

/** A package that was built for one kind of host. */
export const ArtifactCandidate = Type.Object(
  {
    format: Type.Union([Type.Literal('deb'), Type.Literal('rpm'), Type.Literal('arch')]),
    architecture: Type.String({ description: "in the package manager's own words: amd64, x86_64, all, noarch, any" }),
    version: Type.String({ description: "the package manager's version, revision included" }),
    inputsSha256: Type.String({ description: 'over all that decided what was built; the package tells it too' }),
    blob: BlobRef,
  },
  strict,
);
export type ArtifactCandidate = Static<typeof ArtifactCandidate>;

/**
 * A package that was built on some host, by name. Right before the plan is sent the control host fills in what it has by
 * then, so that an earlier play of the same run may build it; the host takes the one that fits it, and fetches only that.
 */
export const ArtifactInput = Type.Object(
  {
    kind: Type.Literal('artifact'),
    name: Type.String(),
    version: Type.Optional(Type.String({ description: 'with or without the revision; the one told of last when absent' })),
    candidates: Type.Array(ArtifactCandidate, { description: 'at most one of each format and architecture' }),
    problem: Type.Optional(Type.Object({ message: Type.String(), hint: Type.String() }, { ...strict, description: 'why there are no candidates' })),
    position: SourcePosition,
  },
  strict,
);
export type ArtifactInput = Static<typeof ArtifactInput>;

/** What a task reads besides its parameters: a blob as it is, a package that was built, or template text that the agent renders. */
export const TaskInput = Type.Union([
  Type.Object({ kind: Type.Literal('blob'), blob: BlobRef }, strict),
  ArtifactInput,
  Type.Object(
    {
      kind: Type.Literal('template'),
      name: Type.String(),
      text: Type.Unknown({ description: 'wire value: string, a $template, or the $secret of a file that was encrypted' }),
      encoding: Type.Optional(Type.Literal('base64', { description: 'the text stands for bytes, which are no template' })),
    },
    strict,
  ),
]);
export type TaskInput = Static<typeof TaskInput>;

/** What a loop does besides running its task for each item. */
export const LoopControl = Type.Object(
  {
    indexVar: Type.Optional(Type.String({ description: "name of the variable with the item's index, from 0" })),
    label: Type.Optional(Type.Unknown({ description: 'wire value: what is shown in place of the item' })),
    pause: Type.Optional(Type.Unknown({ description: 'wire value: seconds between two items' })),
    extended: Type.Optional(Type.Boolean({ description: 'gives each item the variable ansible_loop' })),
  },
  strict,
);
export type LoopControl = Static<typeof LoopControl>;

const conditions = Type.Array(Type.Unknown(), { description: 'all must hold: boolean or $expression' });
const variables = Type.Record(Type.String(), Type.Unknown(), { description: 'variables by name, wire values' });
/** Where the variables of a step come from. */
const surroundings = {
  vars: Type.Optional(variables),
  scope: Type.Optional(Type.String({ description: "key of the plan's scopes: variables of the role or file that the step stands in" })),
  top: Type.Optional(variables),
};

/** One task compiled for one host. Values are wire values: see value.ts. */
export const PlannedTask = Type.Object(
  {
    kind: Type.Optional(Type.Literal('task')),
    id: Type.String({ description: 'unique in the run: play index, "t" or "h", task index: "0.t3"' }),
    name: Type.String({ description: 'what people read; may still hold a template' }),
    resource: Type.String(),
    params: Type.Unknown({ description: 'wire value of the parameters' }),
    inputs: Type.Optional(Type.Record(Type.String(), TaskInput)),
    when: Type.Optional(conditions),
    loop: Type.Optional(Type.Unknown({ description: 'wire value: a list, or what renders to one' })),
    loopVar: Type.Optional(Type.String({ description: 'name of the item variable, "item" by default' })),
    loopControl: Type.Optional(LoopControl),
    until: Type.Optional(conditions),
    retries: Type.Optional(Type.Unknown({ description: 'wire value: tries after the first one; 3 by default where there is an until' })),
    delay: Type.Optional(Type.Unknown({ description: 'wire value: seconds between two tries; 5 by default' })),
    timeout: Type.Optional(Type.Unknown({ description: 'wire value: seconds after which the task fails' })),
    register: Type.Optional(Type.String()),
    notify: Type.Optional(Type.Array(Type.Unknown(), { description: 'wire values: names of handlers' })),
    listen: Type.Optional(Type.Array(Type.String(), { description: 'handlers only: further names it answers to' })),
    ignoreErrors: Type.Optional(Type.Boolean()),
    ignoreUnreachable: Type.Optional(Type.Boolean({ description: 'goes on when the host that the task is delegated to cannot be reached' })),
    anyErrorsFatal: Type.Optional(Type.Boolean({ description: 'when the task fails, the play ends for all hosts' })),
    changedWhen: Type.Optional(Type.Array(Type.Unknown())),
    failedWhen: Type.Optional(Type.Array(Type.Unknown())),
    noLog: Type.Optional(Type.Boolean()),
    checkMode: Type.Optional(Type.Boolean({ description: "the task's own check_mode, over the run's" })),
    diff: Type.Optional(Type.Boolean({ description: "the task's own diff, over the run's" })),
    environment: Type.Optional(Type.Unknown({ description: 'wire value: a mapping of texts, for the programs that the task runs' })),
    runOnce: Type.Optional(Type.Boolean({ description: 'one host of the batch runs it; the others take its result' })),
    delegateTo: Type.Optional(Type.Unknown({ description: 'wire value: name of the host that does it in this one\'s stead' })),
    delegateFacts: Type.Optional(Type.Boolean()),
    ...surroundings,
    position: SourcePosition,
  },
  strict,
);
export type PlannedTask = Static<typeof PlannedTask>;

/** Schema and type refer to themselves, so the types are written by hand, and ajv has to be given {@link PlannedStep} beforehand. */
const steps = Type.Array(Type.Unsafe<PlannedStep>(Type.Ref('PlannedStep')));

/** Tasks with what is done when one of them fails, and what is done in any case. Keywords of the block are on its tasks. */
export const PlannedBlock = Type.Object(
  {
    kind: Type.Literal('block'),
    id: Type.String(),
    name: Type.Optional(Type.String()),
    listen: Type.Optional(Type.Array(Type.String(), { description: 'handlers only' })),
    block: steps,
    rescue: steps,
    always: steps,
    position: SourcePosition,
  },
  strict,
);
export interface PlannedBlock {
  kind: 'block';
  id: string;
  name?: string;
  listen?: string[];
  block: PlannedStep[];
  rescue: PlannedStep[];
  always: PlannedStep[];
  position: SourcePosition;
}

/** Something that is done to the run itself. */
export const PlannedMeta = Type.Object(
  {
    kind: Type.Literal('meta'),
    id: Type.String(),
    meta: Type.Union(
      (['flush_handlers', 'end_host', 'end_play', 'end_batch', 'clear_facts', 'clear_host_errors', 'noop'] as const).map((name) => Type.Literal(name)),
    ),
    implicit: Type.Optional(Type.Boolean({ description: 'nobody wrote it: the handlers that run after each part of a play' })),
    when: Type.Optional(conditions),
    ...surroundings,
    position: SourcePosition,
  },
  strict,
);
export type PlannedMeta = Static<typeof PlannedMeta>;

/** An include whose file, condition or items the host decides on: all that it could mean are in `bodies` or `values`. */
export const PlannedInclude = Type.Object(
  {
    kind: Type.Literal('include'),
    id: Type.String(),
    name: Type.String(),
    listen: Type.Optional(Type.Array(Type.String(), { description: 'handlers only' })),
    resource: Type.Union([Type.Literal('include_tasks'), Type.Literal('include_role'), Type.Literal('include_vars')]),
    what: Type.Unknown({ description: 'wire value: key of bodies, or of values' }),
    bodies: Type.Record(Type.String(), steps),
    values: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'include_vars: a mapping, as wire value, per file' })),
    when: Type.Optional(conditions),
    loop: Type.Optional(Type.Unknown()),
    loopVar: Type.Optional(Type.String()),
    loopControl: Type.Optional(LoopControl),
    register: Type.Optional(Type.String()),
    ignoreErrors: Type.Optional(Type.Boolean()),
    runOnce: Type.Optional(Type.Boolean()),
    noLog: Type.Optional(Type.Boolean()),
    ...surroundings,
    position: SourcePosition,
  },
  strict,
);
type IncludeFrame = Omit<Static<typeof PlannedInclude>, 'bodies'>;
export interface PlannedInclude extends IncludeFrame {
  bodies: Record<string, PlannedStep[]>;
}

/** What a play is made of; a step without a `kind` is a task. */
export type PlannedStep = PlannedTask | PlannedBlock | PlannedMeta | PlannedInclude;
export const PlannedStep = Type.Unsafe<PlannedStep>(Type.Union([PlannedTask, PlannedBlock, PlannedMeta, PlannedInclude], { $id: 'PlannedStep' }));

/** One play compiled for one host: all that the agent needs, in one message. */
export const Plan = Type.Object(
  {
    protocol: Type.Literal(PROTOCOL),
    run: Type.String({ pattern: '^[0-9A-Za-z-]{8,64}$' }),
    user: Type.String({ description: 'who started the run, for the lock and the journal' }),
    play: Type.Object({ index: Type.Integer({ minimum: 0 }), name: Type.String() }, strict),
    host: Type.String({ description: 'inventory name' }),
    check: Type.Boolean(),
    diff: Type.Boolean(),
    gatherFacts: Type.Boolean({ description: 'send a facts event first' }),
    tasks: steps,
    handlers: steps,
    vars: Type.Record(Type.String(), Type.Unknown(), {
      description: 'wire values: just the variables that deferred templates may name',
    }),
    scopes: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
      description: 'wire values that stand before vars for the steps of one role or file',
    })),
    forceHandlers: Type.Optional(Type.Boolean({ description: 'handlers that were notified run even when a task failed' })),
    anyErrorsFatal: Type.Optional(Type.Boolean()),
    step: Type.Optional(Type.Boolean({ description: 'a person is asked before each task' })),
    batch: Type.Optional(Type.Array(Type.String(), { description: 'the hosts that run the play at the same time, in order; the host alone by default' })),
    extraVars: Type.Optional(Type.Array(Type.String(), {
      description: 'names in vars that -e gave: they win over what tasks register or set, not over the item of a loop',
    })),
    secrets: Type.Record(Type.String(), Type.Object({ value: Type.String(), origin: Type.String() }, strict), {
      description: 'never journaled',
    }),
    custody: Type.Optional(Type.Array(PreparedToken, {
      description: 'the tokens that were prepared: every token that a task uses on this host must be one of them; absent: no manifests were given',
    })),
    keepWebUndo: Type.Optional(Type.Boolean({ description: 'what changes of the web server replace is kept until the batch is settled' })),
    onDisconnect: Type.Union([Type.Literal('finish'), Type.Literal('stop')]),
  },
  strict,
);
export type Plan = Static<typeof Plan>;
