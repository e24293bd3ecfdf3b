import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs';
import { join, relative } from 'node:path';

/** Something in a folder. */
export interface TreeEntry {
  path: string;
  /** From the folder, without a leading slash. */
  name: string;
  stats: Stats;
}

/** All below a folder, sorted by name, folders before what is in them; links are not followed. */
export function* walk(root: string, folder = root): Generator<TreeEntry> {
  for (const entry of readdirSync(folder).sort()) {
    const path = join(folder, entry);
    const stats = lstatSync(path);
    yield { path, name: relative(root, path), stats };
    if (stats.isDirectory()) yield* walk(root, path);
  }
}

/** Is the file a program or library in ELF? */
export function isElf(path: string): boolean {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const head = Buffer.alloc(4);
    return readSync(file, head, 0, 4, 0) === 4 && head.equals(Buffer.from('\x7fELF', 'latin1'));
  } finally {
    closeSync(file);
  }
}
