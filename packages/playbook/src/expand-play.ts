import { dirname } from 'node:path';
import { Deferred, HsmfleetError, type Value } from '@hsmfleet/contract';
import { renderValue } from '@hsmfleet/template';
import type { Problems } from '@hsmfleet/yaml-source';
import { expandInclude } from './expand-include.ts';
import { conditionText, expandEntry, expandRole, identityOf, partsOf, type RoleRequest } from './expand-role.ts';
import type { ExpandedPlay, ExpandedStep, Frame, Layer, RoleUse } from './expanded.ts';
import { findIn, findPart, taskFolders } from './find-files.ts';
import type { Library } from './library.ts';
import { inherit, keywordsOf } from './read-keywords.ts';
import { isSelected } from './tags.ts';
import type { Condition, IncludeSource, Keywords, MetaSource, Placed, PlaySource, StepSource, TaskSource } from './source.ts';

/** Steps that one play may come to: includes that include one another in turn multiply. */
const STEP_LIMIT = 100_000;

/** What is handed down from outer steps to inner ones. */
export interface Handing {
  keywords: Keywords;
  frame: Frame;
  /** Files and roles around, the outermost first. */
  chain: readonly string[];
  handler: boolean;
  /** What the steps were reached through: decides who counts as the parent of a role. */
  reached: 'play' | 'role' | 'task';
}

/** What resolving a play needs besides its source. */
export interface ExpandOptions {
  library: Library;
  problems: Problems;
  tags: readonly string[] | undefined;
  skipTags: readonly string[] | undefined;
  /** `-e`. */
  extra: Layer;
  /** Names that earlier plays may have registered or set. */
  registered: Iterable<string>;
  /** What hosts make of a value at a step: every value that is known on the control host, and whether it is known for all of them. */
  known(value: Value, frame: Frame, vars: Layer, registered: ReadonlySet<string>, loop: { items: Value; name: string } | undefined): { values: Value[]; all: boolean };
}

/** Resolves imports, roles and includes of a play, and hands keywords down. Mistakes go to the problems. */
export async function expandPlay(play: PlaySource, options: ExpandOptions): Promise<ExpandedPlay> {
  return new Expander(play, options).expand();
}

/** Resolves one play. */
export class Expander {
  readonly play: PlaySource;
  readonly library: Library;
  problems: Problems;
  readonly options: ExpandOptions;
  /** Roles whose variables the play sees. */
  readonly roles: RoleUse[] = [];
  /** All uses of roles. */
  readonly uses: RoleUse[] = [];
  readonly handlers: ExpandedStep[] = [];
  /** Those of {@link Expander.handlers} that belong to what hosts may include. */
  readonly optional = new Set<ExpandedStep>();
  /** How many includes that hosts decide on are around. */
  depth = 0;
  readonly registered: Set<string>;
  /** Files that were taken. */
  readonly files = new Set<string>();
  readonly #dependencies = new Set<string>();
  /** Under which conditions a role was used already, by what makes two uses the same. */
  readonly #ran = new Map<string, Condition[][]>();
  readonly #handlersOf = new Set<string>();
  readonly #tags = new Set<string>();
  #count = 0;

  constructor(play: PlaySource, options: ExpandOptions) {
    this.play = play;
    this.options = options;
    this.library = options.library;
    this.problems = options.problems;
    this.registered = new Set(options.registered);
  }

  async expand(): Promise<ExpandedPlay> {
    const { play } = this;
    const base: Frame = { scope: undefined, role: undefined, defaults: [], roleVars: [], top: {}, includeVars: {}, magic: {}, bound: [], folder: play.folder, playFolder: play.folder };
    const handing: Handing = { keywords: play.keywords, frame: base, chain: [play.source.path], handler: false, reached: 'play' };
    const pre = await this.steps(play.preTasks, handing);
    const roles: ExpandedStep[] = [];
    for (const entry of play.roles) roles.push(...(await expandEntry(this, entry, handing)).steps);
    const tasks = [...roles, ...await this.steps(play.tasks, handing)];
    const post = await this.steps(play.postTasks, handing);
    this.handlers.push(...await this.steps(play.handlers, { ...handing, handler: true, keywords: { ...handing.keywords, when: [] } }));
    const sections = [pre, tasks, post].filter((section) => section.length > 0);
    const steps = (sections.length === 0 ? [[]] : sections).flatMap((section) => [...section, this.#flush(base)]);
    return { steps, handlers: this.handlers, roles: this.roles, dependencyNames: [...this.#dependencies].sort(), base, tags: [...this.#tags], optional: this.optional };
  }

  /** Steps in order, each with what it is handed down. */
  async steps(sources: readonly StepSource[], handing: Handing): Promise<ExpandedStep[]> {
    const steps: ExpandedStep[] = [];
    for (const source of sources) steps.push(...await this.#step(source, handing));
    return steps;
  }

  async #step(source: StepSource, handing: Handing): Promise<ExpandedStep[]> {
    this.#count += 1;
    if (this.#count > STEP_LIMIT) {
      if (this.#count === STEP_LIMIT + 1) this.problems.add(source.source.problem('PLAYBOOK_INVALID', `the play comes to more than ${String(STEP_LIMIT)} tasks`, source.node, 'do its includes include one another?'));
      return [];
    }
    for (const tag of inherit(handing.keywords, keywordsOf(source)).tags) this.#tags.add(tag);
    switch (source.kind) {
      case 'task': return this.#task(source, handing);
      case 'meta': return this.#selected(source, handing) ? [this.#meta(source, handing)] : [];
      case 'block': return this.#block(source, handing);
      case 'include': return source.action.startsWith('import_') ? this.#import(source, handing) : this.#include(source, handing);
    }
  }

  #task(source: TaskSource, handing: Handing): ExpandedStep[] {
    for (const name of namesSetBy(source)) this.registered.add(name);
    const keywords = inherit(handing.keywords, keywordsOf(source));
    this.#checkBecome(keywords);
    if (!handing.handler && !isSelected(keywords.tags, this.options.tags, this.options.skipTags)) return [];
    const defaults = keywords.moduleDefaults[source.resource.name];
    const params = defaults === undefined ? source.params : { ...defaults, ...source.params };
    return [{ ...source, ...keywords, params, id: '', frame: handing.frame, handler: handing.handler }];
  }

  #meta(source: MetaSource, { keywords, frame }: Handing): ExpandedStep {
    return { ...source, ...inherit(keywords, keywordsOf(source)), id: '', frame, implicit: false };
  }

  async #block(source: StepSource & { kind: 'block' }, handing: Handing): Promise<ExpandedStep[]> {
    const inner = { ...handing, keywords: inherit(handing.keywords, keywordsOf(source)) };
    const [block, rescue, always] = [await this.steps(source.block, inner), await this.steps(source.rescue, inner), await this.steps(source.always, inner)];
    if (block.length + always.length === 0) return [];
    if (rescue.length + always.length === 0) return block;
    return [{ kind: 'block', id: '', name: source.name, block, rescue, always, position: source.position }];
  }

  async #import(source: IncludeSource, handing: Handing): Promise<ExpandedStep[]> {
    const { what } = source;
    if (what === undefined) return [];
    const name = this.rendered(what, handing.frame, { ...handing.keywords.vars, ...source.vars });
    if (name === undefined) return [];
    const keywords = inherit(handing.keywords, keywordsOf(source));
    if (source.action === 'import_role') {
      return expandRole(this, {
        name, at: what, params: {}, entryVars: {}, from: partsOf(this, source.from, handing.frame, keywords.vars), once: !source.allowDuplicates, shared: true,
        handing: { ...handing, keywords, reached: 'task' },
      });
    }
    const folders = taskFolders(handing.frame, handing.handler ? 'handlers' : 'tasks');
    const path = findIn(folders, name);
    if (path === undefined) {
      this.problems.add(what.source.problem('FILE_MISSING', `the file of tasks "${name}" does not exist`, what.node, `looked for it in ${folders.join(', ')}`));
      return [];
    }
    return this.tasksOf(path, what, { ...handing, keywords, reached: 'task' });
  }

  /** The tasks of a file. */
  async tasksOf(path: string, at: Pick<Placed<Value>, 'node' | 'source'>, handing: Handing): Promise<ExpandedStep[]> {
    if (handing.chain.includes(path)) {
      const names = [...handing.chain.slice(handing.chain.indexOf(path)), path].map((each) => each.replace(/^.*\//, ''));
      this.problems.add(at.source.problem('PLAYBOOK_INVALID', 'the file of tasks leads back to itself', at.node, names.join(' includes ')));
      return [];
    }
    const file = await this.library.tasks(path, handing.handler);
    this.problems.add(...file.problems.errors);
    this.files.add(path);
    return this.steps(file.steps, { ...handing, frame: { ...handing.frame, folder: dirname(path) }, chain: [...handing.chain, path] });
  }

  async #include(source: IncludeSource, handing: Handing): Promise<ExpandedStep[]> {
    const keywords = inherit(handing.keywords, keywordsOf(source));
    if (!handing.handler && !isSelected(keywords.tags, this.options.tags, this.options.skipTags)) return [];
    const include = await expandInclude(this, source, keywords, handing);
    if (source.register !== undefined) this.registered.add(source.register);
    return include === undefined ? [] : [include];
  }

  /** Handlers of a role, once for each of its uses that differs. */
  async addHandlers(path: string, request: RoleRequest, handing: Handing): Promise<void> {
    const name = request.from.handlers ?? 'main';
    const file = findPart(path, 'handlers', name);
    if (file === undefined) {
      if (request.from.handlers !== undefined) this.problems.add(request.at.source.problem('FILE_MISSING', `the role "${request.name}" has no handlers/${name}`, request.at.node, `looked for it in ${path}/handlers`));
      return;
    }
    const key = identityOf(path, request, { tags: [] });
    if (this.#handlersOf.has(key)) return;
    this.#handlersOf.add(key);
    const read = await this.library.tasks(file, true);
    this.problems.add(...read.problems.errors);
    const keywords = { ...handing.keywords, when: [] };
    const handlers = await this.steps(read.steps, { ...handing, keywords, handler: true, frame: { ...handing.frame, folder: dirname(file) }, chain: [...handing.chain, file] });
    this.handlers.push(...handlers);
    if (this.depth > 0) for (const each of handlers) this.optional.add(each);
  }

  /**
   * Whether a role has still to run that runs once: undefined when it has run for certain, else conditions under which it has not.
   */
  async runsAgain(path: string, request: RoleRequest): Promise<Condition[] | undefined> {
    if (request.handing.frame.role !== undefined) this.#dependencies.add(request.name.replace(/^.*\//, ''));
    if ((await this.library.meta(path)).allowDuplicates) return [];
    const key = identityOf(path, request, request.handing.frame.role === undefined ? request.handing.keywords : { tags: [] });
    const before = this.#ran.get(key) ?? [];
    if (before.some((conditions) => conditions.length === 0)) return undefined;
    // tasks that --tags leaves out do not run, so the next use of the role may
    if (isSelected(request.handing.keywords.tags, this.options.tags, this.options.skipTags) || this.options.tags === undefined) this.#ran.set(key, [...before, request.handing.keywords.when]);
    return before.map((conditions) => new Deferred(`not (${conditions.map((each) => `(${conditionText(each)})`).join(' and ')})`, 'expression', request.at.source.positionOf(request.at.node)));
  }

  /** A name that has to be known before the run: only variables of the play, of roles and of imports can be in it. */
  rendered(placed: Placed<Value>, frame: Frame, vars: Layer): string | undefined {
    let value: Value = placed.value;
    if (value instanceof Deferred) {
      const layers = [...frame.defaults, this.play.vars, ...frame.roleVars, vars, frame.magic, { playbook_dir: frame.playFolder }, frame.top, this.options.extra];
      try {
        value = renderValue(value, { lookup: (name) => layers.findLast((layer) => Object.hasOwn(layer, name))?.[name] });
      } catch (thrown) {
        if (!(thrown instanceof HsmfleetError)) throw thrown;
        this.problems.add(placed.source.problem(thrown.code, thrown.message, thrown.position ?? placed.node, 'an import knows only variables of the play, of its roles and of -e: use include_tasks or include_role'));
        return undefined;
      }
    }
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
    this.problems.add(placed.source.problem('PLAYBOOK_INVALID', 'the name must be a text', placed.node));
    return undefined;
  }

  #selected(source: StepSource, handing: Handing): boolean {
    return isSelected(inherit(handing.keywords, keywordsOf(source)).tags, this.options.tags, this.options.skipTags);
  }

  /** The whole play runs as one user: a step may repeat that, not change it. */
  #checkBecome({ become, becomeUser }: Keywords): void {
    const user = this.play.becomeUser ?? 'root';
    if (become !== undefined && become.value !== (this.play.become ?? false)) {
      this.problems.add(become.source.problem('PLAYBOOK_INVALID', `become differs from the play's (${String(this.play.become ?? false)})`, become.node, 'the whole play runs as one user: write a play of its own for these tasks'));
    }
    if (becomeUser !== undefined && becomeUser.value !== user) {
      this.problems.add(becomeUser.source.problem('PLAYBOOK_INVALID', `become_user differs from the play's (${user})`, becomeUser.node, 'write a play of its own for these tasks'));
    }
  }

  #flush(frame: Frame): ExpandedStep {
    const { source, position, hosts } = this.play;
    return {
      kind: 'meta', meta: 'flush_handlers', id: '', frame, implicit: true, source, position, node: hosts.node, name: undefined,
      when: [], tags: [], vars: {}, environment: [], notify: [], moduleDefaults: {},
    };
  }
}

/** Names that get a value when the task runs. */
export function namesSetBy(task: Pick<TaskSource, 'resource' | 'params' | 'register'>): string[] {
  const facts = task.resource.name === 'set_fact' ? Object.keys(task.params).filter((name) => name !== 'cacheable') : [];
  return task.register === undefined ? facts : [...facts, task.register];
}
