import type { Value } from '@hsmfleet/contract';
import type { AnyResource } from '@hsmfleet/resource';
import { scopeOf } from '@hsmfleet/template';
import { suggestion, type MapEntry, type Problems, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, type Node } from 'yaml';
import { parseBatchSize, type BatchSize } from './batches.ts';
import { PLAY_KEYS, UNSUPPORTED_PLAY_KEYS } from './keywords.ts';
import { NodeReader } from './node-reader.ts';
import { readTask, type TaskSurroundings } from './read-task.ts';
import type { Placed, PlaySource, PromptSource, TaskSource } from './source.ts';

export interface ReadPlaysOptions {
  resources: ReadonlyMap<string, AnyResource>;
  /** `-b` of the command line. */
  become: boolean | undefined;
  /** `-e`. */
  extraVars: Record<string, Value>;
}

/** Reads every play of a playbook; mistakes are collected. */
export function readPlays(source: YamlSource, problems: Problems, options: ReadPlaysOptions): PlaySource[] {
  const reader = new NodeReader(source, problems);
  if (source.root === null) {
    problems.add(source.problem('PLAYBOOK_INVALID', 'the playbook is empty', { file: source.path, line: 1, column: 1 }, 'a playbook is a list of plays'));
    return [];
  }
  if (isMap(source.root)) {
    reader.fail('a playbook is a list of plays', source.root, 'start the play with "- hosts: …"');
    return [];
  }
  return reader.list(source.root, 'a playbook').flatMap((node) => readPlay(node, reader, options) ?? []);
}

function readPlay(node: Node, reader: NodeReader, options: ReadPlaysOptions): PlaySource | undefined {
  const entries = reader.mapping(node, 'a play');
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  checkKeys(entries, reader);
  const read = <T>(key: string, run: (entry: MapEntry) => T): T | undefined => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : run(entry);
  };
  const vars = read('vars', (entry) => reader.variables(entry.value, 'vars')) ?? {};
  const keywords = reader.withScope(scopeOf(vars, options.extraVars));
  const become = read('become', (entry) => keywords.boolean(entry)) ?? options.become;
  const becomeUser = read('become_user', (entry) => keywords.text(entry));
  const around: TaskSurroundings = { resources: options.resources, handler: false, tags: read('tags', (entry) => reader.names(entry)) ?? [], become, becomeUser };
  const tasks = (key: string, handler = false): TaskSource[] =>
    read(key, (entry) => reader.list(entry.value, key).flatMap((task) => readTask(task, reader, { ...around, handler }) ?? [])) ?? [];
  const play = {
    source: reader.source,
    position: reader.source.positionOf(entries[0]?.keyNode ?? node),
    name: read('name', (entry) => keywords.text(entry)),
    vars,
    varsFiles: read('vars_files', (entry) => readVarsFiles(entry, reader)) ?? [],
    prompts: read('vars_prompt', (entry) => reader.list(entry.value, 'vars_prompt').flatMap((item) => readPrompt(item, reader) ?? [])) ?? [],
    tasks: [...tasks('pre_tasks'), ...tasks('tasks'), ...tasks('post_tasks')],
    handlers: tasks('handlers', true),
    serial: read('serial', (entry) => readSerial(entry, keywords)) ?? [],
    maxFailPercentage: read('max_fail_percentage', (entry) => readPercentage(entry, keywords)),
    anyErrorsFatal: read('any_errors_fatal', (entry) => keywords.boolean(entry)) ?? false,
    become,
    becomeUser,
    gatherFacts: read('gather_facts', (entry) => keywords.boolean(entry)) ?? true,
    connection: readConnection(byKey, reader),
  };
  const method = byKey.get('become_method');
  if (method !== undefined && reader.value(method.value) !== 'sudo') reader.fail('become_method must be sudo', method.value ?? method.keyNode, 'other ways are not supported');
  const hosts = byKey.get('hosts');
  if (hosts === undefined) return byKey.has('import_playbook') ? undefined : reader.fail('the play has no hosts', entries[0]?.keyNode ?? node, 'say on which hosts it runs: "hosts: all"');
  const pattern = keywords.names(hosts);
  if (pattern.length === 0) return undefined;
  return { ...play, hosts: { value: pattern.join(','), node: hosts.value ?? hosts.keyNode } };
}

function checkKeys(entries: MapEntry[], reader: NodeReader): void {
  const known: readonly string[] = PLAY_KEYS;
  for (const entry of entries.filter(({ key }) => !known.includes(key))) {
    const unsupported = UNSUPPORTED_PLAY_KEYS[entry.key];
    const [message = '', ...advice] = unsupported?.split(': ') ?? [];
    if (unsupported !== undefined) reader.fail(message, entry.keyNode, advice.length === 0 ? undefined : advice.join(': '));
    else reader.fail(`"${entry.key}" is not a key of a play`, entry.keyNode, suggestion(entry.key, known) ?? 'tasks belong below "tasks:"');
  }
}

function readVarsFiles(entry: MapEntry, reader: NodeReader): Placed<Value>[] {
  return reader.list(entry.value, 'vars_files', true).flatMap((node) => {
    const value = reader.value(node);
    return value === undefined ? [] : [{ value, node }];
  });
}

function readPrompt(node: Node, reader: NodeReader): PromptSource | undefined {
  const prompt: { name?: string | undefined; question?: string | undefined; private?: boolean; fallback?: string | undefined } = {};
  for (const entry of reader.mapping(node, 'a question of vars_prompt')) {
    if (entry.key === 'name') prompt.name = reader.text(entry);
    else if (entry.key === 'prompt') prompt.question = reader.text(entry);
    else if (entry.key === 'private') prompt.private = reader.boolean(entry) ?? true;
    else if (entry.key === 'default') prompt.fallback = reader.text(entry);
    else reader.fail(`"${entry.key}" is not supported in vars_prompt`, entry.keyNode, suggestion(entry.key, ['name', 'prompt', 'private', 'default']));
  }
  const { name } = prompt;
  if (name === undefined) return reader.fail('a question of vars_prompt has no name', node);
  return { name, question: prompt.question ?? name, private: prompt.private ?? true, fallback: prompt.fallback, node };
}

function readSerial(entry: MapEntry, reader: NodeReader): BatchSize[] {
  return reader.list(entry.value, 'serial', true).flatMap((node) => {
    const value = reader.known(node);
    if (value === undefined) return [];
    const sizes = [value].flat().map(parseBatchSize);
    if (sizes.every((size) => size !== undefined)) return sizes;
    reader.fail('serial must be a number of hosts, a percentage, or a list of them', node, 'for example 1, "25%", or [1, "25%"]');
    return [];
  });
}

function readPercentage(entry: MapEntry, reader: NodeReader): number | undefined {
  const value = reader.known(entry.value);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value !== '' ? Number(value.replace(/%$/, '')) : value;
  if (typeof number === 'number' && number >= 0 && number <= 100) return number;
  return reader.fail('max_fail_percentage must be a number from 0 to 100', entry.value ?? entry.keyNode);
}

function readConnection(byKey: ReadonlyMap<string, MapEntry>, reader: NodeReader): Record<string, Value> {
  const connection: Record<string, Value> = {};
  for (const [key, variable] of [['remote_user', 'ansible_user'], ['port', 'ansible_port'], ['connection', 'ansible_connection']] as const) {
    const entry = byKey.get(key);
    const value = entry === undefined ? undefined : reader.value(entry.value);
    if (value !== undefined && value !== null) connection[variable] = value;
  }
  return connection;
}
