import type { Value } from '@hsmfleet/contract';
import { dereference, type MapEntry } from '@hsmfleet/yaml-source';
import { isMap, type Node } from 'yaml';
import { ROLE_KEYS } from './keywords.ts';
import type { NodeReader } from './node-reader.ts';
import { NO_KEYWORDS, readKeywords } from './read-keywords.ts';
import type { RoleEntry } from './source.ts';

/** Keywords of Ansible that a role may carry there and cannot here; they are no parameters in Ansible either. */
const PLAY_ONLY: readonly string[] = ['remote_user', 'port', 'connection', 'become_method', 'become_flags', 'become_exe', 'timeout'];
const REFUSED: Readonly<Record<string, string>> = {
  collections: 'resources have short names: leave it out',
  debugger: 'look with --check --diff, and with -vv',
  throttle: 'use serial on the play',
  src: 'fetch the role into the folder roles beforehand',
  scm: 'fetch the role into the folder roles beforehand',
  version: 'fetch the role into the folder roles beforehand',
};

/** Reads `roles` of a play, or `dependencies` of a role; mistakes are collected. */
export function readRoleEntries(node: Node | null, what: string, reader: NodeReader): RoleEntry[] {
  return reader.list(node, what).flatMap((each) => readRoleEntry(each, reader) ?? []);
}

function readRoleEntry(node: Node, reader: NodeReader): RoleEntry | undefined {
  const { source } = reader;
  const at = reader.problems.attempt(() => dereference(node, source)) ?? null;
  if (!isMap(at)) {
    const role = reader.value(node);
    if (role === undefined) return undefined;
    if (role === null || role === '') return reader.fail('the role has no name', node);
    return { source, node, role, params: {}, from: {}, ...NO_KEYWORDS };
  }
  const entries = reader.mapping(at, 'a role');
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const named = byKey.get('role') ?? byKey.get('name');
  const role = named === undefined ? undefined : reader.value(named.value);
  if (role === undefined || role === null) return reader.fail('the role has no name', named?.value ?? node, 'say which one: "role: NAME"');
  const placed = (key: string): ReturnType<NodeReader['placed']> => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : reader.placed(entry);
  };
  return {
    source, node: named?.value ?? node, role,
    params: readParams(entries, reader),
    from: { tasks: placed('tasks_from'), vars: placed('vars_from'), defaults: placed('defaults_from'), handlers: placed('handlers_from') },
    ...readKeywords(byKey, reader),
  };
}

function readParams(entries: MapEntry[], reader: NodeReader): Record<string, Value> {
  const params: Record<string, Value> = {};
  for (const entry of entries) {
    if (ROLE_KEYS.includes(entry.key)) continue;
    const refused = REFUSED[entry.key];
    if (PLAY_ONLY.includes(entry.key)) reader.fail(`${entry.key} is not supported on a role: write it on the play`, entry.keyNode, 'as a variable of the role it needs another name, or has to stand below vars');
    else if (refused !== undefined) reader.fail(`${entry.key} is not supported on a role`, entry.keyNode, refused);
    else {
      const value = reader.value(entry.value);
      if (value !== undefined) params[entry.key] = value;
    }
  }
  return params;
}
