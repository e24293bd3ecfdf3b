import { HsmfleetError, type SourcePosition, type Value } from '@hsmfleet/contract';
import { VarsFiles } from '@hsmfleet/hosts';
import { dereference, loadYaml, parseYaml, Problems, type SecretOptions, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { filesIn, findPart, isFile } from './find-files.ts';
import { NodeReader } from './node-reader.ts';
import { readRoleEntries } from './read-roles.ts';
import { readSteps } from './read-steps.ts';
import type { TaskSurroundings } from './read-task.ts';
import type { RoleEntry, StepSource } from './source.ts';

/** A file of tasks, and what is wrong in it. */
export interface TaskFile {
  path: string;
  steps: StepSource[];
  /** False when the file is no list at all: it was never meant to be tasks. */
  isList: boolean;
  problems: Problems;
}

/** `meta/main.yml` of a role. */
export interface RoleMeta {
  dependencies: RoleEntry[];
  allowDuplicates: boolean;
}

/** Variables with the place of each. */
export interface PlacedVars {
  vars: Readonly<Record<string, Value>>;
  places: ReadonlyMap<string, SourcePosition>;
}

/** The files that playbooks are made of, each read once. */
export class Library {
  readonly vars: VarsFiles;
  readonly warnings: string[] = [];
  /** True when some encrypted value could not be opened: variables may be missing that are there. */
  incomplete = false;
  readonly #options: SecretOptions;
  readonly #problems: Problems;
  readonly #resources: TaskSurroundings['resources'];
  readonly #texts: ReadonlyMap<string, string>;
  readonly #sources = new Map<string, Promise<{ source: YamlSource; problems: HsmfleetError[] }>>();
  readonly #tasks = new Map<string, Promise<TaskFile>>();
  readonly #metas = new Map<string, Promise<RoleMeta>>();

  /** @param texts those of files that are not on the disk, by path */
  constructor(options: SecretOptions, problems: Problems, resources: TaskSurroundings['resources'], texts: ReadonlyMap<string, string> = new Map()) {
    this.#texts = texts;
    this.#options = options;
    this.#problems = problems;
    this.#resources = resources;
    this.vars = new VarsFiles(options, problems);
  }

  /** A file as it stands there; what is wrong with it goes to the problems. @throws HsmfleetError FILE_MISSING */
  async source(path: string, problems: Problems = this.#problems): Promise<YamlSource> {
    let known = this.#sources.get(path);
    if (known === undefined) {
      const text = this.#texts.get(path);
      known = (text === undefined ? loadYaml(path, this.#options) : parseYaml(path, text, this.#options)).then(({ source, problems: found, warnings }) => {
        this.warnings.push(...warnings);
        if (source.unopened.size > 0) this.incomplete = true;
        return { source, problems: found };
      });
      this.#sources.set(path, known);
    }
    const { source, problems: found } = await known;
    problems.add(...found);
    if (source.encrypted) {
      problems.add(new HsmfleetError('PLAYBOOK_INVALID', `${path} is encrypted as a whole, which is not supported for files of tasks`, {
        position: { file: path, line: 1, column: 1 }, hint: 'encrypt the files or values with its secrets: group_vars, host_vars, vars_files, !vault',
      }));
    }
    return source;
  }

  /** The tasks, or handlers, of a file. */
  tasks(path: string, handler: boolean): Promise<TaskFile> {
    const key = `${String(handler)}:${path}`;
    let file = this.#tasks.get(key);
    if (file === undefined) this.#tasks.set(key, (file = this.#readTasks(path, handler)));
    return file;
  }

  async #readTasks(path: string, handler: boolean): Promise<TaskFile> {
    const problems = new Problems();
    try {
      const source = await this.source(path, problems);
      const root = dereference(source.root, source);
      const empty = root === null || (isScalar(root) && root.value === null);
      const isList = empty || isSeq(root);
      if (!isList) problems.add(source.problem('PLAYBOOK_INVALID', 'a file of tasks is a list', root, 'start each task with "- "'));
      const steps = source.problems.length > 0 || source.encrypted || !isSeq(root) ? [] : readSteps(root as Node, handler ? 'handlers' : 'tasks', new NodeReader(source, problems), { resources: this.#resources, handler });
      return { path, steps, isList, problems };
    } catch (thrown) {
      problems.addThrown(thrown);
      return { path, steps: [], isList: false, problems };
    }
  }

  /** What a role depends on. */
  meta(role: string): Promise<RoleMeta> {
    let meta = this.#metas.get(role);
    if (meta === undefined) this.#metas.set(role, (meta = this.#readMeta(role)));
    return meta;
  }

  async #readMeta(role: string): Promise<RoleMeta> {
    const path = findPart(role, 'meta', 'main');
    const specification = findPart(role, 'meta', 'argument_specs');
    if (specification !== undefined) this.warnings.push(`${specification} is not checked: parameters of roles are not held against a specification`);
    const meta: RoleMeta = { dependencies: [], allowDuplicates: false };
    if (path === undefined || !isFile(path)) return meta;
    const source = await this.source(path);
    const reader = new NodeReader(source, this.#problems);
    const root = dereference(source.root, source);
    if (!isMap(root)) return meta;
    for (const entry of reader.mapping(root, 'meta/main.yml of a role')) {
      if (entry.key === 'dependencies') meta.dependencies = readRoleEntries(entry.value, 'dependencies', reader);
      else if (entry.key === 'allow_duplicates') meta.allowDuplicates = reader.boolean(entry) ?? false;
      else if (entry.key === 'argument_specs') this.warnings.push(`argument_specs in ${path} are not checked: parameters of roles are not held against a specification`);
    }
    return meta;
  }

  /** Variables of a role's part: of its file, or of all files in its folder. */
  async roleVars(role: string, part: 'defaults' | 'vars', name: string): Promise<PlacedVars | undefined> {
    const path = findPart(role, part, name);
    if (path === undefined) return undefined;
    return isFile(path) ? this.vars.file(path) : this.#folder(path);
  }

  /** Variables of all files in a folder. */
  async folderVars(folder: string, extensions?: readonly string[]): Promise<Readonly<Record<string, Value>>> {
    return (await this.#folder(folder, extensions)).vars;
  }

  async #folder(folder: string, extensions: readonly string[] = ['yml', 'yaml', 'json']): Promise<PlacedVars> {
    const vars: Record<string, Value> = {};
    const places = new Map<string, SourcePosition>();
    for (const path of filesIn(folder, extensions)) {
      const file = await this.vars.file(path);
      Object.assign(vars, file.vars);
      for (const [name, place] of file.places) places.set(name, place);
    }
    return { vars, places };
  }
}
