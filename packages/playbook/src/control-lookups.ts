import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { Deferred, HsmfleetError, Secret, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import { bindTemplates, renderTemplate, type LookupCall, type Lookups, type Templates } from '@hsmfleet/template';
import { toValue, YamlSource, type SealedFiles } from '@hsmfleet/yaml-source';

/** Folders in which names of files are looked for, the nearest first. */
export type SearchFolders = (kind: 'files' | 'templates' | 'vars', from: SourcePosition | undefined) => string[];

export interface ControlFiles {
  searchFolders: SearchFolders;
  /** Opens files that are encrypted as a whole. */
  sealed: SealedFiles;
  env?: NodeJS.ProcessEnv | undefined;
}

type Found = (call: LookupCall, files: ControlFiles) => Value[];

/** Lookups of Ansible that have no place here, and what does the same. */
const REFUSED: Record<string, string> = {
  pipe: 'a program runs as a task: use command with register, with delegate_to: localhost where the control host is meant',
  lines: 'a program runs as a task: use command with register, whose result has stdout_lines',
  password: 'passwords are made once and kept: use hsmfleet vault encrypt-string, and lookup("vault", …) or !vault',
  url: 'fetch the file with a task of its own, and keep it beside the playbook',
  random_choice: 'a run must be repeatable: use the filter random with a seed',
  config: 'there is no configuration of Ansible here',
  csvfile: 'write the table as YAML and read it with vars_files or include_vars',
  ini: 'write the values as YAML and read them with vars_files or include_vars',
  inventory_hostnames: 'use groups["NAME"]',
  subelements: 'use the filter: users | subelements("keys")',
  varnames: 'put the variables into a mapping, and use its keys',
};

/** The lookups that read the control host. */
export function createControlLookups(files: ControlFiles): Lookups {
  return {
    call(call) {
      const lookup = LOOKUPS.get(call.name);
      if (lookup !== undefined) return lookup(call, files);
      const hint = REFUSED[call.name];
      throw failure(call, 'TEMPLATE_INVALID', hint === undefined ? `there is no lookup "${call.name}"` : `the lookup "${call.name}" is not supported`,
        hint ?? `there are ${[...LOOKUPS.keys(), 'vars', 'items', 'dict', 'sequence', 'indexed_items', 'nested', 'together'].sort().join(', ')}`);
    },
  };
}

/** Finds the templates that templates include, beside them first. */
export function createTemplates({ searchFolders, sealed }: ControlFiles): Templates {
  return {
    load(name, from) {
      const beside = from === undefined ? [] : [dirname(from.file)];
      const path = existing(candidates(name, [...beside, ...searchFolders('templates', from)]));
      return path === undefined ? undefined : readTemplate(path, sealed);
    },
  };
}

/** A template as it is rendered later; one that is encrypted is a secret as a whole. @throws UnopenedFile */
export function readTemplate(path: string, sealedFiles: SealedFiles): Deferred {
  const { bytes, sealed } = sealedFiles.read(path);
  return new Deferred(bytes.toString('utf8'), 'text', { file: path, line: 1, column: 1 }, sealed ? path : undefined);
}

const LOOKUPS = new Map<string, Found>([
  ['file', readTexts],
  ['unvault', readTexts],
  ['vault', readVault],
  ['env', ({ args, options }, { env = process.env }) => args.map((name) => env[String(name)] ?? options.default ?? '')],
  ['template', renderFiles],
  ['fileglob', globFiles],
  ['first_found', findFirst],
]);

function readTexts(call: LookupCall, files: ControlFiles): Value[] {
  return call.args.map((name) => {
    const path = find(call, files, 'files', name);
    const { bytes, sealed } = files.sealed.read(path);
    let text = bytes.toString('utf8');
    if (call.options.lstrip === true) text = text.trimStart();
    if (call.options.rstrip !== false) text = text.trimEnd();
    return sealed ? new Secret(text, path) : text;
  });
}

/** `lookup('vault', FILE)`: the whole text; `lookup('vault', FILE, KEY)`: one of its variables, `a.b` one inside of it. */
function readVault(call: LookupCall, files: ControlFiles): Value[] {
  const [name, key, ...more] = call.args;
  if (more.length > 0) throw failure(call, 'TEMPLATE_INVALID', 'the lookup "vault" takes a file and the name of a variable in it', 'write one lookup for each variable');
  const path = find(call, files, 'files', name, 'vars');
  const { bytes, sealed } = files.sealed.read(path);
  if (!sealed) throw failure(call, 'TEMPLATE_INVALID', `${path} is not encrypted`, 'encrypt it with hsmfleet vault encrypt, or read it with lookup("file", …)');
  const text = bytes.toString('utf8');
  if (key === undefined || key === null) return [new Secret(text.trimEnd(), path)];
  // as a variables file is read: a PIN whose number YAML changes (0123 is 83) is refused
  const source = new YamlSource(path, text, { encrypted: true });
  if (source.problems.length > 0) throw failure(call, 'TEMPLATE_INVALID', `${path} is no YAML, so no variable can be taken from it`, 'leave the name out to have the whole text');
  let value: Value | undefined = toValue(source.root, source);
  for (const part of String(key).split('.')) value = memberOf(value, part);
  if (value === undefined) throw failure(call, 'TEMPLATE_INVALID', `${path} has no variable "${String(key)}"`, `hsmfleet vault view ${path} shows what it has`);
  return [value];
}

function memberOf(value: Value | undefined, key: string): Value | undefined {
  if (value === null || typeof value !== 'object' || value instanceof Secret || value instanceof Deferred) return undefined;
  return Object.hasOwn(value, key) ? (value as { [key: string]: Value })[key] : undefined;
}

function renderFiles(call: LookupCall, files: ControlFiles): Value[] {
  const given = call.options.template_vars;
  const own = given !== undefined && given !== null && typeof given === 'object' && !Array.isArray(given) && !(given instanceof Secret) ? given : {};
  const scope = { lookup: (name: string) => (Object.hasOwn(own, name) ? own[name] : call.scope.lookup(name)), lookups: call.scope.lookups };
  const templates = createTemplates(files);
  return call.args.map((name) => renderTemplate(bindTemplates(readTemplate(find(call, files, 'templates', name), files.sealed), templates), scope));
}

function globFiles(call: LookupCall, files: ControlFiles): Value[] {
  return call.args.flatMap((pattern) => {
    const name = textOf(call, pattern);
    if (/[*?[]/.test(dirname(name))) throw failure(call, 'TEMPLATE_INVALID', 'the lookup "fileglob" takes wildcards in the name of the file only', 'write one lookup for each folder');
    const wanted = new RegExp(`^${basename(name).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^')}$`);
    for (const folder of candidates(dirname(name), files.searchFolders('files', call.position))) {
      if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
      const found = readdirSync(folder).filter((each) => wanted.test(each) && !each.startsWith('.') && statSync(join(folder, each)).isFile());
      if (found.length > 0) return found.sort().map((each) => join(folder, each));
    }
    return [];
  });
}

function findFirst(call: LookupCall, files: ControlFiles): Value[] {
  const named = call.options as { files?: Rendered; paths?: Rendered; skip?: Rendered };
  const groups = [...call.args.flat(1), ...(named.files === undefined ? [] : [named as { [key: string]: Rendered }])];
  let skip = named.skip === true;
  const looked: string[] = [];
  for (const each of groups) {
    const own = typeof each === 'object' && each !== null && !Array.isArray(each) && !(each instanceof Secret) ? each : undefined;
    skip ||= own?.skip === true;
    const names = own === undefined ? [textOf(call, each)] : listOf(own.files);
    const paths = listOf(own?.paths ?? named.paths);
    for (const name of names) {
      const folders = (['files', 'templates', 'vars'] as const).flatMap((kind) => files.searchFolders(kind, call.position));
      const places = paths.length === 0 ? candidates(name, folders) : paths.flatMap((path) => candidates(join(path, name), folders));
      const path = existing(places);
      if (path !== undefined) return [path];
      looked.push(name);
    }
  }
  if (skip) return [];
  throw failure(call, 'FILE_MISSING', `none of these files exists: ${looked.join(', ')}`, 'skip=true gives an empty list instead');
}

function listOf(value: Rendered | undefined): string[] {
  if (value === undefined || value === null) return [];
  return [value].flat().flatMap((each) => (typeof each === 'string' ? each.split(/[,;]/) : [String(each)]));
}

function textOf(call: LookupCall, value: Rendered | undefined): string {
  if (typeof value === 'string') return value;
  throw failure(call, 'TEMPLATE_INVALID', `the lookup "${call.name}" takes names of files`, 'write it as a text');
}

/** @throws HsmfleetError FILE_MISSING */
function find(call: LookupCall, { searchFolders }: ControlFiles, kind: 'files' | 'templates', given: Rendered | undefined, ...further: 'vars'[]): string {
  const name = textOf(call, given);
  const places = candidates(name, [kind, ...further].flatMap((each) => searchFolders(each, call.position)));
  const path = existing(places);
  if (path !== undefined) return path;
  throw failure(call, 'FILE_MISSING', `the lookup "${call.name}" does not find "${name}"`, `looked for ${places.join(' and ')}`);
}

function candidates(name: string, folders: string[]): string[] {
  const path = name === '~' || name.startsWith('~/') ? join(homedir(), name.slice(1)) : name;
  return isAbsolute(path) ? [path] : [...new Set(folders.map((folder) => join(folder, path)))];
}

function existing(places: string[]): string | undefined {
  return places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true);
}

function failure({ position }: LookupCall, code: 'FILE_MISSING' | 'TEMPLATE_INVALID', message: string, hint: string): HsmfleetError {
  return new HsmfleetError(code, message, { position, hint });
}
