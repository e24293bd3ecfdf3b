import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { editInMemory, type Editor } from './edit-in-memory.ts';
import { replaceFile } from './replace-file.ts';
import type { Opened, Opener, Sealer } from './sealing.ts';

/*
 * Files that are encrypted as a whole. Everything is decrypted and encrypted before anything is written, and what is
 * written takes the place of the old file in one step.
 */

/**
 * Decrypts a file.
 * @throws HsmfleetError FILE_MISSING, VAULT_INVALID, VAULT_PASSWORD, AGE_INVALID, AGE_IDENTITY, each with the file
 */
export async function readVaultFile(path: string, opener: Opener): Promise<Buffer> {
  return (await openFile(path, opener)).opened.plaintext;
}

/**
 * Encrypts a file in its place, or into another.
 * @throws HsmfleetError FILE_MISSING, VAULT_INVALID when it is encrypted already, FILE_WRITE
 */
export async function encryptVaultFile(path: string, sealer: Sealer, output = path): Promise<void> {
  const plaintext = await readBytes(path);
  if (sealedKind(plaintext) !== undefined) {
    throw new HsmfleetError('VAULT_INVALID', `${path} is encrypted already`, { hint: 'hsmfleet vault rekey gives it another password' });
  }
  await replaceFile(output, await sealer.seal(plaintext), output === path ? plaintext : undefined);
}

/**
 * Decrypts a file in its place, or into another.
 * @throws HsmfleetError as {@link readVaultFile}, FILE_WRITE
 */
export async function decryptVaultFile(path: string, opener: Opener, output = path): Promise<void> {
  const { bytes, opened } = await openFile(path, opener);
  await replaceFile(output, opened.plaintext, output === path ? bytes : undefined);
}

/**
 * Lets a person write a new encrypted file. Folders on the way to it are made, as ansible-vault does.
 * @throws HsmfleetError FILE_WRITE when it exists, and what editing throws
 */
export async function createVaultFile(path: string, sealer: Sealer, editor: Editor): Promise<void> {
  const exists = await readFile(path).then(() => true, (thrown: unknown) => (thrown as NodeJS.ErrnoException).code !== 'ENOENT');
  if (exists) throw new HsmfleetError('FILE_WRITE', `${path} exists already`, { hint: `hsmfleet vault edit changes it, hsmfleet vault encrypt encrypts it` });
  // before anybody writes anything: a folder that cannot be made is told of now
  await mkdir(dirname(path), { recursive: true }).catch((thrown: unknown) => {
    throw new HsmfleetError('FILE_WRITE', `cannot make the folder of ${path}: ${(thrown as Error).message}`, { cause: thrown });
  });
  const plaintext = await editInMemory(Buffer.alloc(0), path, editor);
  await keep(path, await sealer.seal(plaintext), 'absent');
}

/**
 * Lets a person change an encrypted file; password and label, or the one recipient, stay.
 * @param sealer where the file does not say for whom it is encrypted
 * @returns whether anything changed
 * @throws HsmfleetError as {@link readVaultFile}, FILE_WRITE, and what editing throws
 */
export async function editVaultFile(path: string, opener: Opener, editor: Editor, sealer?: Sealer): Promise<boolean> {
  const { bytes, opened } = await openFile(path, opener);
  // before a person begins to type
  const again = sealer ?? opened.again;
  if (again instanceof HsmfleetError) throw again;
  const plaintext = await editInMemory(opened.plaintext, path, editor);
  if (plaintext.equals(opened.plaintext)) return false;
  await keep(path, await again.seal(plaintext), bytes);
  return true;
}

/** Writes what a person typed; where that fails, their work is kept in memory, encrypted, and the error says where. */
async function keep(path: string, text: string, expected: Buffer | 'absent'): Promise<void> {
  try {
    await replaceFile(path, text, expected);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const rescue = join('/dev/shm', `${basename(path)}.${randomBytes(4).toString('hex')}.vault`);
    const saved = await writeFile(rescue, text, { mode: 0o600, flag: 'wx' }).then(() => true, () => false);
    throw new HsmfleetError(thrown.code, thrown.message, {
      hint: saved ? `what you wrote is in ${rescue}, encrypted as the file, until the machine restarts` : thrown.hint,
      cause: thrown,
    });
  }
}

async function openFile(path: string, opener: Opener): Promise<{ bytes: Buffer; opened: Opened }> {
  const bytes = await readBytes(path);
  return { bytes, opened: await openSealedFile(path, bytes, opener) };
}

/** Decrypts the bytes of a file. @throws HsmfleetError VAULT_INVALID for a file that is not encrypted; VAULT_PASSWORD, AGE_IDENTITY, AGE_INVALID */
export async function openSealedFile(path: string, bytes: Buffer, opener: Opener): Promise<Opened> {
  const kind = sealedKind(bytes);
  if (kind === undefined) {
    const inline = /!(?:vault|age)\s*\|/.test(bytes.toString('latin1'));
    throw new HsmfleetError('VAULT_INVALID', `${path} is not encrypted as a whole`, {
      hint: inline ? 'values in it are: write new ones with hsmfleet vault encrypt-string, give them another password with hsmfleet vault rekey' : undefined,
    });
  }
  try {
    return await opener.open(kind === 'vault' ? bytes.toString('utf8') : bytes);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const excerpt = bytes.toString('latin1').split('\n', 1)[0];
    throw new HsmfleetError(thrown.code, thrown.message, { hint: thrown.hint, position: { file: path, line: 1, column: 1 }, excerpt, cause: thrown });
  }
}

/** @throws HsmfleetError FILE_MISSING */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return Buffer.from(await readFile(path));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new HsmfleetError('FILE_MISSING', `${path} ${code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a directory' : 'cannot be read'}`, { cause: thrown });
  }
}
