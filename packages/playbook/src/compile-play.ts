import { createSecretTable, PROTOCOL, tasksIn, type Plan, type PlannedStep, type Value } from '@hsmfleet/contract';
import type { HostEntry } from '@hsmfleet/hosts';
import type { Lookups } from '@hsmfleet/template';
import { suggestion, type Problems } from '@hsmfleet/yaml-source';
import { splitBatches } from './batches.ts';
import { findArtifact } from './bind-artifacts.ts';
import { nameOf } from './compile-task.ts';
import { namesIn, StepCompiler } from './compile-steps.ts';
import type { ExpandedPlay, ExpandedStep, Frame, Layer } from './expanded.ts';
import { resolveHandlers } from './handler-names.ts';
import { factsOfNoPlay, type HostKnowledge, type PlayFacts } from './host-knowledge.ts';
import { HostVariables } from './host-variables.ts';
import { Mistakes } from './mistakes.ts';
import type { CompiledPlay, CompileOptions } from './model.ts';
import type { PlaySource } from './source.ts';
import type { TaskFiles } from './task-files.ts';
import type { StartAtTask } from './start-at-task.ts';
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
  varsOf(host: HostEntry): Readonly<Record<string, Value>>[];
  /** `--start-at-task`. */
  startAt: StartAtTask | undefined;
  /** Called before a step: where files are looked for. */
  enter(frame: Frame): void;
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
export function compilePlay(play: PlaySource, expanded: ExpandedPlay, index: number, hosts: string[], around: PlaySurroundings): CompiledPlay {
  const { options, problems } = around;
  const batches = splitBatches(hosts, play.serial);
  const name = play.name ?? play.hosts.value;
  const facts: PlayFacts = {
    name, hosts, folder: play.folder,
    batchOf: (host) => batches.find((batch) => batch.includes(host)) ?? hosts,
    roles: expanded.roles.map((role) => role.name), dependencies: expanded.dependencyNames,
  };
  const mistakes = new Mistakes();
  const plans = new Map<string, Plan>();
  const connection = new Map<string, Record<string, Value>>();
  const delegates = new Set<string>();
  let any = false;
  for (const host of options.only === undefined ? hosts : hosts.filter((each) => options.only?.has(each))) {
    const compiler = new HostCompiler(play, expanded, { index, name, facts }, options.hosts.find(host) as HostEntry, around, mistakes);
    const plan = compiler.plan();
    plans.set(host, plan);
    connection.set(host, compiler.connection());
    for (const { delegateTo } of tasksIn([...plan.tasks, ...plan.handlers])) {
      if (typeof delegateTo === 'string') delegates.add(delegateTo);
      else if (delegateTo !== undefined) any = true;
    }
  }
  mistakes.moveTo(problems, hosts.length, around.complete);
  return {
    index, name, position: play.position, hosts, batches, plans, connection,
    ...(play.maxFailPercentage === undefined ? {} : { maxFailPercentage: play.maxFailPercentage }),
    anyErrorsFatal: play.anyErrorsFatal,
    ...(play.pause === undefined ? {} : { pause: play.pause }),
    ...(play.rollbackBatch === undefined ? {} : { rollbackBatch: play.rollbackBatch }),
    become: play.become ?? false,
    becomeUser: play.becomeUser ?? 'root',
    delegates: any ? 'any' : [...delegates],
    connectionOf: (host) => connectionOf(host, play, around),
  };
}

interface PlayFrame {
  index: number;
  name: string;
  facts: PlayFacts;
}

/** Compiles one play for one host. */
class HostCompiler {
  readonly #play: PlaySource;
  readonly #expanded: ExpandedPlay;
  readonly #frame: PlayFrame;
  readonly #host: HostEntry;
  readonly #around: PlaySurroundings;
  readonly #mistakes: Mistakes;
  readonly #variables: HostVariables;
  readonly #layers: readonly Layer[];

  constructor(play: PlaySource, expanded: ExpandedPlay, frame: PlayFrame, host: HostEntry, around: PlaySurroundings, mistakes: Mistakes) {
    this.#play = play;
    this.#expanded = expanded;
    this.#frame = frame;
    this.#host = host;
    this.#around = around;
    this.#mistakes = mistakes;
    const { extraVars = {} } = around.options;
    const hostLayers = [play.connection, host.vars];
    const playLayers = around.varsOf(host);
    const magic = around.knowledge.magic(host, frame.facts);
    this.#layers = [...hostLayers, ...playLayers, magic, extraVars];
    this.#variables = new HostVariables({
      play: expanded, host: hostLayers, playLayers, magic, extra: extraVars, lookups: around.lookups,
      later: around.remembered.get(host.name) ?? [], hostvars: () => around.knowledge.shippedHostvars(), fail: (thrown) => { mistakes.add(thrown, host.name); },
    }, createSecretTable());
  }

  plan(): Plan {
    const { options } = this.#around;
    const { index, name } = this.#frame;
    const { base, steps, handlers } = this.#expanded;
    const names = resolveHandlers(handlers, (handler) => this.#variables.at(handler.frame, { vars: handler.vars, names: new Set() }));
    const notified = new Set<string>();
    const reach = { all: false };
    const fromHandlers = namesIn(handlers);
    const compiler = new StepCompiler({
      variables: this.#variables,
      enter: (frame) => { this.#around.enter(frame); },
      flushed: () => { this.#variables.addLater(fromHandlers); },
      fail: (thrown, variables) => { this.#fail(thrown, variables); },
      context: () => ({
        handlerNames: names.names, files: this.#around.files, secrets: this.#variables.secrets,
        artifactProblem: (wanted, version) => {
          const { options: { artifacts }, built } = this.#around;
          return artifacts === undefined || built.has(wanted) || built.has(undefined) ? undefined : findArtifact(wanted, version, artifacts()).problem;
        },
        notifies: (handler) => {
          if (handler === undefined) reach.all = true;
          else notified.add(handler);
        },
        delegateProblem: (host) => this.#delegateProblem(host),
      }),
    });
    this.#around.enter(base);
    const tasks = this.#started(compiler.steps(steps, true));
    const planned: PlannedStep[] = [];
    for (const handler of handlers) {
      const answers = names.answersTo(handler);
      if (answers === undefined) continue;
      if (this.#expanded.optional.has(handler) && !reach.all && !this.#isReached(handler, answers, notified)) continue;
      planned.push(...this.#handler(compiler, handler, answers));
    }
    this.#around.remembered.set(this.#host.name, new Set(this.#variables.laterNames()));
    return {
      protocol: PROTOCOL, run: options.run, user: options.user, play: { index, name }, host: this.#host.name,
      check: options.check, diff: options.diff, gatherFacts: this.#play.gatherFacts, tasks, handlers: planned,
      ...this.#variables.shipped(), secrets: this.#variables.secrets.entries,
      ...(this.#play.forceHandlers || options.forceHandlers === true ? { forceHandlers: true } : {}),
      ...(this.#play.anyErrorsFatal ? { anyErrorsFatal: true } : {}),
      ...(this.#play.rollbackBatch === undefined ? {} : { keepWebUndo: true }),
      onDisconnect: 'finish',
    };
  }

  #handler(compiler: StepCompiler, handler: ExpandedStep, answers: string[]): PlannedStep[] {
    if (handler.kind === 'task') return compiler.task({ ...handler, listen: answers });
    if (handler.kind === 'include') return [compiler.include({ ...handler, listen: answers }, false)];
    return compiler.steps([handler], false);
  }

  #isReached(handler: ExpandedStep, answers: string[], notified: ReadonlySet<string>): boolean {
    if (handler.kind !== 'task' && handler.kind !== 'include') return true;
    return answers.some((each) => notified.has(each)) || notified.has(nameOf(handler, this.#variables.at(handler.frame)));
  }

  /** `--start-at-task`: what stands before is left out. */
  #started(steps: PlannedStep[]): PlannedStep[] {
    const { startAt } = this.#around;
    return startAt === undefined ? steps : startAt.cut(steps, this.#host.name);
  }

  #delegateProblem(name: string | undefined): { message: string; hint: string } | undefined {
    const { hosts } = this.#around.options;
    if (name === undefined || name === '127.0.0.1' || hosts.find(name) !== undefined) return undefined;
    return { message: `delegate_to names "${name}", which no hosts file has`, hint: suggestion(name, hosts.hosts.keys()) ?? 'add it to a hosts file, or use localhost' };
  }

  connection(): Record<string, Value> {
    const variables = this.#variables.at(this.#expanded.base);
    return connectionVariables(this.#layers, variables, (thrown) => { this.#fail(thrown, variables); });
  }

  #fail(thrown: unknown, variables: Variables): void {
    this.#mistakes.add(thrown, this.#host.name, () => [...variables.names(), ...this.#around.everRegistered]);
  }
}

/** How to reach a host that is not in the play. */
function connectionOf(name: string, play: PlaySource, { options, knowledge, lookups }: PlaySurroundings): Record<string, Value> | undefined {
  const entry = options.hosts.find(name === '127.0.0.1' ? 'localhost' : name);
  if (entry === undefined) return undefined;
  const layers = [play.connection, entry.vars, play.vars, knowledge.magic(entry, factsOfNoPlay(play.folder))];
  const extra = options.extraVars ?? {};
  const variables = new Variables({ layers, later: FACT_NAMES, top: {}, extra, lookups });
  return connectionVariables([...layers, extra], variables, (thrown) => { throw thrown; });
}

/** Those of a host's variables that tell how to reach it, rendered. */
function connectionVariables(layers: readonly Layer[], variables: Variables, fail: (thrown: unknown) => void): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const name of new Set(layers.flatMap((layer) => Object.keys(layer)))) {
    if (!CONNECTION_VARIABLE.test(name) || FACT_NAMES.has(name)) continue;
    Object.assign(found, variables.prepare({ [name]: variables.lookup(name) ?? null }, new Set(), fail));
  }
  return found;
}

/** Gives every step its id: the same for all hosts. */
export function numberSteps(steps: readonly ExpandedStep[], prefix: string): void {
  let next = 0;
  let flush = 0;
  const visit = (each: ExpandedStep): void => {
    if (each.kind === 'meta' && each.implicit) {
      // what nobody wrote does not count
      each.id = `${prefix}f${String(flush)}`;
      flush += 1;
      return;
    }
    each.id = `${prefix}${String(next)}`;
    next += 1;
    if (each.kind === 'block') [...each.block, ...each.rescue, ...each.always].forEach(visit);
    if (each.kind === 'include') for (const body of each.bodies.values()) body.steps.forEach(visit);
  };
  steps.forEach(visit);
}

