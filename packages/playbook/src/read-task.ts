import { Deferred, type Value } from '@hsmfleet/contract';
import type { AnyResource } from '@hsmfleet/resource';
import { hasMarkup } from '@hsmfleet/template';
import { dereference, mapEntries, suggestion, type MapEntry } from '@hsmfleet/yaml-source';
import { Type } from '@sinclair/typebox';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { splitFreeForm } from './free-form.ts';
import { shortName, TASK_KEYS, UNSUPPORTED_TASK_KEYS } from './keywords.ts';
import { expressionOf, type NodeReader } from './node-reader.ts';
import { readKeywords } from './read-keywords.ts';
import { LOOP_KEYS, readLoop, readLoopControl, refuseLoop } from './read-loop.ts';
import type { Placed, TaskSource } from './source.ts';

export interface TaskSurroundings {
  resources: ReadonlyMap<string, AnyResource>;
  handler: boolean;
}

/** Stands for the resource of a task that names none, so that the rest of the task is still checked. */
const NO_RESOURCE: AnyResource = {
  name: 'unknown', summary: '', params: Type.Object({}), examples: [],
  inspect: () => Promise.resolve(undefined),
  plan: () => ({ steps: [] }),
};

/** Keys that say what a task does in a way that is older than its own key. */
const ACTION_KEYS = ['action', 'local_action'];

/** Reads one task, from the entries of its mapping. Mistakes are collected. */
export function readTask(entries: MapEntry[], reader: NodeReader, around: TaskSurroundings): TaskSource {
  const { source } = reader;
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const found = findResource(entries, reader, around);
  checkKeys(byKey, reader, around);
  const read = <T>(key: string, run: (entry: MapEntry) => T): T | undefined => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : run(entry);
  };
  const node = entries[0]?.keyNode as Node;
  const task = {
    kind: 'task' as const,
    source,
    node,
    position: source.positionOf(node),
    name: read('name', (entry) => reader.value(entry.value)),
    ...readKeywords(byKey, reader),
    ...(found?.local === true ? { delegateTo: { value: 'localhost', node: found.entry.keyNode, source } satisfies Placed<Value> } : {}),
    changedWhen: read('changed_when', (entry) => reader.conditions(entry)) ?? [],
    failedWhen: read('failed_when', (entry) => reader.conditions(entry)) ?? [],
    until: read('until', (entry) => reader.conditions(entry)) ?? [],
    retries: read('retries', (entry) => reader.placed(entry)),
    delay: read('delay', (entry) => reader.placed(entry)),
    timeout: read('timeout', (entry) => reader.placed(entry)),
    loop: readLoop(byKey, reader),
    control: readLoopControl(byKey.get('loop_control'), reader),
    register: readRegister(byKey.get('register'), reader),
    listen: read('listen', (entry) => reader.names(entry)) ?? [],
  };
  if (found === undefined) return { ...task, resource: NO_RESOURCE, resourceNode: node, params: {}, broken: true, placeOf: () => node };
  const args = byKey.get('args');
  const params = readParams(found, args, reader);
  return { ...task, resource: found.resource, resourceNode: found.entry.keyNode, params: params ?? {}, broken: params === undefined, placeOf: placesIn(found.entry, args, reader) };
}

/** The name of the variable that gets a result. */
export function readRegister(entry: MapEntry | undefined, reader: NodeReader): string | undefined {
  if (entry === undefined) return undefined;
  const name = reader.text(entry);
  if (name === undefined || /^[A-Za-z_]\w*$/.test(name)) return name;
  return reader.fail(`"${name}" is not a name for a variable`, entry.value);
}

/** Tells of a key of Ansible that is not supported, or that there is none of that name. */
export function refuseKey(entry: MapEntry, reader: NodeReader, known: readonly string[], what: string): void {
  const name = shortName(entry.key);
  if (entry.key.startsWith('with_')) {
    refuseLoop(entry, reader);
    return;
  }
  const unsupported = UNSUPPORTED_TASK_KEYS[name];
  if (unsupported !== undefined) {
    const [message = '', ...advice] = unsupported.split(': ');
    reader.fail(message, entry.keyNode, advice.length === 0 ? undefined : advice.join(': '));
  } else {
    const hint = suggestion(name.slice(name.lastIndexOf('.') + 1), known);
    reader.fail(`"${entry.key}" is ${what}`, entry.keyNode, hint ?? 'docs/reference lists the resources');
  }
}

interface Found {
  entry: MapEntry;
  resource: AnyResource;
  /** Of `action: NAME …`: the words after the name; undefined when its parameters are a mapping. */
  words?: string;
  /** Keys of the mapping that are no parameters. */
  skip?: string;
  /** `local_action`. */
  local?: boolean;
}

function findResource(entries: MapEntry[], reader: NodeReader, around: TaskSurroundings): Found | undefined {
  const known: readonly string[] = [...TASK_KEYS, ...LOOP_KEYS];
  const found: Found[] = [];
  let foreign = false;
  for (const entry of entries.filter(({ key }) => !known.includes(key))) {
    const resource = around.resources.get(shortName(entry.key));
    if (resource !== undefined) {
      found.push({ entry, resource });
      continue;
    }
    const action = ACTION_KEYS.includes(entry.key) ? findAction(entry, reader, around) : undefined;
    if (action !== undefined) {
      found.push(action);
      continue;
    }
    foreign = true;
    if (!ACTION_KEYS.includes(entry.key)) refuseKey(entry, reader, [...known, ...around.resources.keys()], 'neither a key of a task nor a resource');
  }
  const [first, second] = found;
  if (second !== undefined && first !== undefined) {
    reader.fail(`two resources in one task: ${first.entry.key} and ${second.entry.key}`, second.entry.keyNode, 'make two tasks of it');
  }
  if (first === undefined && !foreign) reader.fail('the task has no resource', entries[0]?.keyNode, 'say what it manages, for example "file:"');
  return first;
}

/** `action: NAME word key=value`, or a mapping with the name under `module`. */
function findAction(entry: MapEntry, reader: NodeReader, { resources }: TaskSurroundings): Found | undefined {
  const node = reader.problems.attempt(() => dereference(entry.value, reader.source)) ?? null;
  const local = entry.key === 'local_action';
  let name: string | undefined;
  let words: string | undefined;
  if (isMap(node)) {
    const named = reader.mapping(node, entry.key).find(({ key }) => key === 'module');
    name = named === undefined ? undefined : reader.text(named);
  } else {
    const value = node === null ? undefined : reader.value(node);
    const text = value instanceof Deferred ? value.text : value;
    const split = typeof text === 'string' ? /^\s*([\w.]+)(?:\s+([\s\S]*))?$/.exec(text) : null;
    name = split?.[1];
    words = split?.[2] ?? '';
  }
  if (name === undefined) return reader.fail(`${entry.key} must begin with the name of a resource`, entry.value ?? entry.keyNode, 'use the resource as the key of the task');
  const resource = resources.get(shortName(name));
  if (resource !== undefined) return { entry, resource, local, ...(words === undefined ? { skip: 'module' } : { words }) };
  const advice = UNSUPPORTED_TASK_KEYS[shortName(name)];
  return reader.fail(advice?.split(': ')[0] ?? `"${name}" is no resource`, entry.value ?? entry.keyNode, advice?.split(': ').slice(1).join(': ') ?? suggestion(name, resources.keys()));
}

function checkKeys(byKey: ReadonlyMap<string, MapEntry>, reader: NodeReader, around: TaskSurroundings): void {
  const listen = byKey.get('listen');
  if (listen !== undefined && !around.handler) reader.fail('listen is for handlers', listen.keyNode);
  for (const key of ['retries', 'delay'] as const) {
    const entry = byKey.get(key);
    if (entry !== undefined && !byKey.has('until')) reader.fail(`${key} without until does nothing`, entry.keyNode, 'say with until what the task waits for, for example "until: result is succeeded" with "register: result"');
  }
}

function readParams(found: Found, args: MapEntry | undefined, reader: NodeReader): Record<string, Value> | undefined {
  const { entry, resource } = found;
  const params: Record<string, Value> = {};
  const assign = (node: Node | null): void => {
    for (const part of reader.mapping(node, entry.key)) {
      if (part.key === found.skip) continue;
      const value = resource.expressions?.includes(part.key) === true ? readExpressions(part, reader) : reader.value(part.value);
      if (value !== undefined) params[part.key] = value;
    }
  };
  const node = reader.problems.attempt(() => dereference(entry.value, reader.source)) ?? null;
  if (found.words === '') {
    if (args === undefined && resource.freeFormParam !== undefined) {
      return reader.fail(`${entry.key} names no parameters`, entry.value ?? entry.keyNode, 'write them after the name, or below args');
    }
  } else if (node === null || isMap(node) || (isScalar(node) && node.value === null)) assign(node);
  else if (!readFreeForm(node, found, params, reader)) return undefined;
  if (args !== undefined) assign(args.value);
  return params;
}

/** False when it is none. */
function readFreeForm(node: Node, { entry, resource, words }: Found, params: Record<string, Value>, reader: NodeReader): boolean {
  const whole = reader.value(node);
  if (whole === undefined) return false;
  const position = reader.source.textPositionOf(node);
  const value = words === undefined ? whole : hasMarkup(words) ? new Deferred(words, 'text', position) : words;
  const text = value instanceof Deferred ? value.text : value;
  if (resource.freeFormParam !== undefined && !isSeq(node)) {
    params[resource.freeFormParam] = typeof value === 'boolean' && isScalar(node) ? (node.source ?? String(value)) : value;
    return true;
  }
  const { pairs, rest } = typeof text === 'string' ? splitFreeForm(text) : { pairs: [], rest: [''] };
  if (rest.length > 0 || pairs.length === 0) {
    reader.fail(`${entry.key} takes a mapping of parameters`, node, 'write "name: value" lines below it, or "name=value" pairs');
    return false;
  }
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
