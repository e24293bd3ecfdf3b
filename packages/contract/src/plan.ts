import { Type, type Static } from '@sinclair/typebox';
import { SourcePosition } from './error.ts';
import { PreparedToken } from './manifest.ts';

/** Version of the plan and of the frames around it. Both sides state it in their first frame. */
export const PROTOCOL = 1;

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
    { kind: Type.Literal('template'), name: Type.String(), text: Type.Unknown({ description: 'wire value: string, or a $template' }) },
    strict,
  ),
]);
export type TaskInput = Static<typeof TaskInput>;

/** One task compiled for one host. Values are wire values: see value.ts. */
export const PlannedTask = Type.Object(
  {
    id: Type.String({ description: 'unique in the run: play index, "t" or "h", task index: "0.t3"' }),
    name: Type.String({ description: 'what people read; may still hold a template' }),
    resource: Type.String(),
    params: Type.Unknown({ description: 'wire value of the parameters' }),
    inputs: Type.Optional(Type.Record(Type.String(), TaskInput)),
    when: Type.Optional(Type.Array(Type.Unknown(), { description: 'all must hold: boolean or $expression' })),
    loop: Type.Optional(Type.Unknown({ description: 'wire value: a list, or what renders to one' })),
    loopVar: Type.Optional(Type.String({ description: 'name of the item variable, "item" by default' })),
    register: Type.Optional(Type.String()),
    notify: Type.Optional(Type.Array(Type.String())),
    listen: Type.Optional(Type.Array(Type.String(), { description: 'handlers only: further names it answers to' })),
    ignoreErrors: Type.Optional(Type.Boolean()),
    changedWhen: Type.Optional(Type.Array(Type.Unknown())),
    failedWhen: Type.Optional(Type.Array(Type.Unknown())),
    noLog: Type.Optional(Type.Boolean()),
    checkMode: Type.Optional(Type.Boolean({ description: "the task's own check_mode, over the run's" })),
    vars: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: "the task's own variables, wire values" })),
    position: SourcePosition,
  },
  strict,
);
export type PlannedTask = Static<typeof PlannedTask>;

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
    tasks: Type.Array(PlannedTask),
    handlers: Type.Array(PlannedTask),
    vars: Type.Record(Type.String(), Type.Unknown(), {
      description: 'wire values: just the variables that deferred templates may name',
    }),
    extraVars: Type.Optional(Type.Array(Type.String(), {
      description: 'names in vars that -e gave: they win over what tasks register or set, not over the item of a loop',
    })),
    secrets: Type.Record(Type.String(), Type.Object({ value: Type.String(), origin: Type.String() }, strict), {
      description: 'never journaled',
    }),
    custody: Type.Optional(Type.Array(PreparedToken, {
      description: 'the tokens that were prepared: every token that a task uses on this host must be one of them; absent: no manifests were given',
    })),
    onDisconnect: Type.Union([Type.Literal('finish'), Type.Literal('stop')]),
  },
  strict,
);
export type Plan = Static<typeof Plan>;
