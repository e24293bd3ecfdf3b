import { HsmfleetError, PROTOCOL, type EventBody, type HostFacts, type Plan, type PlannedStep, type PlannedTask, type Rendered } from '@hsmfleet/contract';
import {
  StepFailedError, defineResource,
  type AnyResource, type ExecuteContext, type PinGate, type ReadHost, type RunProgram, type Step, type StepResult, type WriteHost,
} from '@hsmfleet/resource';
import { Type } from '@sinclair/typebox';
import { createSession, type Session } from './host-variables.ts';
import { runPlan, type PlayStatus, type RunPlanOptions } from './run-plan.ts';

/**
 * What the engine's specs run on. The host is a double on purpose: the engine knows only the port, and its rules about
 * steps that fail, do not converge, or are refused need a host that does so on demand. The real host is under the
 * bundle's integration specs.
 */
export class MemoryHost {
  readonly state = new Map<string, string>();
  readonly executed: string[] = [];
  settle: () => Promise<boolean> = () => Promise.resolve(false);
  recover: () => Promise<void> = () => Promise.resolve();
  readonly facts = { hostname: 'h1', distribution: 'Debian', os_family: 'Debian' } as HostFacts;

  asHost(): WriteHost {
    const port: Pick<WriteHost, 'facts' | 'execute' | 'diff' | 'describe' | 'settleWeb' | 'recoverWeb' | 'readText'> = {
      facts: this.facts,
      readText: (path) => Promise.resolve(this.state.get(path)),
      execute: (step) => this.#execute(step),
      diff: (step) => Promise.resolve(step.kind === 'make_link' ? [{ path: step.path, note: `${this.state.get(step.path) ?? 'absent'} -> ${step.target}` }] : []),
      describe: (step) => (step.kind === 'make_link' ? `set ${step.path}` : step.kind === 'run' ? `run ${step.argv.join(' ')}` : step.kind),
      recoverWeb: async () => {
        await this.recover();
        return false;
      },
      settleWeb: (_: ExecuteContext) => this.settle(),
    };
    return port as WriteHost;
  }

  #execute(step: Step): Promise<StepResult> {
    const result: StepResult = { step, startedAt: 'now', durationMs: 1 };
    if (step.kind === 'make_link') {
      this.executed.push(`set ${step.path}=${step.target}`);
      if (!step.path.startsWith('/stuck')) this.state.set(step.path, step.target);
    }
    if (step.kind === 'run') {
      this.executed.push(step.argv.join(' '));
      const code = step.argv[0] === 'false' ? 1 : 0;
      const ran = { ...result, code, stdout: 'one\ntwo\n', stderr: '' };
      if (code !== 0) return Promise.reject(new StepFailedError('COMMAND_FAILED', 'false ended with exit code 1', ran));
      return Promise.resolve(ran);
    }
    return Promise.resolve(result);
  }
}

/** `entry`: brings a key to a value. The smallest resource with a state. */
const entry = defineResource<{ key: string; value: string }, { now: string | undefined }>({
  name: 'entry',
  summary: 'a key with a value',
  params: Type.Object({ key: Type.String(), value: Type.String(), port: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
  examples: [],
  inspect: async (host: ReadHost, { key }) => ({ now: await host.readText(key) }),
  plan: ({ key, value }, { now }) => ({
    steps: now === value ? [] : [{ kind: 'make_link', path: key, target: value }],
    result: { key, was: now ?? null },
  }),
});

/** `act`: runs a program every time. */
const act = defineResource<{ argv: string[] }, null>({
  name: 'act',
  summary: 'runs a program',
  params: Type.Object({ argv: Type.Array(Type.String()) }, { additionalProperties: false }),
  converges: false,
  examples: [],
  inspect: () => Promise.resolve(null),
  plan: ({ argv }) => ({ steps: [{ kind: 'run', argv, why: 'test' } satisfies RunProgram] }),
  result: (_params, _facts, steps) => ({ rc: steps[0]?.code ?? null, stdout: steps[0]?.stdout ?? '' }),
});

/** `vars`: sets variables. `say`: shows a value. `refuse`: is refused. `login`: takes a secret. `test`: takes expressions. */
const vars = defineResource<Record<string, Rendered>, null>({
  name: 'vars', summary: 'sets variables', params: Type.Object({}, { additionalProperties: true }), examples: [],
  inspect: () => Promise.resolve(null),
  plan: (params) => ({ steps: [], setVars: params }),
});
const say = defineResource<{ msg: unknown }, null>({
  name: 'say', summary: 'shows a value', params: Type.Object({ msg: Type.Unknown() }, { additionalProperties: false }), freeFormParam: 'msg', examples: [],
  inspect: () => Promise.resolve(null),
  plan: ({ msg }) => ({ steps: [], message: String(msg) }),
});
const refuse = defineResource<Record<string, never>, null>({
  name: 'refuse', summary: 'is refused', params: Type.Object({}), examples: [],
  inspect: () => Promise.reject(new HsmfleetError('MODULE_WRITABLE', 'the module is writable')),
  plan: () => ({ steps: [] }),
});
const login = defineResource<{ user: string; password: { reveal(): string } }, null>({
  name: 'login', summary: 'takes a secret', examples: [],
  params: Type.Object({ user: Type.String(), password: Type.Unsafe({ 'x-secret': true }) }, { additionalProperties: false }),
  inspect: () => Promise.resolve(null),
  // a careless resource that blurts the secret out: redaction by value has to catch it
  plan: ({ password }) => ({ steps: [], message: `the password is ${password.reveal()}`, warnings: [`weak: ${password.reveal()}`] }),
});
const test = defineResource<{ that: { expression: string; value: unknown }[] }, null>({
  name: 'test', summary: 'takes expressions', params: Type.Object({ that: Type.Array(Type.String()) }), expressions: ['that'], examples: [],
  inspect: () => Promise.resolve(null),
  plan: ({ that }) => ({ steps: [], message: that.map(({ expression, value }) => `${expression}=${String(value)}`).join(' ') }),
});
const wait = defineResource<Record<string, never>, null>({
  name: 'wait', summary: 'waits', params: Type.Object({}), skipInCheck: true, examples: [],
  inspect: () => Promise.reject(new Error('inspected')),
  plan: () => ({ steps: [] }),
});

const RESOURCES = new Map<string, AnyResource>([entry, act, vars, say, refuse, login, test, wait].map((resource) => [resource.name, resource]));

const NO_PINS: PinGate = { ask: () => Promise.resolve({ go: false, reason: 'no PINs here' }) };

/** A task of a plan; what is not said is left out. */
export function task(id: string, resource: string, params: unknown, more: Partial<PlannedTask> = {}): PlannedTask {
  return { id, name: id, resource, params, position: { file: 'play.yml', line: 3, column: 5 }, ...more };
}

/** An `entry` task. */
export const set = (id: string, key: unknown, value: unknown, more: Partial<PlannedTask> = {}) => task(id, 'entry', { key, value }, more);

export const expression = (text: string) => ({ $expression: text });
export const template = (text: string) => ({ $template: text });

export interface Ran {
  status: PlayStatus;
  events: EventBody[];
  host: MemoryHost;
  session: Session;
  /** The task_finished event of a task. @throws Error when there is none */
  finished(id: string): Extract<EventBody, { type: 'task_finished' }>;
  outcomes: Record<string, string>;
}

/** Runs tasks (and handlers) on a memory host. */
export async function play(tasks: PlannedStep[], more: Partial<Plan> = {}, options: Partial<RunPlanOptions> & { memory?: MemoryHost } = {}): Promise<Ran> {
  const host = options.memory ?? new MemoryHost();
  const session = options.session ?? createSession();
  const events: EventBody[] = [];
  const plan: Plan = {
    protocol: PROTOCOL, run: 'run-00000001', user: 'tester', play: { index: 0, name: 'play' }, host: 'h1', check: false, diff: false,
    gatherFacts: false, tasks, handlers: [], vars: {}, secrets: {}, onDisconnect: 'finish', ...more,
  };
  const status = await runPlan({
    plan, host: host.asHost(), resources: (name) => Promise.resolve(RESOURCES.get(name)), pins: NO_PINS, claims: { claim: () => Promise.resolve({ go: true }) }, session,
    blobPath: (sha256) => `/nowhere/${sha256}`, emit: (body) => events.push(body), ...options,
  });
  const ends = events.filter((event) => event.type === 'task_finished');
  return {
    status, events, host, session,
    finished(id) {
      const found = ends.find((event) => event.task === id);
      if (found === undefined) throw new Error(`no task_finished of ${id}`);
      return found;
    },
    outcomes: Object.fromEntries(ends.map((event) => [event.task, event.ignored ? `${event.outcome}, ignored` : event.outcome])),
  };
}
