import { lexConfig, type ConfigNode } from './lex.ts';

/** What reading a configuration needs of a host. */
export interface ConfigReader {
  /** Undefined when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Names in a directory, sorted; undefined when it is no directory. */
  list(path: string): Promise<string[] | undefined>;
}

export interface ConfigRoot {
  /** Main file, absolute. */
  mainFile: string;
  /** What relative paths are relative to; the file's own ServerRoot wins. */
  serverRoot: string;
  /** `${NAME}` in the text, as the environment has them. */
  variables?: Readonly<Record<string, string>>;
}

/** A configuration with its includes in place and its conditions decided. */
export interface ApacheConfig {
  nodes: ConfigNode[];
  /** Every file read, main file first. */
  files: { path: string; text: string }[];
  /** Module identifiers loaded (`ssl_module`), with the library's path where it is loaded from one. */
  modules: ReadonlyMap<string, string | undefined>;
  variables: ReadonlyMap<string, string>;
}

/** Compiled into the server by the distributions; `IfModule` asks for both spellings. */
const STATIC_MODULES = ['core_module', 'so_module', 'http_module', 'log_config_module', 'logio_module', 'version_module', 'unixd_module', 'watchdog_module'];
const MAX_DEPTH = 20;
const MAX_FILES = 2_000;

/**
 * Reads the whole configuration as Apache would: follows Include and IncludeOptional with wildcards, keeps track of
 * LoadModule and Define, and drops what IfModule and IfDefine exclude. Files that cannot be found are skipped.
 */
export async function readApacheConfig(reader: ConfigReader, root: ConfigRoot): Promise<ApacheConfig> {
  const files: { path: string; text: string }[] = [];
  const modules = new Map<string, string | undefined>(STATIC_MODULES.map((name) => [name, undefined]));
  const variables = new Map(Object.entries(root.variables ?? {}));
  const defines = new Set<string>();
  let serverRoot = root.serverRoot;
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${serverRoot}/${path}`);
  const expand = (word: string): string => word.replace(/\$\{([^}]+)\}/g, (whole, name: string) => variables.get(name) ?? whole);

  async function readFile(path: string, depth: number): Promise<ConfigNode[]> {
    if (depth > MAX_DEPTH || files.length >= MAX_FILES) return [];
    const text = await reader.readText(path);
    if (text === undefined) return [];
    files.push({ path, text });
    return await settle(lexConfig(text, path), depth);
  }

  async function settle(nodes: ConfigNode[], depth: number): Promise<ConfigNode[]> {
    const out: ConfigNode[] = [];
    for (const raw of nodes) {
      const node = { ...raw, args: raw.args.map(expand) };
      const [first = ''] = node.args;
      switch (node.name.toLowerCase()) {
        case 'include':
        case 'includeoptional':
          for (const path of await matchingFiles(reader, absolute(first))) out.push(...(await readFile(path, depth + 1)));
          break;
        case 'ifmodule':
          if (holds(first, (name) => hasModule(modules, name))) out.push(...(await settle(node.children ?? [], depth)));
          break;
        case 'ifdefine':
          if (holds(first, (name) => defines.has(name))) out.push(...(await settle(node.children ?? [], depth)));
          break;
        case 'ifversion':
          out.push(...(await settle(node.children ?? [], depth)));
          break;
        case 'loadmodule':
          modules.set(first, node.args[1] === undefined ? undefined : absolute(node.args[1]));
          out.push(node);
          break;
        case 'define':
          defines.add(first);
          if (node.args[1] !== undefined) variables.set(first, node.args[1]);
          break;
        case 'undefine':
          defines.delete(first);
          variables.delete(first);
          break;
        case 'serverroot':
          serverRoot = first;
          out.push(node);
          break;
        default:
          out.push(node.children === undefined ? node : { ...node, children: await settle(node.children, depth) });
      }
    }
    return out;
  }

  const nodes = await readFile(root.mainFile, 0);
  return { nodes, files, modules, variables };
}

function holds(condition: string, test: (name: string) => boolean): boolean {
  return condition.startsWith('!') ? !test(condition.slice(1)) : test(condition);
}

/** `ssl_module`, `mod_ssl.c`, and `http_core.c` for what has no usual file name. */
function hasModule(modules: ReadonlyMap<string, unknown>, name: string): boolean {
  const source = /^mod_(.+)\.c$/.exec(name)?.[1];
  return modules.has(source === undefined ? name : `${source}_module`) || name === 'http_core.c' || name === 'core.c';
}

/** Files that an Include names: wildcards in every part of the path; a directory stands for all files below it. */
async function matchingFiles(reader: ConfigReader, pattern: string): Promise<string[]> {
  let paths = [''];
  for (const part of pattern.split('/').filter((piece) => piece !== '' && piece !== '.')) {
    if (!/[*?[]/.test(part)) {
      paths = paths.map((path) => `${path}/${part}`);
      continue;
    }
    const matches = globPart(part);
    const next: string[] = [];
    for (const path of paths) {
      for (const name of (await reader.list(path === '' ? '/' : path)) ?? []) if (matches.test(name)) next.push(`${path}/${name}`);
    }
    paths = next;
  }
  const files: string[] = [];
  for (const path of paths) files.push(...(await filesBelow(reader, path, 0)));
  return files;
}

async function filesBelow(reader: ConfigReader, path: string, depth: number): Promise<string[]> {
  const names = await reader.list(path);
  if (names === undefined) return [path];
  if (depth > MAX_DEPTH) return [];
  const files: string[] = [];
  for (const name of names) files.push(...(await filesBelow(reader, `${path}/${name}`, depth + 1)));
  return files;
}

/** One path component with `*`, `?` and `[…]`, as fnmatch takes it; a leading dot must be written. */
function globPart(part: string): RegExp {
  const body = part.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]').replaceAll('[!', '[^');
  try {
    return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${body}$`);
  } catch {
    return /^(?!)/;
  }
}
