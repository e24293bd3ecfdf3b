import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { HsmfleetError } from '@hsmfleet/contract';

/**
 * Makes something and writes it to a file that nobody else sees half-written. The file is opened first, so that work on a
 * token is not done in vain.
 * @param force take the place of a file that exists
 * @throws HsmfleetError USAGE when it exists, FILE_WRITE; whatever `make` throws, and then there is no file
 */
export async function writeOutput<T extends { contents: string | Buffer }>(file: string, { force, mode = 0o644 }: { force: boolean; mode?: number }, make: () => Promise<T>): Promise<T> {
  const path = force ? `${file}.${randomBytes(4).toString('hex')}.new` : file;
  const handle = await openNew(path, mode);
  try {
    const made = await make();
    await handle.writeFile(made.contents);
    await handle.sync();
    await handle.close();
    if (force) await rename(path, file);
    return made;
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
    throw isSystemError(thrown) ? cannotWrite(file, thrown) : thrown;
  }
}

/**
 * The bytes of a file that a person names.
 * @throws HsmfleetError FILE_MISSING
 */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `cannot read ${file}: ${(thrown as Error).message}`, { hint: 'is the name right?', cause: thrown });
  }
}

async function openNew(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (thrown) {
    if (isSystemError(thrown) && thrown.code === 'EEXIST') throw new HsmfleetError('USAGE', `${path} exists already`, { hint: 'write over it with --force, or give another name', cause: thrown });
    throw cannotWrite(path, thrown);
  }
}

function cannotWrite(file: string, thrown: unknown): HsmfleetError {
  return new HsmfleetError('FILE_WRITE', `cannot write ${file}: ${thrown instanceof Error ? thrown.message : 'unknown'}`, { cause: thrown });
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'syscall' in thrown;
}
