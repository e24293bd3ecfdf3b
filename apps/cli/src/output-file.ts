import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { HsmfleetError } from '@hsmfleet/contract';

/** How a file is written. */
export interface OutputOptions {
  /** Take the place of a file that exists. */
  force: boolean;
  /** Permissions, before the umask; 0644 without. */
  mode?: number;
  /** What to do when the file exists. */
  existsHint?: string;
  /** What to do when it cannot be written. */
  writeHint?: string;
}

/**
 * Makes something and writes it to a file: with `force` it is there in full or as it was before, without it a failure leaves
 * none. The file is opened first, so that work on a token is not done in vain.
 * @throws HsmfleetError USAGE when it exists, FILE_WRITE; whatever `make` throws, and then there is no new file
 */
export async function writeOutput<T extends { contents: string | Buffer }>(file: string, options: OutputOptions, make: () => Promise<T>): Promise<T> {
  const { force } = options;
  const path = force ? `${file}.${randomBytes(4).toString('hex')}.new` : file;
  const handle = await openNew(path, file, options);
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
    throw isSystemError(thrown) ? cannotWrite(file, thrown, options) : thrown;
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

async function openNew(path: string, file: string, options: OutputOptions): Promise<FileHandle> {
  try {
    return await open(path, 'wx', options.mode ?? 0o644);
  } catch (thrown) {
    if (isSystemError(thrown) && thrown.code === 'EEXIST') throw new HsmfleetError('USAGE', `${file} exists already`, { hint: options.existsHint ?? 'write over it with --force, or give another name', cause: thrown });
    throw cannotWrite(file, thrown, options);
  }
}

function cannotWrite(file: string, thrown: unknown, { writeHint }: OutputOptions): HsmfleetError {
  return new HsmfleetError('FILE_WRITE', `cannot write ${file}: ${thrown instanceof Error ? thrown.message : 'unknown'}`, { ...(writeHint === undefined ? {} : { hint: writeHint }), cause: thrown });
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'syscall' in thrown;
}
