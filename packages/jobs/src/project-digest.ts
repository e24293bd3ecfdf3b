import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** Folders whose contents are no part of what a run does. */
const PASSED_OVER = /^(\..*|node_modules|secrets?)$/i;
const SECRET_FILE = /!secret\s+["']?file:([^\s"'#,\]}]+)/g;
const PRIVATE_KEY = /^-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/**
 * A hash over the files of a project folder: two copies with the same one make the same plans. What may be a secret has no
 * part in it, so that it can be shown to anybody: folders named `secrets`, files that a `!secret file:` names, private keys.
 * Nor have hidden files and node_modules.
 * @param exclude further files, such as those with vault passwords
 * @throws the file system's errors
 */
export async function projectDigest(folder: string, exclude: readonly string[] = []): Promise<string> {
  const root = resolve(folder);
  const files = (await listFiles(root)).sort();
  const contents = new Map<string, Buffer>();
  const secret = new Set(exclude.map((file) => resolve(file)));
  for (const file of files) {
    if (secret.has(file)) continue;
    const bytes = await readFile(file);
    contents.set(file, bytes);
    if (!/\.(ya?ml|json)$|(^|\/)(group_vars|host_vars)\//.test(file)) continue;
    for (const match of bytes.toString('utf8').matchAll(SECRET_FILE)) secret.add(secretPath(match[1] ?? '', dirname(file)));
  }
  const hash = createHash('sha256');
  for (const [file, bytes] of contents) {
    if ([...secret].some((path) => file === path || file.startsWith(`${path}${sep}`)) || PRIVATE_KEY.test(bytes.toString('latin1', 0, 64))) continue;
    hash.update(`${relative(root, file)}\0${String(bytes.length)}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Where a reference points; a folder when the name is a template, for it may be any file there. */
function secretPath(reference: string, from: string): string {
  const template = reference.indexOf('{{');
  const path = template === -1 ? reference : dirname(`${reference.slice(0, template)}x`);
  return isAbsolute(path) ? path : join(from, path);
}

async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (PASSED_OVER.test(entry.name)) continue;
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (kind?.isDirectory() === true && !entry.isSymbolicLink()) found.push(...(await listFiles(path)));
    else if (kind?.isFile() === true) found.push(path);
  }
  return found;
}
