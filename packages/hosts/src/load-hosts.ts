import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { parseYaml, Problems, type SecretOptions } from '@hsmfleet/yaml-source';
import { isMap, isScalar } from 'yaml';
import { expandRange, RangeError } from './expand-range.ts';
import { buildEntries } from './host-variables.ts';
import { HostsGraph } from './hosts-graph.ts';
import type { ScriptOptions } from './hosts-script.ts';
import type { HostEntry, HostsModel } from './model.ts';
import { parseAddress } from './parse-address.ts';
import { selectHosts, type PatternWorld } from './pattern.ts';
import { HostsFileReader } from './read-hosts.ts';
import { IniReader } from './read-ini.ts';
import { ScriptReader } from './read-script.ts';
import { VarsFiles } from './vars-files.ts';

export interface LoadHostsOptions extends Omit<SecretOptions, 'openLater'> {
  /** Folder of the playbook: its group_vars and host_vars count too, over those beside the hosts files. */
  playbookDir?: string | undefined;
  /** Limits of executable hosts files. */
  scripts?: ScriptOptions | undefined;
}

const YAML_EXTENSIONS = ['.yml', '.yaml', '.json'];
/** What Ansible leaves out of a folder of hosts files. */
const NOT_HOSTS = /^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|ini|cfg|retry)|~)$/;

/**
 * Reads hosts files of Ansible, in order, with `group_vars` and `host_vars` beside them: YAML, INI, and executable ones, which
 * are run. A folder stands for all files in it; a text with a comma that is no file is a list of hosts. As with Ansible, an
 * encrypted value that no password opens is a mistake only where it is used; a file that is encrypted as a whole is one here.
 * @throws HsmfleetError, or HsmfleetErrors with every mistake found: HOSTS_INVALID, PLAYBOOK_SYNTAX, SECRET_REFERENCE, FILE_MISSING,
 *   VAULT_PASSWORD, VAULT_INVALID, TIMEOUT
 */
export async function loadHosts(paths: readonly string[], options: LoadHostsOptions = {}): Promise<HostsModel> {
  const problems = new Problems();
  const graph = new HostsGraph();
  const warnings: string[] = [];
  const folders: string[] = [];
  const reading = { ...options, openLater: true };
  for (const path of paths) {
    try {
      if (path.includes(',') && !existsSync(path)) {
        readList(path, graph);
        continue;
      }
      for (const file of filesOf(resolve(path))) warnings.push(...(await readFileInto(file, graph, problems, reading)));
      folders.push(folderOf(resolve(path)));
    } catch (thrown) {
      problems.addThrown(thrown);
    }
  }
  const cycle = graph.cycle();
  if (cycle !== undefined) {
    const place = graph.groups.get(cycle[0] ?? '')?.place;
    problems.add(new HsmfleetError('HOSTS_INVALID', `the groups contain one another: ${cycle.join(' -> ')}`, place));
  }
  problems.throwIfAny();
  graph.complete();
  for (const name of graph.hosts.keys()) if (graph.groups.has(name)) warnings.push(`"${name}" is a host and a group: patterns mean the group`);
  const files = new VarsFiles(reading, problems);
  const members = new Map([...graph.groups.keys()].map((name) => [name, graph.members(name)]));
  const entries = await buildEntries(graph, members, files, folders, options.playbookDir);
  problems.throwIfAny();
  return modelOf(graph, members, entries, [...warnings, ...files.warnings]);
}

/** Hosts of the command line. Unlike Ansible, which takes them for names, ranges are expanded. */
function readList(list: string, graph: HostsGraph): void {
  for (const text of list.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const { name, port } = parseAddress(text);
    try {
      for (const each of expandRange(name)) {
        if (graph.hosts.has(each)) continue;
        graph.host(each, { file: '-i', line: 1, column: 1 }, port);
        graph.group('ungrouped').hosts.add(each);
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      throw new HsmfleetError('HOSTS_INVALID', `"${text}" in -i ${list}: ${thrown.message}`);
    }
  }
}

function filesOf(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new HsmfleetError('FILE_MISSING', `the hosts file ${path} does not exist`, { hint: 'give it with -i; a list of hosts needs a comma: -i web01,' });
  if (!stat.isDirectory()) return [path];
  return readdirSync(path).filter((name) => !NOT_HOSTS.test(name)).sort().flatMap((name) => filesOf(join(path, name)));
}

function folderOf(path: string): string {
  return statSync(path).isDirectory() ? path : dirname(path);
}

/** @returns warnings */
async function readFileInto(path: string, graph: HostsGraph, problems: Problems, options: LoadHostsOptions & SecretOptions): Promise<string[]> {
  if (await isProgram(path)) {
    const script = new ScriptReader(path, graph, problems, { ...options, ...options.scripts });
    await script.read();
    return script.warnings;
  }
  const extension = extname(path);
  if (extension === '.toml') {
    throw new HsmfleetError('HOSTS_INVALID', `${path} is a TOML file, which is not supported`, { hint: 'convert it: ansible-inventory -i FILE --list --export --yaml > hosts.yml' });
  }
  const text = await readText(path);
  // a file without an ending may be either: one with the head of a section is no YAML, which needs no parser to see
  if (!text.startsWith('$ANSIBLE_VAULT') && !YAML_EXTENSIONS.includes(extension) && (extension !== '' || looksLikeIni(text))) {
    new IniReader(path, text, graph, problems).read();
    return [];
  }
  const { source, problems: found, warnings } = await parseYaml(path, text, options);
  // what is no mapping of YAML is INI as well
  if (extension === '' && !source.encrypted && (source.problems.length > 0 || !(isMap(source.root) || isEmpty(source.root)))) {
    new IniReader(path, text, graph, problems).read();
    return [];
  }
  if (source.problems.length > 0 && !source.encrypted && looksLikeIni(text)) {
    throw new HsmfleetError('HOSTS_INVALID', `${path} is written as an INI file, but its name says YAML`, { hint: `rename it: without an ending, or to end in something else than ${extension}` });
  }
  problems.add(...found);
  if (source.problems.length === 0) new HostsFileReader(source, graph, problems).read();
  return warnings;
}

function isEmpty(root: unknown): boolean {
  return root === null || (isScalar(root) && root.value === null);
}

function looksLikeIni(text: string): boolean {
  return !/^\s*[{%]/.test(text) && /^\[[^\]\s,]+\]\s*(?:#.*)?$/m.test(text);
}

/**
 * Whether a hosts file is to be run: one that may be, and that says by its first bytes that it is a program. Ansible tries to
 * run every executable file, and reads those that cannot be run.
 */
async function isProgram(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new HsmfleetError('FILE_MISSING', `the hosts file ${path} cannot be read`, { cause });
  });
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0).finally(() => file.close());
  const script = buffer.toString('latin1', 0, 2) === '#!';
  if (!script && buffer.toString('latin1') !== '\x7fELF') return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    throw new HsmfleetError('HOSTS_INVALID', `the hosts file ${path} is a program that is not executable`, { hint: `chmod +x ${path}, if it is to be run` });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `the hosts file ${path} cannot be read`, { cause });
  }
}

function modelOf(graph: HostsGraph, groups: ReadonlyMap<string, string[]>, entries: Map<string, HostEntry>, warnings: string[]): HostsModel {
  const names = [...graph.hosts.keys()];
  const world: PatternWorld = { hosts: new Set(names), groups };
  return {
    hosts: new Map(names.map((name) => [name, entries.get(name) as HostEntry])),
    groups,
    tree: new Map([...graph.groups.values()].map(({ name, hosts, children }) => [name, { hosts: [...hosts], children: [...children] }])),
    warnings,
    find: (name) => entries.get(name),
    select(pattern, limit) {
      const selected = selectHosts(pattern, world);
      if (limit === undefined) return selected;
      const within = new Set(selectHosts(limit, world));
      return selected.filter((name) => within.has(name));
    },
  };
}
