import { Deferred, type Value } from '@hsmfleet/contract';
import type { AnyResource } from '@hsmfleet/resource';
import { hasMarkup } from '@hsmfleet/template';
import { dereference, mapEntries, suggestion, type MapEntry } from '@hsmfleet/yaml-source';
import { Type } from '@sinclair/typebox';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { splitFreeForm } from './free-form.ts';
import { shortName, TASK_KEYS, UNSUPPORTED_TASK_KEYS } from './keywords.ts';
import { expressionOf, type NodeReader } from './node-reader.ts';
import type { TaskSource } from './source.ts';

export interface TaskSurroundings {
  resources: ReadonlyMap<string, AnyResource>;
  handler: boolean;
  /** Tags of the play. */
  tags: readonly string[];
  /** The play's become: a task may repeat it, not change it. */
  become: boolean | undefined;
  becomeUser: string | undefined;
}

/** Stands for the resource of a task that names none, so that the rest of the task is still checked. */
const NO_RESOURCE: AnyResource = {
  name: 'unknown', summary: '', params: Type.Object({}), examples: [],
  inspect: () => Promise.resolve(undefined),
  plan: () => ({ steps: [] }),
};

/** Reads one task. Undefined when it is no mapping; mistakes are collected either way. */
export function readTask(node: Node, reader: NodeReader, around: TaskSurroundings): TaskSource | undefined {
  const { source } = reader;
  const entries = reader.mapping(node, around.handler ? 'a handler' : 'a task');
  if (entries.length === 0) {
    if (isScalar(node)) reader.fail('a task must be a mapping', node);
    return undefined;
  }
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const found = findResource(entries, reader, around);
  checkKeys(byKey, reader, around);
  const read = <T>(key: string, run: (entry: MapEntry) => T): T | undefined => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : run(entry);
  };
  const loop = byKey.get('loop') ?? byKey.get('with_items');
  if (byKey.has('loop') && byKey.has('with_items')) reader.fail('loop and with_items exclude one another', byKey.get('with_items')?.keyNode);
  const loopVar = readLoopControl(byKey.get('loop_control'), reader);
  const task = {
    source,
    position: source.positionOf(entries[0]?.keyNode),
    name: read('name', (entry) => reader.value(entry.value)),
    when: read('when', (entry) => reader.conditions(entry)) ?? [],
    changedWhen: read('changed_when', (entry) => reader.conditions(entry)) ?? [],
    failedWhen: read('failed_when', (entry) => reader.conditions(entry)) ?? [],
    loop: loop === undefined ? undefined : { ...(reader.placed(loop) ?? { value: [], node: loop.keyNode }), flatten: loop.key === 'with_items' },
    loopVar: loopVar ?? 'item',
    register: read('register', (entry) => reader.text(entry)),
    notify: read('notify', (entry) => reader.list(entry.value, 'notify', true).flatMap((item) => {
      const value = reader.value(item);
      return value === undefined ? [] : [{ value, node: item }];
    })) ?? [],
    listen: read('listen', (entry) => reader.names(entry)) ?? [],
    tags: [...around.tags, ...(read('tags', (entry) => reader.names(entry)) ?? [])],
    ignoreErrors: read('ignore_errors', (entry) => reader.placed(entry)),
    noLog: read('no_log', (entry) => reader.placed(entry)),
    checkMode: read('check_mode', (entry) => reader.placed(entry)),
    vars: read('vars', (entry) => reader.variables(entry.value, 'vars')) ?? {},
  };
  if (found === undefined) return { ...task, resource: NO_RESOURCE, resourceNode: node, params: {}, broken: true, placeOf: () => node };
  const args = byKey.get('args');
  const params = readParams(found, args, reader);
  return { ...task, resource: found.resource, resourceNode: found.entry.keyNode, params: params ?? {}, broken: params === undefined, placeOf: placesIn(found.entry, args, reader) };
}

interface Found {
  entry: MapEntry;
  resource: AnyResource;
}

function findResource(entries: MapEntry[], reader: NodeReader, around: TaskSurroundings): Found | undefined {
  const known: readonly string[] = TASK_KEYS;
  const found: Found[] = [];
  let foreign = false;
  for (const entry of entries.filter(({ key }) => !known.includes(key))) {
    const name = shortName(entry.key);
    const resource = around.resources.get(name);
    if (resource !== undefined) {
      found.push({ entry, resource });
      continue;
    }
    foreign = true;
    const unsupported = UNSUPPORTED_TASK_KEYS[name] ?? (entry.key.startsWith('with_') ? `${entry.key} is not supported: use loop` : undefined);
    if (unsupported !== undefined) {
      const [message = '', ...advice] = unsupported.split(': ');
      reader.fail(message, entry.keyNode, advice.length === 0 ? undefined : advice.join(': '));
    } else {
      const hint = suggestion(name.slice(name.lastIndexOf('.') + 1), [...known, ...around.resources.keys()]);
      reader.fail(`"${entry.key}" is neither a key of a task nor a resource`, entry.keyNode, hint ?? 'docs/reference lists the resources');
    }
  }
  const [first, second] = found;
  if (second !== undefined && first !== undefined) {
    reader.fail(`two resources in one task: ${first.entry.key} and ${second.entry.key}`, second.entry.keyNode, 'make two tasks of it');
  }
  if (first === undefined && !foreign) reader.fail('the task has no resource', entries[0]?.keyNode, 'say what it manages, for example "file:"');
  return first;
}

function checkKeys(byKey: ReadonlyMap<string, MapEntry>, reader: NodeReader, around: TaskSurroundings): void {
  const become = byKey.get('become');
  const user = byKey.get('become_user');
  if (become !== undefined) {
    const value = reader.boolean(become);
    if (value !== undefined && value !== (around.become ?? false)) {
      reader.fail(`become differs from the play's (${String(around.become ?? false)})`, become.value, 'the whole play runs as one user: write a play of its own for these tasks');
    }
  }
  if (user !== undefined) {
    const value = reader.text(user);
    if (value !== undefined && value !== (around.becomeUser ?? 'root')) {
      reader.fail(`become_user differs from the play's (${around.becomeUser ?? 'root'})`, user.value, 'write a play of its own for these tasks');
    }
  }
  const listen = byKey.get('listen');
  if (listen !== undefined && !around.handler) reader.fail('listen is for handlers', listen.keyNode);
  const register = byKey.get('register');
  if (register !== undefined) {
    const name = reader.value(register.value);
    if (typeof name === 'string' && !/^[A-Za-z_]\w*$/.test(name)) reader.fail(`"${name}" is not a name for a variable`, register.value);
  }
}

function readLoopControl(entry: MapEntry | undefined, reader: NodeReader): string | undefined {
  let loopVar: string | undefined;
  for (const part of entry === undefined ? [] : reader.mapping(entry.value, 'loop_control')) {
    if (part.key === 'loop_var') loopVar = reader.text(part);
    else if (part.key !== 'label') {
      const known = ['index_var', 'pause', 'extended'].includes(part.key);
      reader.fail(known ? `loop_control.${part.key} is not supported` : `"${part.key}" is not a key of loop_control`, part.keyNode, suggestion(part.key, ['loop_var', 'label']));
    }
  }
  return loopVar;
}

function readParams({ entry, resource }: Found, args: MapEntry | undefined, reader: NodeReader): Record<string, Value> | undefined {
  const params: Record<string, Value> = {};
  const assign = (node: Node | null): void => {
    for (const part of reader.mapping(node, entry.key)) {
      const value = resource.expressions?.includes(part.key) === true ? readExpressions(part, reader) : reader.value(part.value);
      if (value !== undefined) params[part.key] = value;
    }
  };
  const node = reader.problems.attempt(() => dereference(entry.value, reader.source)) ?? null;
  if (node === null || isMap(node) || (isScalar(node) && node.value === null)) assign(node);
  else if (!readFreeForm(node, { entry, resource }, params, reader)) return undefined;
  if (args !== undefined) assign(args.value);
  return params;
}

/** False when it is none. */
function readFreeForm(node: Node, { entry, resource }: Found, params: Record<string, Value>, reader: NodeReader): boolean {
  const value = reader.value(node);
  if (value === undefined) return false;
  if (resource.freeFormParam !== undefined && !isSeq(node)) {
    params[resource.freeFormParam] = typeof value === 'boolean' && isScalar(node) ? (node.source ?? String(value)) : value;
    return true;
  }
  const text = value instanceof Deferred ? value.text : value;
  const { pairs, rest } = typeof text === 'string' ? splitFreeForm(text) : { pairs: [], rest: [''] };
  if (rest.length > 0 || pairs.length === 0) {
    reader.fail(`${entry.key} takes a mapping of parameters`, node, 'write "name: value" lines below it, or "name=value" pairs');
    return false;
  }
  const position = reader.source.textPositionOf(node);
  for (const [name, given] of pairs) {
    const expression = resource.expressions?.includes(name) === true ? expressionOf(given, position) : undefined;
    params[name] = expression ?? (hasMarkup(given) ? new Deferred(given, 'text', position) : given);
  }
  return true;
}

function readExpressions(part: MapEntry, reader: NodeReader): Value | undefined {
  const list = reader.problems.attempt(() => dereference(part.value, reader.source));
  const conditions = reader.conditions(part);
  return isSeq(list) ? conditions : conditions[0];
}

function placesIn(entry: MapEntry, args: MapEntry | undefined, reader: NodeReader): TaskSource['placeOf'] {
  const step = (node: Node | null | undefined, key: string): { key: Node; value: Node | null } | undefined => {
    const at = reader.problems.attempt(() => dereference(node, reader.source));
    if (isMap(at)) {
      const found = mapEntries(at, reader.source).find((each) => each.key === key);
      return found === undefined ? undefined : { key: found.keyNode, value: found.value };
    }
    const item = isSeq(at) ? (at.items[Number(key)] as Node | undefined) : undefined;
    return item === undefined ? undefined : { key: item, value: item };
  };
  return (path, what) => {
    let place: { key: Node; value: Node | null } = { key: entry.keyNode, value: entry.value };
    for (const [depth, key] of path.entries()) {
      const next = step(place.value, key) ?? (depth === 0 ? step(args?.value, key) : undefined);
      if (next === undefined) break;
      place = next;
    }
    return what === 'key' ? place.key : (place.value ?? place.key);
  };
}
