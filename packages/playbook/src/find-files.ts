import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import type { Frame } from './expanded.ts';

/** Folders of the machine in which roles are looked for, after those of the playbook. */
const ROLE_FOLDERS = ['/usr/share/ansible/roles', '/etc/ansible/roles'];
const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Folders in which a file is looked for that a step names, the nearest first: those of its role, and of the roles around it, come before the playbook's. */
export function searchFolders(frame: Frame, kind: 'files' | 'templates' | 'vars'): string[] {
  const roles = frame.role === undefined ? [] : [frame.role, ...frame.role.parents.toReversed()];
  const folders = [...roles.map(({ path }) => path), frame.folder, frame.playFolder].flatMap((folder) => [join(folder, kind), folder]);
  return [...new Set(folders)];
}

/** Folders in which a file of tasks is looked for: beside the file that names it first. */
export function taskFolders(frame: Frame, section: 'tasks' | 'handlers'): string[] {
  const own = frame.role === undefined ? [] : [join(frame.role.path, section), frame.role.path];
  return [...new Set([frame.folder, ...own, frame.playFolder])];
}

/** Places where a role is looked for, in order. */
export function rolePlaces(playFolder: string, parent: string | undefined): string[] {
  const beside = parent === undefined ? [] : [dirname(parent)];
  return [...new Set([join(playFolder, 'roles'), join(homedir(), '.ansible/roles'), ...ROLE_FOLDERS, ...beside, playFolder])];
}

/** The folder of a role; undefined when there is none of that name. */
export function findRole(name: string, places: readonly string[], playFolder: string): string | undefined {
  if (isAbsolute(name)) return isFolder(name) ? name : undefined;
  const near = name.includes('/') ? [join(playFolder, name)] : [];
  return [...places.map((place) => join(place, name)), ...near].find(isFolder);
}

/** The file of a role's part: `main`, or the name given, with one of the usual endings, or a folder of that name. */
export function findPart(role: string, part: string, name: string): string | undefined {
  const path = join(role, part, name);
  return EXTENSIONS.map((extension) => path + extension).find((each) => isFile(each)) ?? (part !== 'tasks' && part !== 'handlers' && isFolder(path) ? path : undefined);
}

/** Files with variables in a folder and its folders, sorted. */
export function filesIn(folder: string, extensions: readonly string[]): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('.') && !name.endsWith('~')).sort().flatMap((name) => {
    const path = join(folder, name);
    if (isFolder(path)) return filesIn(path, extensions);
    return extensions.includes(extname(name).slice(1)) ? [path] : [];
  });
}

/** The first of the folders that has a file of that name. */
export function findIn(folders: readonly string[], name: string, there: (path: string) => boolean = isFile): string | undefined {
  return (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))).find(there);
}

/**
 * What a name with gaps could mean: names, as they would be written, with the path of each. A gap stands for a part of one
 * name between two slashes; of two folders with the same name in them, the nearer one counts.
 */
export function namesLike(text: string, folders: readonly string[], wanted: 'file' | 'folder'): Map<string, string> {
  const found = new Map<string, string>();
  const parts = shapeOf(text).split('/');
  const visit = (folder: string, depth: number, name: string): void => {
    const part = parts[depth] ?? '';
    const last = depth === parts.length - 1;
    const candidates = part.includes('\0') ? matching(folder, part) : [part];
    for (const each of candidates) {
      const path = join(folder, each);
      const key = name === '' ? each : `${name}/${each}`;
      if (!last) {
        if (isFolder(path)) visit(path, depth + 1, key);
      } else if ((wanted === 'file' ? isFile(path) : isFolder(path)) && !found.has(key)) found.set(key, path);
    }
  };
  if (parts[0] === '') visit('/', 1, '');
  else for (const folder of folders) visit(folder, 0, '');
  return found;
}

/** Every output and tag of Jinja replaced by a gap. */
export function shapeOf(text: string): string {
  if (text.includes('{%')) return '\0';
  return text.replace(/\{\{[\s\S]*?\}\}/g, '\0').replace(/\0+/g, '\0');
}

/** True when a name could be what a text with gaps comes to. */
export function fitsShape(name: string, text: string): boolean {
  return patternOf(shapeOf(text)).test(name);
}

function matching(folder: string, part: string): string[] {
  if (!isFolder(folder)) return [];
  const pattern = patternOf(part);
  return readdirSync(folder).filter((name) => !name.startsWith('.') && pattern.test(name)).sort();
}

function patternOf(part: string): RegExp {
  return new RegExp(`^${part.split('\0').map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*')}$`);
}

/** Files that a pattern with wildcards in its last part names, sorted. */
export function filesLike(pattern: string, folders: readonly string[]): string[] {
  const wanted = new RegExp(`^${basename(pattern).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^')}$`);
  const within = dirname(pattern);
  for (const folder of isAbsolute(pattern) ? [within] : folders.map((each) => join(each, within))) {
    if (!isFolder(folder)) continue;
    const found = readdirSync(folder).filter((name) => wanted.test(name) && !name.startsWith('.') && isFile(join(folder, name)));
    if (found.length > 0) return found.sort().map((name) => join(folder, name));
  }
  return [];
}
