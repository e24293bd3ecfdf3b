import { readdirSync, statSync } from 'node:fs';
import { extname, isAbsolute, join } from 'node:path';
import type { SourcePosition, Value } from '@hsmfleet/contract';
import { dereference, loadYaml, mapEntries, toValue, type Problems, type SecretOptions } from '@hsmfleet/yaml-source';
import { isMap, isScalar } from 'yaml';

const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

/** What a vars file says, with the place of each name. */
export interface VarsFile {
  path: string;
  vars: Readonly<Record<string, Value>>;
  places: ReadonlyMap<string, SourcePosition>;
}

/** Reads `group_vars/` and `host_vars/`; every file once. */
export class VarsFiles {
  readonly #options: SecretOptions;
  readonly #problems: Problems;
  readonly #read = new Map<string, Promise<VarsFile>>();
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly warnings: string[] = [];

  constructor(options: SecretOptions, problems: Problems) {
    this.#options = options;
    this.#problems = problems;
  }

  /** The vars files of a group or host in `folder`/group_vars or host_vars, in the order in which they override one another. */
  async read(folder: string, kind: 'group_vars' | 'host_vars', name: string): Promise<VarsFile[]> {
    const parts = name.split('/');
    if (isAbsolute(name) || parts.includes('..')) return [];
    const within = join(folder, kind);
    const known = this.#namesIn(within);
    // one look at the folder, rather than four at each of a thousand names
    if (!EXTENSIONS.some((extension) => known.has((parts[0] ?? '') + (parts.length > 1 ? '' : extension)))) return [];
    return Promise.all(findVarsFiles(join(within, name)).map((path) => this.file(path)));
  }

  #namesIn(folder: string): ReadonlySet<string> {
    let names = this.#names.get(folder);
    if (names === undefined) {
      names = new Set(statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : []);
      this.#names.set(folder, names);
    }
    return names;
  }

  /** Variables of one file. Mistakes are collected, what could be read is handed back. */
  async load(path: string): Promise<Readonly<Record<string, Value>>> {
    return (await this.file(path)).vars;
  }

  /** As {@link VarsFiles.load}, with the place of each variable. */
  file(path: string): Promise<VarsFile> {
    let file = this.#read.get(path);
    if (file === undefined) this.#read.set(path, (file = this.#parse(path)));
    return file;
  }

  async #parse(path: string): Promise<VarsFile> {
    const vars: Record<string, Value> = {};
    const places = new Map<string, SourcePosition>();
    const file = { path, vars, places };
    try {
      const { source, problems, warnings } = await loadYaml(path, this.#options);
      this.#problems.add(...problems);
      this.warnings.push(...warnings);
      if (source.problems.length > 0) return file;
      const root = dereference(source.root, source);
      if (root === null || (isScalar(root) && root.value === null)) return file;
      if (!isMap(root)) throw source.problem('PLAYBOOK_INVALID', 'a vars file must be a mapping of names to values', root);
      for (const entry of mapEntries(root, source)) {
        const value = this.#problems.attempt(() => toValue(entry.value, source));
        if (value === undefined) continue;
        vars[entry.key] = value;
        places.set(entry.key, source.positionOf(entry.keyNode));
      }
    } catch (thrown) {
      this.#problems.addThrown(thrown);
    }
    return file;
  }
}

/** Files that hold the variables of a name, as Ansible finds them: the first of NAME, NAME.yml, NAME.yaml, NAME.json. */
function findVarsFiles(path: string): string[] {
  for (const extension of EXTENSIONS) {
    const stat = statSync(path + extension, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    return stat.isDirectory() ? filesOf(path + extension) : [path + extension];
  }
  return [];
}

/** Hidden files and backups do not count, nor do folders whose names have an ending. */
function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory() === true) return extname(name) === '' ? filesOf(path) : [];
      return stat?.isFile() === true && EXTENSIONS.includes(extname(name)) ? [path] : [];
    });
}
