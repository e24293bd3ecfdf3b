import { dirname, isAbsolute, join } from 'node:path';
import type { Value } from '@hsmfleet/contract';
import type { AnyResource } from '@hsmfleet/resource';
import { scopeOf } from '@hsmfleet/template';
import { suggestion, type MapEntry, type Problems, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, type Node } from 'yaml';
import { readBatchPause, readRollback } from './batch-keywords.ts';
import { parseBatchSize, type BatchSize } from './batches.ts';
import { PLAY_KEYS, UNSUPPORTED_PLAY_KEYS } from './keywords.ts';
import { NodeReader } from './node-reader.ts';
import { keywordsOf, NO_KEYWORDS, readKeywords } from './read-keywords.ts';
import { readRoleEntries } from './read-roles.ts';
import { readSteps } from './read-steps.ts';
import type { HostOrder, Keywords, Placed, PlaySource, PromptSource, RoleEntry, StepSource } from './source.ts';

export interface ReadPlaysOptions {
  resources: ReadonlyMap<string, AnyResource>;
  /** `-b` of the command line. */
  become: boolean | undefined;
  /** `-e`. */
  extraVars: Record<string, Value>;
  /** Reads another playbook. @throws HsmfleetError FILE_MISSING, PLAYBOOK_SYNTAX */
  load(path: string): Promise<YamlSource>;
}

/** Where a playbook stands, when another one imports it. */
interface Importing {
  /** Paths of the playbooks that import one another, the outermost first. */
  chain: readonly string[];
  when: Keywords['when'];
  tags: readonly string[];
  vars: Record<string, Value>;
}

const IMPORT_KEYS = ['import_playbook', 'ansible.builtin.import_playbook', 'name', 'when', 'tags', 'vars'];
const ORDERS: readonly HostOrder[] = ['inventory', 'reverse_inventory', 'sorted', 'reverse_sorted', 'shuffle'];
const STRATEGY_ADVICE = 'hosts never wait for one another between tasks: leave it out, or use serial for batches';

/** Reads every play of a playbook, and of those that it imports; mistakes are collected. */
export async function readPlays(source: YamlSource, problems: Problems, options: ReadPlaysOptions, importing: Importing = { chain: [source.path], when: [], tags: [], vars: {} }): Promise<PlaySource[]> {
  const reader = new NodeReader(source, problems);
  if (source.root === null) {
    problems.add(source.problem('PLAYBOOK_INVALID', 'the playbook is empty', { file: source.path, line: 1, column: 1 }, 'a playbook is a list of plays'));
    return [];
  }
  if (isMap(source.root)) {
    reader.fail('a playbook is a list of plays', source.root, 'start the play with "- hosts: …"');
    return [];
  }
  const plays: PlaySource[] = [];
  for (const node of reader.list(source.root, 'a playbook')) {
    const entries = reader.mapping(node, 'a play');
    const imported = entries.find(({ key }) => key === 'import_playbook' || key === 'ansible.builtin.import_playbook');
    if (imported !== undefined) plays.push(...await importPlays(entries, imported, reader, options, importing));
    else {
      const play = readPlay(node, entries, reader, options, importing);
      if (play !== undefined) plays.push(play);
    }
  }
  return plays;
}

async function importPlays(entries: MapEntry[], imported: MapEntry, reader: NodeReader, options: ReadPlaysOptions, around: Importing): Promise<PlaySource[]> {
  for (const entry of entries.filter(({ key }) => !IMPORT_KEYS.includes(key))) {
    reader.fail(`"${entry.key}" is not a key of import_playbook`, entry.keyNode, suggestion(entry.key, IMPORT_KEYS) ?? 'it takes name, when, tags and vars');
  }
  const own = readKeywords(new Map(entries.filter(({ key }) => ['when', 'tags', 'vars'].includes(key)).map((entry) => [entry.key, entry])), reader);
  const vars = { ...around.vars, ...own.vars };
  const name = reader.withScope(scopeOf(vars, options.extraVars)).text(imported);
  if (name === undefined) return [];
  const path = isAbsolute(name) ? name : join(dirname(reader.source.path), name);
  const at = imported.value ?? imported.keyNode;
  if (around.chain.includes(path)) {
    reader.fail('the playbook imports itself', at, [...around.chain, path].map((each) => each.replace(/.*\//, '')).join(' imports '));
    return [];
  }
  let source: YamlSource;
  try {
    source = await options.load(path);
  } catch (thrown) {
    reader.problems.addThrown(placedAt(thrown, reader, at));
    return [];
  }
  if (source.problems.length > 0) return [];
  return readPlays(source, reader.problems, options, { chain: [...around.chain, path], when: [...around.when, ...own.when], tags: [...around.tags, ...own.tags], vars });
}

/** A file that is missing is a mistake where it is named; all others are in the file itself. */
function placedAt(thrown: unknown, reader: NodeReader, at: Node): unknown {
  const error = thrown as { code?: string; position?: unknown; message?: string };
  if (error.code !== 'FILE_MISSING' || error.position !== undefined) return thrown;
  return reader.source.problem('FILE_MISSING', error.message ?? '', at, 'the path is relative to the playbook that imports it');
}

function readPlay(node: Node, entries: MapEntry[], reader: NodeReader, options: ReadPlaysOptions, importing: Importing): PlaySource | undefined {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  checkKeys(entries, reader);
  const read = <T>(key: string, run: (entry: MapEntry) => T): T | undefined => {
    const entry = byKey.get(key);
    return entry === undefined ? undefined : run(entry);
  };
  const { vars: own, ...handedDown } = readKeywords(new Map([...byKey].filter(([key]) => !['become', 'become_user', 'any_errors_fatal', 'when', 'notify'].includes(key))), reader);
  const vars = { ...own, ...importing.vars };
  const keywords = reader.withScope(scopeOf(vars, options.extraVars));
  const become = read('become', (entry) => keywords.boolean(entry)) ?? options.become;
  const becomeUser = read('become_user', (entry) => keywords.text(entry));
  const steps = (key: string, handler = false): StepSource[] => read(key, (entry) => readSteps(entry.value, key, reader, { resources: options.resources, handler })) ?? [];
  const play = {
    source: reader.source,
    position: reader.source.positionOf(entries[0]?.keyNode ?? node),
    folder: dirname(reader.source.path),
    name: read('name', (entry) => keywords.text(entry)),
    order: readOrder(byKey.get('order'), keywords),
    keywords: { ...NO_KEYWORDS, ...keywordsOf({ ...handedDown, vars: {} }), when: importing.when, tags: [...new Set([...importing.tags, ...handedDown.tags])] },
    vars,
    varsPlaces: new Map(read('vars', (entry) => reader.list(entry.value, 'vars', true).flatMap((each) => reader.mapping(each, 'vars')))?.map(({ key, keyNode }) => [key, reader.source.positionOf(keyNode)])),
    varsFiles: read('vars_files', (entry) => readVarsFiles(entry, reader)) ?? [],
    prompts: read('vars_prompt', (entry) => reader.list(entry.value, 'vars_prompt').flatMap((each) => readPrompt(each, reader) ?? [])) ?? [],
    preTasks: steps('pre_tasks'),
    roles: read('roles', (entry): RoleEntry[] => readRoleEntries(entry.value, 'roles', reader)) ?? [],
    tasks: steps('tasks'),
    postTasks: steps('post_tasks'),
    handlers: steps('handlers', true),
    serial: read('serial', (entry) => readSerial(entry, keywords)) ?? [],
    maxFailPercentage: read('max_fail_percentage', (entry) => readPercentage(entry, keywords)),
    anyErrorsFatal: read('any_errors_fatal', (entry) => keywords.boolean(entry)) ?? false,
    pause: read('serial_pause', (entry) => readBatchPause(entry, keywords)),
    rollbackBatch: read('rollback_batch', (entry) => readRollback(entry, keywords)),
    forceHandlers: read('force_handlers', (entry) => keywords.boolean(entry)) ?? false,
    become,
    becomeUser,
    gatherFacts: read('gather_facts', (entry) => keywords.boolean(entry)) ?? true,
    connection: readConnection(byKey, reader),
  };
  const method = byKey.get('become_method');
  if (method !== undefined && reader.value(method.value) !== 'sudo') reader.fail('become_method must be sudo', method.value ?? method.keyNode, 'other ways are not supported');
  const strategy = byKey.get('strategy');
  if (strategy !== undefined && reader.value(strategy.value) !== 'free') reader.fail('strategy must be free', strategy.value ?? strategy.keyNode, STRATEGY_ADVICE);
  const hosts = byKey.get('hosts');
  if (hosts === undefined) return reader.fail('the play has no hosts', entries[0]?.keyNode ?? node, 'say on which hosts it runs: "hosts: all"');
  const pattern = keywords.names(hosts);
  if (pattern.length === 0) return undefined;
  return { ...play, hosts: { value: pattern.join(','), node: hosts.value ?? hosts.keyNode, source: reader.source } };
}

function readOrder(entry: MapEntry | undefined, reader: NodeReader): HostOrder {
  const name = entry === undefined ? 'inventory' : reader.text(entry);
  const order = ORDERS.find((each) => each === name);
  if (order === undefined && name !== undefined) reader.fail(`there is no order "${name}"`, entry?.value, `there are ${ORDERS.join(', ')}`);
  return order ?? 'inventory';
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
    return value === undefined ? [] : [{ value, node, source: reader.source }];
  });
}

const PROMPT_ADVICE: Readonly<Record<string, string>> = {
  encrypt: 'ask for the hash itself, or run the program that takes the password',
  salt: 'ask for the hash itself, or run the program that takes the password',
  salt_size: 'ask for the hash itself, or run the program that takes the password',
};

function readPrompt(node: Node, reader: NodeReader): PromptSource | undefined {
  const prompt: { name?: string | undefined; question?: string | undefined; private?: boolean; confirm?: boolean; fallback?: string | undefined } = {};
  for (const entry of reader.mapping(node, 'a question of vars_prompt')) {
    if (entry.key === 'name') prompt.name = reader.text(entry);
    else if (entry.key === 'prompt') prompt.question = reader.text(entry);
    else if (entry.key === 'private') prompt.private = reader.boolean(entry) ?? true;
    else if (entry.key === 'confirm') prompt.confirm = reader.boolean(entry) ?? false;
    else if (entry.key === 'unsafe') reader.boolean(entry);
    else if (entry.key === 'default') prompt.fallback = reader.text(entry);
    else reader.fail(`"${entry.key}" is not supported in vars_prompt`, entry.keyNode, PROMPT_ADVICE[entry.key] ?? suggestion(entry.key, ['name', 'prompt', 'private', 'confirm', 'default']));
  }
  const { name } = prompt;
  if (name === undefined) return reader.fail('a question of vars_prompt has no name', node);
  return { name, question: prompt.question ?? name, private: prompt.private ?? true, confirm: prompt.confirm ?? false, fallback: prompt.fallback, node };
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
