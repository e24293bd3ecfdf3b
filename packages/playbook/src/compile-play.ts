import { createSecretTable, Deferred, encodeValue, PROTOCOL, Secret, type Plan, type PlannedTask, type SecretTable, type Value } from '@hsmfleet/contract';
import type { HostEntry } from '@hsmfleet/hosts';
import { isLazy, referencesOf, type Lookups } from '@hsmfleet/template';
import type { Problems } from '@hsmfleet/yaml-source';
import { splitBatches } from './batches.ts';
import { findArtifact } from './bind-artifacts.ts';
import { compileTask, nameOf, type TaskContext } from './compile-task.ts';
import type { HostKnowledge, PlayFacts } from './host-knowledge.ts';
import { Mistakes } from './mistakes.ts';
import type { CompiledPlay, CompileOptions } from './model.ts';
import type { PlaySource, TaskSource } from './source.ts';
import { isSelected } from './tags.ts';
import type { TaskFiles } from './task-files.ts';
import { FACT_NAMES, Variables } from './variables.ts';

/** Variables that tell how to connect and what token to expect; handed to the runner, rendered. */
const CONNECTION_VARIABLE = /^(?:ansible_(?:host|port|user|connection|password|timeout|private_key_file|ssh_\w+|become(?:_\w+)?)|hsmfleet_manifests|hsmfleet_manifest_keys)$/;

/** What compiling a play needs besides its source. */
export interface PlaySurroundings {
  options: CompileOptions;
  problems: Problems;
  knowledge: HostKnowledge;
  files: TaskFiles;
  lookups: Lookups;
  /** Variables of the play by precedence, lowest first: vars, vars_prompt, vars_files (which may differ by host). */
  varsOf(host: HostEntry): Record<string, Value>[];
  /** False when some variables could not be read. */
  complete: boolean;
  /** Names that earlier plays registered or set, per host. */
  remembered: Map<string, Set<string>>;
  /** Names of packages that tasks of the playbook build; undefined for one that is known only when it is built. */
  built: ReadonlySet<string | undefined>;
  /** Names that any task of the playbook registers or sets, for hints. */
  everRegistered: ReadonlySet<string>;
}

/** Compiles one play for all of its hosts. Mistakes go to the problems. */
export function compilePlay(play: PlaySource, index: number, hosts: string[], around: PlaySurroundings): CompiledPlay {
  const { options, problems } = around;
  const batches = splitBatches(hosts, play.serial);
  const name = play.name ?? play.hosts.value;
  const facts: PlayFacts = { name, hosts, batchOf: (host) => batches.find((batch) => batch.includes(host)) ?? hosts };
  const tasks = play.tasks.filter((task) => isSelected(task.tags, options.tags, options.skipTags));
  const mistakes = new Mistakes();
  const plans = new Map<string, Plan>();
  const connection = new Map<string, Record<string, Value>>();
  for (const host of options.only === undefined ? hosts : hosts.filter((each) => options.only?.has(each))) {
    const compiler = new HostCompiler(play, { index, name, facts, tasks }, options.hosts.find(host) as HostEntry, around, mistakes);
    plans.set(host, compiler.plan());
    connection.set(host, compiler.connection());
  }
  mistakes.moveTo(problems, hosts.length, around.complete);
  return {
    index, name, position: play.position, hosts, batches, plans, connection,
    ...(play.maxFailPercentage === undefined ? {} : { maxFailPercentage: play.maxFailPercentage }),
    anyErrorsFatal: play.anyErrorsFatal,
    become: play.become ?? false,
    becomeUser: play.becomeUser ?? 'root',
  };
}

interface PlayFrame {
  index: number;
  name: string;
  facts: PlayFacts;
  /** Selected by tags. */
  tasks: TaskSource[];
}

/** Compiles one play for one host. */
class HostCompiler {
  readonly #play: PlaySource;
  readonly #frame: PlayFrame;
  readonly #host: HostEntry;
  readonly #around: PlaySurroundings;
  readonly #mistakes: Mistakes;
  readonly #layers: Record<string, Value>[];
  readonly #later: Set<string>;
  readonly #secrets: SecretTable = createSecretTable();
  /** Names that the host may have to look up. */
  readonly #needed = new Set<string>();
  readonly #extra: Record<string, Value>;

  constructor(play: PlaySource, frame: PlayFrame, host: HostEntry, around: PlaySurroundings, mistakes: Mistakes) {
    this.#play = play;
    this.#frame = frame;
    this.#host = host;
    this.#around = around;
    this.#mistakes = mistakes;
    this.#extra = around.options.extraVars ?? {};
    this.#layers = [play.connection, host.vars, ...around.varsOf(host), around.knowledge.magic(host, frame.facts)];
    this.#later = new Set([...FACT_NAMES, ...(around.remembered.get(host.name) ?? [])]);
  }

  plan(): Plan {
    const { options } = this.#around;
    const { index, name } = this.#frame;
    const handlerNames = this.#handlerNames();
    const tasks: PlannedTask[] = [];
    this.#frame.tasks.forEach((task, position) => {
      tasks.push(...compileTask(task, this.#context(task, `${String(index)}.t${String(position)}`, handlerNames)));
      for (const each of namesSetBy(task)) this.#later.add(each);
    });
    const handlers = this.#play.handlers.flatMap((task, position) => {
      const planned = compileTask(task, this.#context(task, `${String(index)}.h${String(position)}`, handlerNames));
      for (const each of namesSetBy(task)) this.#later.add(each);
      return planned;
    });
    this.#around.remembered.set(this.#host.name, new Set([...this.#later].filter((each) => !FACT_NAMES.has(each))));
    return {
      protocol: PROTOCOL, run: options.run, user: options.user, play: { index, name }, host: this.#host.name,
      check: options.check, diff: options.diff, gatherFacts: this.#play.gatherFacts, tasks, handlers,
      ...this.#shippedVars(), secrets: this.#secrets.entries, onDisconnect: 'finish',
    };
  }

  connection(): Record<string, Value> {
    const variables = this.#variables({}, new Set());
    const names = new Set([...this.#layers.flatMap((layer) => Object.keys(layer)), ...Object.keys(this.#extra)]);
    const found: Record<string, Value> = {};
    for (const name of names) {
      if (!CONNECTION_VARIABLE.test(name) || FACT_NAMES.has(name)) continue;
      const value = variables.prepare({ [name]: variables.lookup(name) ?? null }, new Set(), (thrown) => {
        this.#fail(thrown, variables);
      }) as Record<string, Value>;
      Object.assign(found, value);
    }
    return found;
  }

  /** @param own names that the task itself gives a value to, which win even over -e */
  #variables(taskVars: Record<string, Value>, later: ReadonlySet<string>, own: readonly string[] = []): Variables {
    // magic variables are the last layer of the play; a task's own come before them
    const magic = this.#layers.at(-1) as Record<string, Value>;
    const extra = own.length === 0 ? this.#extra : Object.fromEntries(Object.entries(this.#extra).filter(([name]) => !own.includes(name)));
    return new Variables([...this.#layers.slice(0, -1), taskVars, magic], new Set([...later, ...own]), extra, this.#around.lookups);
  }

  #context(task: TaskSource, id: string, handlerNames: ReadonlySet<string>): TaskContext {
    const item = task.loop === undefined ? [] : [task.loopVar];
    const variables = this.#variables(task.vars, this.#later, item);
    const outcome = task.register === undefined ? variables : this.#variables(task.vars, this.#later, [...item, task.register]);
    const taskVars = Object.keys(task.vars).filter((name) => !Object.hasOwn(this.#extra, name));
    return {
      id, variables, outcome, handlerNames, files: this.#around.files, secrets: this.#secrets,
      artifactProblem: (wanted, version) => {
        const { options: { artifacts }, built } = this.#around;
        return artifacts === undefined || built.has(wanted) || built.has(undefined) ? undefined : findArtifact(wanted, version, artifacts()).problem;
      },
      fail: (thrown) => {
        this.#fail(thrown, variables);
      },
      deferred: (value) => {
        this.#collect(value, new Set([...taskVars, ...item]));
      },
    };
  }

  #fail(thrown: unknown, variables: Variables): void {
    this.#mistakes.add(thrown, this.#host.name, () => [...variables.names(), ...this.#around.everRegistered]);
  }

  #handlerNames(): ReadonlySet<string> {
    const variables = this.#variables({}, this.#later);
    return new Set(this.#play.handlers.flatMap((handler) => [nameOf(handler, variables), ...handler.listen]));
  }

  /** Notes every name in what the host has to render; `own` are names it gets otherwise. */
  #collect(value: Value, own: ReadonlySet<string>): void {
    if (value instanceof Deferred) {
      const { required, optional } = referencesOf(value);
      for (const name of [...required, ...optional]) {
        if (own.has(name) || this.#needed.has(name)) continue;
        this.#needed.add(name);
        const inner = this.#variables({}, this.#later).lookup(name);
        if (inner !== undefined) this.#collect(inner, new Set());
      }
    } else if (value !== null && typeof value === 'object' && !(value instanceof Secret) && !isLazy(value)) {
      for (const item of Object.values(value)) this.#collect(item, own);
    }
  }

  /** Values of the needed names that the control host knows, and which of them come from -e. */
  #shippedVars(): Pick<Plan, 'vars' | 'extraVars'> {
    const variables = this.#variables({}, this.#later);
    const vars: Record<string, unknown> = {};
    for (const name of [...this.#needed].sort()) {
      // facts are the host's own
      if (FACT_NAMES.has(name) && !Object.hasOwn(this.#extra, name)) continue;
      const value = name === 'hostvars' ? this.#around.knowledge.shippedHostvars() : variables.lookup(name);
      if (value === undefined) continue;
      let broken = false;
      const known = variables.prepare({ [name]: value }, new Set(), () => {
        broken = true;
      }) as Record<string, Value>;
      // what is wrong in a variable is told where it is used
      const shipped = broken ? value : known[name];
      if (shipped !== undefined) vars[name] = encodeValue(shipped, this.#secrets);
    }
    const extraVars = Object.keys(vars).filter((name) => Object.hasOwn(this.#extra, name));
    return { vars, ...(extraVars.length === 0 ? {} : { extraVars }) };
  }
}

/** Names that get a value when the task runs. */
export function namesSetBy(task: TaskSource): string[] {
  const facts = task.resource.name === 'set_fact' ? Object.keys(task.params).filter((name) => name !== 'cacheable') : [];
  return task.register === undefined ? facts : [...facts, task.register];
}
