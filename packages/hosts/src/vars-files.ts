import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { dereference, loadYaml, mapEntries, toValue, type Problems, type SecretOptions } from '@hsmfleet/yaml-source';
import { isMap, isScalar } from 'yaml';
import type { Variables } from './hosts-graph.ts';

const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

/** Reads `group_vars/` and `host_vars/`; every file once. */
export class VarsFiles {
  readonly #options: SecretOptions;
  readonly #problems: Problems;
  readonly #loaded = new Map<string, Variables>();
  readonly warnings: string[] = [];

  constructor(options: SecretOptions, problems: Problems) {
    this.#options = options;
    this.#problems = problems;
  }

  /** Variables of a group or host in `folder`/group_vars or host_vars: the file or folder of its name. */
  async read(folder: string, kind: 'group_vars' | 'host_vars', name: string): Promise<Variables> {
    if (name.includes('/')) return {};
    const vars: Variables = {};
    for (const path of findVarsFiles(join(folder, kind, name))) Object.assign(vars, await this.load(path));
    return vars;
  }

  /** Variables of one file. Mistakes are collected, what could be read is handed back. */
  async load(path: string): Promise<Variables> {
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const vars: Variables = {};
    this.#loaded.set(path, vars);
    try {
      refuseForeign(path, 'vars');
      const { source, problems, warnings } = await loadYaml(path, this.#options);
      this.#problems.add(...problems);
      this.warnings.push(...warnings);
      if (source.problems.length > 0) return vars;
      const root = dereference(source.root, source);
      if (root === null || (isScalar(root) && root.value === null)) return vars;
      if (!isMap(root)) throw source.problem('PLAYBOOK_INVALID', 'a vars file must be a mapping of names to values', root);
      for (const entry of mapEntries(root, source)) {
        const value = this.#problems.attempt(() => toValue(entry.value, source));
        if (value !== undefined) vars[entry.key] = value;
      }
    } catch (thrown) {
      this.#problems.addThrown(thrown);
    }
    return vars;
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

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !entry.name.endsWith('~'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (statSync(path).isDirectory()) return filesOf(path);
      return EXTENSIONS.includes(extname(entry.name)) ? [path] : [];
    });
}

/** @throws HsmfleetError for kinds of files that Ansible runs or reads differently, and this program does not yet */
export function refuseForeign(path: string, kind: 'hosts' | 'vars', head = ''): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  const what = kind === 'hosts' ? 'hosts files' : 'vars files';
  const refuse = (why: string, hint: string): never => {
    throw new HsmfleetError(kind === 'hosts' ? 'HOSTS_INVALID' : 'PLAYBOOK_INVALID', `${path} ${why}`, { hint });
  };
  const yaml = ['.yml', '.yaml', '.json'].includes(extname(path));
  if (stat !== undefined && stat.isFile() && (stat.mode & 0o111) !== 0 && (head.startsWith('#!') || !yaml)) {
    refuse(`is executable: ${what} that are run are not supported yet`, `write the output of it to a YAML file, or chmod -x ${path}`);
  }
  if (extname(path) === '.ini' || (!yaml && /^(?:\s*(?:[#;].*)?\n)*\s*\[[\w.:-]+\]\s*(?:\n|$)/.test(head))) {
    refuse(`is an INI file: only YAML ${what} are supported yet`, kind === 'hosts' ? 'convert it: ansible-inventory -i FILE --list --yaml > hosts.yml' : 'write it as YAML');
  }
}
