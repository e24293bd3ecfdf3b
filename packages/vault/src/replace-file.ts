import { randomBytes } from 'node:crypto';
import { link, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';

/**
 * Puts new content in the place of a file, all or nothing: who reads meanwhile sees the old or the new, and whatever
 * fails leaves the old. Mode, owner and group stay; a link stays one, and its target changes. A file that is not there yet
 * becomes one that its owner alone can read.
 * @param expected the content that is replaced, or `absent`; something else there is not overwritten
 * @throws HsmfleetError FILE_WRITE
 */
export async function replaceFile(path: string, content: string | Buffer, expected?: Buffer | 'absent'): Promise<void> {
  let unfinished: string | undefined;
  try {
    const target = await realpath(path).catch((thrown: unknown) => {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return path;
      throw thrown;
    });
    const before = await stat(target).catch(() => undefined);
    unfinished = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await file.writeFile(content);
      if (before !== undefined) await takeOver(file, before);
      await file.sync();
    } finally {
      await file.close();
    }
    if (expected === 'absent') {
      // unlike a rename, a link never replaces what appeared there meanwhile
      await link(unfinished, target);
    } else {
      if (expected !== undefined) await requireUnchanged(target, expected);
      await rename(unfinished, target);
      unfinished = undefined;
    }
    await syncFolder(dirname(target));
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    throw new HsmfleetError('FILE_WRITE', `cannot write ${path}: ${(thrown as Error).message}`, { hint: 'what was there is unchanged', cause: thrown });
  } finally {
    if (unfinished !== undefined) await rm(unfinished, { force: true });
  }
}

/** Gives the owner first: a mode with set-id bits would not survive it the other way round. */
async function takeOver(file: FileHandle, before: { uid: number; gid: number; mode: number }): Promise<void> {
  const now = await file.stat();
  if (now.uid !== before.uid || now.gid !== before.gid) await file.chown(before.uid, before.gid);
  await file.chmod(before.mode & 0o7777);
}

async function requireUnchanged(path: string, expected: Buffer): Promise<void> {
  const file = await open(path, 'r');
  try {
    if ((await file.readFile()).equals(expected)) return;
  } finally {
    await file.close();
  }
  throw new HsmfleetError('FILE_WRITE', `${path} was changed by somebody else meanwhile`, { hint: 'it is as they left it; look at it, and begin again' });
}

/** So that the new name survives a power cut; not every file system takes it, and none needs it for consistency. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().catch(() => undefined);
  await folder.close();
}
