import { resolve } from 'node:path';
import type { Described, HostsGraph, Variables } from './hosts-graph.ts';
import type { HostEntry } from './model.ts';
import { LOCAL_NAMES } from './pattern.ts';
import { originIn, type VariableLayer, type VariableLevel } from './variable-levels.ts';
import type { VarsFile, VarsFiles } from './vars-files.ts';

/** A folder with `group_vars` and `host_vars` in it. */
interface VarsPlace {
  folder: string;
  beside: 'the hosts files' | 'the playbook';
}

/**
 * Variables of every host, merged in Ansible's order, the control host included.
 * @param folders those of the hosts files, in order; the last mention of one counts
 */
export async function buildEntries(graph: HostsGraph, members: ReadonlyMap<string, readonly string[]>, files: VarsFiles, folders: readonly string[], playbookDir: string | undefined): Promise<Map<string, HostEntry>> {
  const playbook = playbookDir === undefined ? undefined : resolve(playbookDir);
  const own = folders.filter((folder, index) => folder !== playbook && folders.lastIndexOf(folder) === index);
  const places: VarsPlace[] = [
    ...own.map((folder): VarsPlace => ({ folder, beside: 'the hosts files' })),
    ...(playbook === undefined ? [] : [{ folder: playbook, beside: 'the playbook' } as const]),
  ];
  const groupFiles = new Map<string, VarsFile[][]>();
  for (const name of graph.groups.keys()) groupFiles.set(name, await Promise.all(places.map(({ folder }) => files.read(folder, 'group_vars', name))));
  const shared = new Map<string, { layers: VariableLayer[]; vars: Variables }>();
  const ofGroups = (names: readonly string[]): { layers: VariableLayer[]; vars: Variables } => {
    const key = names.join('\0');
    let known = shared.get(key);
    if (known === undefined) {
      const layers = groupLayers(names, graph, places, groupFiles);
      shared.set(key, (known = { layers, vars: merged(layers) }));
    }
    return known;
  };
  const entries = new Map<string, HostEntry>();
  const add = async (host: Described, names: readonly string[], position: HostEntry['position']): Promise<void> => {
    const groups = ofGroups(names);
    const hostFiles = await Promise.all(places.map(({ folder }) => files.read(folder, 'host_vars', host.name)));
    const layers = [
      ...groups.layers,
      layerOf('host vars in a hosts file', host),
      ...places.flatMap(({ beside }, place) => (hostFiles[place] ?? []).map((file) => layerOf(`host_vars beside ${beside}`, file))),
    ];
    entries.set(host.name, {
      name: host.name, position, layers,
      vars: Object.assign({}, groups.vars, ...layers.slice(groups.layers.length).map(({ vars }) => vars)) as Variables,
      groups: names.filter((name) => name !== 'all').sort(),
      origins: (name) => originIn(layers, name),
    });
  };
  const groupsByHost = graph.groupsByHost(members);
  for (const host of graph.hosts.values()) await add(host, groupsByHost.get(host.name) ?? [], host.position);
  // the control host, when no file names it
  const position = { file: 'implicit localhost', line: 1, column: 1 };
  for (const name of LOCAL_NAMES) {
    if (!entries.has(name)) await add({ name, vars: { ansible_connection: 'local' }, places: new Map() }, ['all'], position);
  }
  return entries;
}

/** First what the hosts files say of all groups, then the files of `all`, then those of the others. */
function groupLayers(names: readonly string[], graph: HostsGraph, places: readonly VarsPlace[], files: ReadonlyMap<string, VarsFile[][]>): VariableLayer[] {
  const layers = names.flatMap((name) => {
    const group = graph.groups.get(name);
    return group === undefined || Object.keys(group.vars).length === 0 ? [] : [layerOf('group vars in a hosts file', group, name)];
  });
  for (const all of [true, false]) {
    for (const [place, { beside }] of places.entries()) {
      for (const name of names.filter((each) => (each === 'all') === all)) {
        for (const file of files.get(name)?.[place] ?? []) layers.push(layerOf(`group_vars${all ? '/all' : ''} beside ${beside}`, file, name));
      }
    }
  }
  return layers;
}

function layerOf(level: VariableLevel, { vars, places }: Pick<VarsFile, 'vars' | 'places'>, group?: string): VariableLayer {
  return { level, ...(group === undefined ? {} : { group }), vars, places };
}

function merged(layers: readonly VariableLayer[]): Variables {
  return Object.assign({}, ...layers.map(({ vars }) => vars)) as Variables;
}
