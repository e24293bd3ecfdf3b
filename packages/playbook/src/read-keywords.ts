import type { Value } from '@hsmfleet/contract';
import type { MapEntry } from '@hsmfleet/yaml-source';
import { shortName } from './keywords.ts';
import type { NodeReader } from './node-reader.ts';
import type { Keywords, Placed } from './source.ts';

type Flags = Omit<Keywords, 'when' | 'tags' | 'vars' | 'environment' | 'notify' | 'moduleDefaults' | 'become' | 'becomeUser'>;

/** Keywords whose nearest value counts, and their names in the source. */
const PLACED: Readonly<Record<string, keyof Flags>> = {
  ignore_errors: 'ignoreErrors',
  ignore_unreachable: 'ignoreUnreachable',
  no_log: 'noLog',
  check_mode: 'checkMode',
  diff: 'diff',
  run_once: 'runOnce',
  delegate_to: 'delegateTo',
  delegate_facts: 'delegateFacts',
  any_errors_fatal: 'anyErrorsFatal',
};

/** Nothing said. */
export const NO_KEYWORDS: Keywords = { when: [], tags: [], vars: {}, environment: [], notify: [], moduleDefaults: {} };

/** Reads the keywords that tasks, blocks, roles and plays have in common. */
export function readKeywords(byKey: ReadonlyMap<string, MapEntry>, reader: NodeReader): Keywords {
  const read = <T>(key: string, run: (entry: MapEntry) => T): T | undefined => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : run(entry);
  };
  const placed: Flags = {};
  for (const [key, name] of Object.entries(PLACED)) {
    const value = read(key, (entry) => reader.placed(entry));
    if (value !== undefined && value.value !== null) placed[name] = value;
  }
  const become = read('become', (entry) => placeOf(entry, reader, reader.boolean(entry)));
  const becomeUser = read('become_user', (entry) => placeOf(entry, reader, reader.text(entry)));
  return {
    when: read('when', (entry) => reader.conditions(entry)) ?? [],
    tags: read('tags', (entry) => reader.names(entry)) ?? [],
    vars: read('vars', (entry) => readVariables(entry, reader)) ?? {},
    environment: read('environment', (entry) => reader.placedList(entry)) ?? [],
    notify: read('notify', (entry) => reader.placedList(entry)) ?? [],
    moduleDefaults: read('module_defaults', (entry) => readModuleDefaults(entry, reader)) ?? {},
    ...placed,
    ...(become === undefined ? {} : { become }),
    ...(becomeUser === undefined ? {} : { becomeUser }),
  };
}

/** What a step has when it stands inside of another: its own, over and beside what is handed down. */
export function inherit(outer: Keywords, own: Keywords): Keywords {
  const moduleDefaults = { ...outer.moduleDefaults };
  for (const [name, params] of Object.entries(own.moduleDefaults)) moduleDefaults[name] = { ...moduleDefaults[name], ...params };
  return {
    ...outer,
    ...own,
    when: outer.when.length === 0 ? own.when : [...outer.when, ...own.when],
    tags: outer.tags.length === 0 ? own.tags : [...new Set([...outer.tags, ...own.tags])],
    vars: { ...outer.vars, ...own.vars },
    environment: [...outer.environment, ...own.environment],
    notify: own.notify.length === 0 ? outer.notify : own.notify,
    moduleDefaults,
  };
}

/** Only the keywords of a step, without what else it is. */
export function keywordsOf(step: Keywords): Keywords {
  const { when, tags, vars, environment, notify, moduleDefaults, ignoreErrors, ignoreUnreachable, noLog, checkMode, diff, runOnce, delegateTo, delegateFacts, anyErrorsFatal, become, becomeUser } = step;
  const given = Object.entries({ ignoreErrors, ignoreUnreachable, noLog, checkMode, diff, runOnce, delegateTo, delegateFacts, anyErrorsFatal, become, becomeUser }).filter(([, value]) => value !== undefined);
  return { when, tags, vars, environment, notify, moduleDefaults, ...Object.fromEntries(given) };
}

function readVariables(entry: MapEntry, reader: NodeReader): Record<string, Value> {
  // Ansible takes a list of mappings as well
  return Object.assign({}, ...reader.list(entry.value, 'vars', true).map((node) => reader.variables(node, 'vars'))) as Record<string, Value>;
}

function placeOf<T>(entry: MapEntry, reader: NodeReader, value: T | undefined): Placed<T> | undefined {
  return value === undefined ? undefined : { value, node: entry.value ?? entry.keyNode, source: reader.source };
}

function readModuleDefaults(entry: MapEntry, reader: NodeReader): Record<string, Record<string, Value>> {
  const defaults: Record<string, Record<string, Value>> = {};
  for (const node of reader.list(entry.value, 'module_defaults', true)) {
    for (const each of reader.mapping(node, 'module_defaults')) {
      if (each.key.startsWith('group/')) {
        reader.fail('groups of modules are not supported in module_defaults', each.keyNode, 'name the resources one by one');
        continue;
      }
      const params: Record<string, Value> = {};
      for (const part of reader.mapping(each.value, each.key)) {
        const value = reader.value(part.value);
        if (value !== undefined) params[part.key] = value;
      }
      const name = shortName(each.key);
      defaults[name] = { ...defaults[name], ...params };
    }
  }
  return defaults;
}
