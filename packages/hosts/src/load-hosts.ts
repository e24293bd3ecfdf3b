import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HsmfleetError, type Value } from '@hsmfleet/contract';
import { loadYaml, Problems, type SecretOptions } from '@hsmfleet/yaml-source';
import { readFile } from 'node:fs/promises';
import { HostsGraph, type Variables } from './hosts-graph.ts';
import type { HostEntry, HostsModel } from './model.ts';
import { LOCAL_NAMES, selectHosts } from './pattern.ts';
import { HostsFileReader } from './read-hosts.ts';
import { refuseForeign, VarsFiles } from './vars-files.ts';

export interface LoadHostsOptions extends SecretOptions {
  /** Folder of the playbook: its group_vars and host_vars count too, over those beside the hosts files. */
  playbookDir?: string | undefined;
}

/**
 * Reads YAML hosts files of Ansible, in order, with `group_vars` and `host_vars` beside them. A folder stands for all
 * files in it; a text with a comma is a list of hosts.
 * @throws HsmfleetError, or HsmfleetErrors with every mistake found: HOSTS_INVALID, PLAYBOOK_SYNTAX, SECRET_REFERENCE, FILE_MISSING
 */
export async function loadHosts(paths: readonly string[], options: LoadHostsOptions = {}): Promise<HostsModel> {
  const problems = new Problems();
  const graph = new HostsGraph();
  const warnings: string[] = [];
  const folders: string[] = [];
  for (const path of paths) {
    try {
      if (path.includes(',')) readList(path, graph);
      else for (const file of filesOf(resolve(path))) warnings.push(...(await readFileInto(file, graph, problems, options)));
      if (!path.includes(',')) folders.push(folderOf(resolve(path)));
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
  const files = new VarsFiles(options, problems);
  const entries = await buildEntries(graph, files, [...new Set(folders)], options.playbookDir);
  problems.throwIfAny();
  return modelOf(graph, entries, [...warnings, ...files.warnings]);
}

function readList(list: string, graph: HostsGraph): void {
  for (const name of list.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    graph.host(name, { file: '-i', line: 1, column: 1 });
  }
}

function filesOf(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new HsmfleetError('FILE_MISSING', `the hosts file ${path} does not exist`, { hint: 'give it with -i' });
  if (!stat.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => !name.startsWith('.') && !/~$|\.(?:orig|bak|cfg|retry|pyc|pyo)$/.test(name) && !['group_vars', 'host_vars'].includes(name))
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

function folderOf(path: string): string {
  return statSync(path).isDirectory() ? path : dirname(path);
}

async function readFileInto(path: string, graph: HostsGraph, problems: Problems, options: SecretOptions): Promise<string[]> {
  refuseForeign(path, 'hosts', await readFile(path, 'utf8').catch(() => ''));
  const loaded = await loadYaml(path, options);
  problems.add(...loaded.problems);
  if (loaded.source.problems.length === 0) new HostsFileReader(loaded.source, graph, problems).read();
  return loaded.warnings;
}

/** Variables of every host, merged in Ansible's order. */
async function buildEntries(graph: HostsGraph, files: VarsFiles, folders: string[], playbookDir: string | undefined): Promise<Map<string, HostEntry>> {
  const places = playbookDir === undefined ? folders : [...folders.filter((folder) => folder !== resolve(playbookDir)), resolve(playbookDir)];
  const fromFiles = new Map<string, Variables[]>();
  for (const name of graph.groups.keys()) {
    fromFiles.set(name, await Promise.all(places.map((folder) => files.read(folder, 'group_vars', name))));
  }
  const groupsByHost = graph.groupsByHost();
  const entries = new Map<string, HostEntry>();
  for (const host of graph.hosts.values()) {
    const groups = groupsByHost.get(host.name) ?? [];
    const hostFiles = await Promise.all(places.map((folder) => files.read(folder, 'host_vars', host.name)));
    const vars = merged(groups, graph, fromFiles, places.length, host.vars, hostFiles);
    entries.set(host.name, { name: host.name, vars, groups: groups.filter((name) => name !== 'all').sort(), position: host.position });
  }
  // the control host, when no file names it
  for (const name of LOCAL_NAMES) {
    if (entries.has(name)) continue;
    const hostFiles = await Promise.all(places.map((folder) => files.read(folder, 'host_vars', name)));
    const vars = merged(['all'], graph, fromFiles, places.length, { ansible_connection: 'local' }, hostFiles);
    entries.set(name, { name, vars, groups: [], position: { file: 'implicit localhost', line: 1, column: 1 } });
  }
  return entries;
}

function merged(groups: string[], graph: HostsGraph, fromFiles: Map<string, Variables[]>, places: number, own: Variables, hostFiles: Variables[]): Record<string, Value> {
  const vars: Variables = {};
  for (const group of groups) Object.assign(vars, graph.groups.get(group)?.vars);
  // it orders groups, it is no variable of hosts
  delete vars.ansible_group_priority;
  const layers = [groups.filter((name) => name === 'all'), groups.filter((name) => name !== 'all')];
  for (const layer of layers) {
    for (let place = 0; place < places; place += 1) for (const group of layer) Object.assign(vars, fromFiles.get(group)?.[place]);
  }
  Object.assign(vars, own, ...hostFiles);
  return vars;
}

function modelOf(graph: HostsGraph, entries: Map<string, HostEntry>, warnings: string[]): HostsModel {
  const names = [...graph.hosts.keys()];
  const groups = new Map([...graph.groups.keys()].map((name) => [name, graph.members(name)]));
  const world = { hosts: names, groups };
  return {
    hosts: new Map(names.map((name) => [name, entries.get(name) as HostEntry])),
    groups,
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
