import type { PlannedMeta, Value } from '@hsmfleet/contract';
import { dereference, suggestion, type MapEntry } from '@hsmfleet/yaml-source';
import { isMap, isScalar, type Node } from 'yaml';
import { splitFreeForm } from './free-form.ts';
import { BLOCK_KEYS, IMPORT_KEYS, INCLUDE_KEYS, INHERITED_KEYS, shortName } from './keywords.ts';
import type { NodeReader } from './node-reader.ts';
import { NO_KEYWORDS, readKeywords } from './read-keywords.ts';
import { LOOP_KEYS, readLoop, readLoopControl } from './read-loop.ts';
import { readRegister, readTask, refuseKey, type TaskSurroundings } from './read-task.ts';
import type { BlockSource, IncludeSource, Keywords, MetaSource, Placed, StepSource } from './source.ts';

const INCLUDES = ['import_tasks', 'include_tasks', 'import_role', 'include_role', 'include_vars'] as const;
const METAS: readonly PlannedMeta['meta'][] = ['flush_handlers', 'end_host', 'end_play', 'end_batch', 'clear_facts', 'clear_host_errors', 'noop'];
/** What Ansible has besides, and what to do instead. */
const OTHER_METAS: Readonly<Record<string, string>> = {
  reset_connection: 'there is one connection for the whole play: leave it out, and write a play of its own for tasks that need another user',
  refresh_inventory: 'hosts are known before the run starts: run again for new ones',
  end_role: 'put the rest of the role into a block with when',
};

/** Reads a list of tasks, blocks and includes; mistakes are collected. */
export function readSteps(node: Node | null, what: string, reader: NodeReader, around: TaskSurroundings): StepSource[] {
  return reader.list(node, what).flatMap((each) => readStep(each, reader, around) ?? []);
}

function readStep(node: Node, reader: NodeReader, around: TaskSurroundings): StepSource | undefined {
  const what = around.handler ? 'a handler' : 'a task';
  const entries = reader.mapping(node, what);
  if (entries.length === 0) {
    if (isScalar(node)) reader.fail(`${what} must be a mapping`, node);
    return undefined;
  }
  const names = new Map(entries.map((entry) => [shortName(entry.key), entry]));
  const section = ['block', 'rescue', 'always'].map((key) => names.get(key)).find((entry) => entry !== undefined);
  if (section !== undefined) return readBlock(entries, section, reader, around);
  const meta = names.get('meta');
  if (meta !== undefined) return readMeta(entries, meta, reader);
  for (const action of INCLUDES) {
    const entry = names.get(action);
    if (entry !== undefined) return readInclude(entries, action, entry, reader, around);
  }
  return readTask(entries, reader, around);
}

function commonOf(entries: MapEntry[], reader: NodeReader): Keywords & Pick<StepSource, 'source' | 'node' | 'position' | 'name'> {
  const node = entries[0]?.keyNode as Node;
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const name = byKey.get('name');
  return {
    source: reader.source, node, position: reader.source.positionOf(node),
    name: name === undefined ? undefined : reader.value(name.value),
    ...readKeywords(byKey, reader),
  };
}

function checkKeys(entries: MapEntry[], known: readonly string[], what: string, reader: NodeReader): void {
  for (const entry of entries.filter(({ key }) => !known.includes(shortName(key)))) refuseKey(entry, reader, known, what);
}

function readBlock(entries: MapEntry[], section: MapEntry, reader: NodeReader, around: TaskSurroundings): BlockSource | undefined {
  if (around.handler) return reader.fail('a block cannot be a handler', section.keyNode, 'write its tasks as handlers that listen to the same name');
  const loop = entries.find(({ key }) => LOOP_KEYS.includes(key));
  if (loop !== undefined) reader.fail('a block cannot be looped', loop.keyNode, 'put its tasks into a file, and loop over include_tasks');
  const taken = entries.filter((entry) => entry !== loop);
  checkKeys(taken, BLOCK_KEYS, 'not a key of a block', reader);
  const part = (key: string): StepSource[] => {
    const entry = entries.find((each) => each.key === key);
    return entry === undefined ? [] : readSteps(entry.value, key, reader, around);
  };
  if (!entries.some(({ key }) => key === 'block')) reader.fail(`${section.key} without block`, section.keyNode, 'put the tasks that may fail below "block:"');
  return { kind: 'block', ...commonOf(entries, reader), block: part('block'), rescue: part('rescue'), always: part('always') };
}

function readMeta(entries: MapEntry[], meta: MapEntry, reader: NodeReader): MetaSource | undefined {
  checkKeys(entries, ['name', 'meta', 'when', 'tags', 'vars'], 'not a key of a meta task', reader);
  const name = reader.text(meta);
  const known = METAS.find((each) => each === name);
  if (known !== undefined) return { kind: 'meta', meta: known, ...commonOf(entries, reader) };
  if (name === undefined) return undefined;
  const instead = OTHER_METAS[name];
  if (instead !== undefined) return reader.fail(`meta: ${name} is not supported`, meta.value, instead);
  return reader.fail(`there is no meta task "${name}"`, meta.value, suggestion(name, METAS) ?? `there are ${METAS.join(', ')}`);
}

/** What stands below an include: `include_tasks: FILE`, a mapping, or name=value pairs; `args` beside it adds to it. */
function argumentsOf(entry: MapEntry, args: MapEntry | undefined, main: string, reader: NodeReader): Map<string, MapEntry | Placed<Value>> {
  const found = new Map<string, MapEntry | Placed<Value>>();
  const node = reader.problems.attempt(() => dereference(entry.value, reader.source)) ?? null;
  if (isMap(node)) for (const each of reader.mapping(node, entry.key)) found.set(each.key, each);
  else if (node !== null) {
    const value = reader.value(node);
    const { pairs, rest } = typeof value === 'string' ? splitFreeForm(value) : { pairs: [], rest: [] };
    if (pairs.length > 0) {
      for (const [key, given] of pairs) found.set(key, { value: given, node, source: reader.source });
      if (rest.length > 0) found.set(main, { value: rest.join(' '), node, source: reader.source });
    } else if (value !== undefined && value !== null) found.set(main, { value, node, source: reader.source });
  }
  for (const each of args === undefined ? [] : reader.mapping(args.value, 'args')) found.set(each.key, each);
  return found;
}

const ARGUMENTS: Readonly<Record<IncludeSource['action'], readonly string[]>> = {
  import_tasks: ['file'],
  include_tasks: ['file', 'apply'],
  import_role: ['name', 'tasks_from', 'vars_from', 'defaults_from', 'handlers_from', 'allow_duplicates', 'public', 'rolespec_validate'],
  include_role: ['name', 'tasks_from', 'vars_from', 'defaults_from', 'handlers_from', 'allow_duplicates', 'public', 'apply', 'rolespec_validate'],
  include_vars: ['file', 'dir', 'name', 'extensions'],
};

function readInclude(entries: MapEntry[], action: IncludeSource['action'], entry: MapEntry, reader: NodeReader, around: TaskSurroundings): IncludeSource | undefined {
  const byKey = new Map(entries.map((each) => [each.key, each]));
  const isStatic = action.startsWith('import_');
  const loop = isStatic ? entries.find(({ key }) => LOOP_KEYS.includes(key)) : undefined;
  if (loop !== undefined) reader.fail(`${action} cannot be looped`, loop.keyNode, `use ${action.replace('import', 'include')}`);
  if (around.handler && action === 'import_role') reader.fail('import_role cannot be a handler', entry.keyNode, 'use include_role');
  const known = isStatic ? IMPORT_KEYS : INCLUDE_KEYS;
  for (const each of entries) {
    const key = shortName(each.key);
    if (each === loop || known.includes(key) || LOOP_KEYS.includes(key) || key === action || (key === 'listen' && around.handler)) continue;
    if (!isStatic && INHERITED_KEYS.includes(key)) reader.fail(`${key} on ${action} would not reach what is included`, each.keyNode, action === 'include_vars' ? 'leave it out' : 'write it below "apply:", or use an import');
    else refuseKey(each, reader, known, `not a key of ${action}`);
  }
  const main = action === 'import_role' || action === 'include_role' ? 'name' : 'file';
  const given = argumentsOf(entry, byKey.get('args'), main, reader);
  for (const [key, each] of given) {
    if (ARGUMENTS[action].includes(key)) continue;
    const place = 'keyNode' in each ? each.keyNode : each.node;
    if (main === 'file' && action !== 'include_vars') reader.fail(`${action} takes no parameters`, place, 'give variables with vars');
    else reader.fail(`"${key}" is not supported by ${action}`, place, suggestion(key, ARGUMENTS[action]) ?? `it takes ${ARGUMENTS[action].join(', ')}`);
  }
  const placed = (key: string): Placed<Value> | undefined => {
    const each = given.get(key);
    return each === undefined ? undefined : 'keyNode' in each ? reader.placed(each) : each;
  };
  const flag = (key: string, fallback: boolean): boolean => {
    const each = given.get(key);
    if (each === undefined) return fallback;
    return 'keyNode' in each ? (reader.boolean(each) ?? fallback) : /^(?:yes|true|on|1)$/i.test(String(each.value));
  };
  const folder = placed('dir');
  const what = folder ?? placed(main);
  if (what === undefined) reader.fail(`${action} does not say ${main === 'name' ? 'which role' : 'which file'}`, entry.keyNode, `for example "${action}: ${main === 'name' ? '{name: web}' : 'other.yml'}"`);
  const into = given.get('name');
  return {
    kind: 'include', action, ...commonOf(entries, reader), what,
    isFolder: folder !== undefined,
    into: action !== 'include_vars' || into === undefined ? undefined : 'keyNode' in into ? reader.text(into) : String(into.value),
    extensions: listOf(placed('extensions')?.value) ?? ['yml', 'yaml', 'json'],
    from: { tasks: placed('tasks_from'), vars: placed('vars_from'), defaults: placed('defaults_from'), handlers: placed('handlers_from') },
    isPublic: flag('public', false),
    allowDuplicates: flag('allow_duplicates', true),
    apply: readApply(given.get('apply'), reader),
    loop: isStatic ? undefined : readLoop(byKey, reader),
    control: readLoopControl(byKey.get('loop_control'), reader),
    register: readRegister(byKey.get('register'), reader),
    listen: byKey.has('listen') ? reader.names(byKey.get('listen') as MapEntry) : [],
  };
}

function readApply(entry: MapEntry | Placed<Value> | undefined, reader: NodeReader): Keywords | undefined {
  if (entry === undefined) return undefined;
  if (!('keyNode' in entry)) return reader.fail('apply takes a mapping of keywords', entry.node);
  const entries = reader.mapping(entry.value, 'apply');
  checkKeys(entries, [...INHERITED_KEYS, 'when', 'tags', 'vars'], 'not a key of apply', reader);
  return { ...NO_KEYWORDS, ...readKeywords(new Map(entries.map((each) => [each.key, each])), reader) };
}

function listOf(value: Value | undefined): string[] | undefined {
  return value === undefined ? undefined : [value].flat().map((each) => String(each).replace(/^\./, ''));
}
