import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, lchown, lstat, mkdir, open, readFile, readdir, readlink, realpath, rename, rm, rmdir, symlink, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import type { WebChange } from '@hsmfleet/resource';

/** What a path was before it was touched. */
export type Snapshot =
  | { path: string; kind: 'absent' }
  | { path: string; kind: 'link'; target: string; uid: number; gid: number }
  | { path: string; kind: 'directory'; mode: number; uid: number; gid: number }
  /** `bytes`: SHA-256 of the contents, kept in the journal's folder; absent when only owner and mode are changed. */
  | { path: string; kind: 'file'; mode: number; uid: number; gid: number; mtimeMs: number; bytes?: string };

type Change = WebChange['changes'][number];

/** A change that touches more than this is no change of a web server's configuration. */
const MAX_ENTRIES = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Takes snapshots of all that the changes may touch and that has none yet. What a program touches is known by its
 * `keepAttributes` alone.
 * @param folder where contents are kept, by SHA-256; root-only, for PIN files are among them
 * @param known paths that already have a snapshot: the oldest one counts
 * @throws HsmfleetError TASK_FAILED when it would be unreasonably much
 */
export async function takeSnapshots(changes: readonly Change[], folder: string, known: ReadonlySet<string>): Promise<Snapshot[]> {
  const taken = new Map<string, Snapshot>();
  let size = 0;

  async function take(path: string, withBytes: boolean): Promise<void> {
    if (known.has(path) || taken.has(path)) return;
    if (taken.size >= MAX_ENTRIES || size > MAX_BYTES) {
      throw new HsmfleetError('TASK_FAILED', `too much to be put back if the change fails: more than ${String(MAX_ENTRIES)} paths or 64 MiB, at ${path}`, {
        hint: 'change it in a task of its own that does not belong to the web server',
      });
    }
    const stat = await lstat(path).catch(missing);
    if (stat === undefined) {
      // parents that a step will make go again as well, after what is in them
      const parent = dirname(path);
      if (parent !== path && (await lstat(parent).catch(missing)) === undefined) await take(parent, false);
      taken.set(path, { path, kind: 'absent' });
      return;
    }
    const { uid, gid } = stat;
    const mode = stat.mode & 0o7777;
    if (stat.isSymbolicLink()) {
      taken.set(path, { path, kind: 'link', target: await readlink(path), uid, gid });
      // steps write through links
      const real = await realpath(path).catch(missing);
      if (real !== undefined) await take(real, withBytes);
    } else if (stat.isDirectory()) {
      taken.set(path, { path, kind: 'directory', mode, uid, gid });
    } else if (stat.isFile()) {
      let bytes: string | undefined;
      if (withBytes) {
        const content = await readFile(path);
        size += content.length;
        bytes = await keepBytes(folder, content);
      }
      taken.set(path, { path, kind: 'file', mode, uid, gid, mtimeMs: stat.mtimeMs, ...(bytes === undefined ? {} : { bytes }) });
    }
  }

  async function takeTree(path: string, withBytes: boolean): Promise<void> {
    await take(path, withBytes);
    const stat = await lstat(path).catch(missing);
    if (stat?.isDirectory() !== true) return;
    for (const name of await readdir(path)) await takeTree(join(path, name), withBytes);
  }

  for (const change of changes) {
    switch (change.kind) {
      case 'write_file':
      case 'make_link':
        await take(change.path, true);
        break;
      case 'make_directory':
        await take(change.path, false);
        break;
      case 'set_attributes':
        await (change.recursive === true ? takeTree(change.path, false) : take(change.path, false));
        break;
      case 'remove':
        await takeTree(change.path, true);
        break;
      case 'run':
        for (const path of change.keepAttributes ?? []) await take(path, true);
        break;
    }
  }
  return [...taken.values()];
}

/**
 * Puts paths back as they were, modification times included, so that nothing looks changed. Goes on after a failure.
 * @returns what could not be put back, for people
 */
export async function restoreSnapshots(snapshots: readonly Snapshot[], folder: string): Promise<string[]> {
  const problems: string[] = [];
  const attempt = async (path: string, act: () => Promise<void>): Promise<void> => {
    await act().catch((thrown: unknown) => problems.push(`${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`));
  };
  const byDepth = [...snapshots].sort((a, b) => a.path.length - b.path.length);
  // deepest first: a directory that was absent can only go when it is empty
  for (const snapshot of byDepth.toReversed()) if (snapshot.kind === 'absent') await attempt(snapshot.path, () => removeAdded(snapshot.path));
  for (const snapshot of byDepth) if (snapshot.kind !== 'absent') await attempt(snapshot.path, () => putBack(snapshot, folder));
  return problems;
}

async function removeAdded(path: string): Promise<void> {
  const stat = await lstat(path).catch(missing);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    await rm(path, { force: true });
    return;
  }
  // others may have put something into a directory that was made for the change: then it stays
  await rmdir(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown;
  });
}

async function putBack(snapshot: Exclude<Snapshot, { kind: 'absent' }>, folder: string): Promise<void> {
  const { path } = snapshot;
  const now = await lstat(path).catch(missing);
  if (snapshot.kind === 'directory') {
    if (now?.isDirectory() !== true) {
      if (now !== undefined) await rm(path, { force: true });
      await mkdir(path, { recursive: true });
    }
    await chown(path, snapshot.uid, snapshot.gid);
    await chmod(path, snapshot.mode);
    return;
  }
  if (snapshot.kind === 'link') {
    if (now?.isSymbolicLink() === true && (await readlink(path)) === snapshot.target) return;
    await replaceBy(path, now?.isDirectory() === true, (beside) => symlink(snapshot.target, beside));
    await lchown(path, snapshot.uid, snapshot.gid);
    return;
  }
  if (snapshot.bytes !== undefined) {
    const content = await readFile(join(folder, snapshot.bytes));
    const same = now?.isFile() === true && now.size === content.length && (await readFile(path)).equals(content);
    if (!same) await replaceBy(path, now?.isDirectory() === true, (beside) => writeDurably(beside, content, 0o600));
  }
  await chown(path, snapshot.uid, snapshot.gid);
  await chmod(path, snapshot.mode);
  await utimes(path, new Date(), new Date(snapshot.mtimeMs));
}

async function replaceBy(path: string, isDirectory: boolean, make: (beside: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (isDirectory) await rm(path, { recursive: true, force: true });
  const beside = `${path}.hsmfleet-${randomBytes(6).toString('hex')}`;
  try {
    await make(beside);
    await rename(beside, path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
}

async function keepBytes(folder: string, content: Buffer): Promise<string> {
  const name = createHash('sha256').update(content).digest('hex');
  const path = join(folder, name);
  if ((await lstat(path).catch(missing)) === undefined) {
    await writeDurably(`${path}.new`, content, 0o600);
    await rename(`${path}.new`, path);
  }
  return name;
}

/** Writes a file that is on the disk when this returns. */
export async function writeDurably(path: string, content: Buffer | string, mode: number): Promise<void> {
  const file: FileHandle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function missing(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined;
  throw thrown;
}
