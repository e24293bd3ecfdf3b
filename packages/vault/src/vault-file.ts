import { readFile, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { editInMemory, type Editor } from './edit-in-memory.ts';
import { isVaultText } from './envelope.ts';
import { sealText, type OpenedVault, type VaultKey, type VaultKeyring } from './keyring.ts';
import { replaceFile } from './replace-file.ts';

/*
 * Files that are encrypted as a whole. Everything is decrypted and encrypted before anything is written, and what is
 * written takes the place of the old file in one step.
 */

/**
 * Decrypts a file.
 * @throws HsmfleetError FILE_MISSING, VAULT_INVALID, VAULT_PASSWORD, each with the file
 */
export async function readVaultFile(path: string, keyring: VaultKeyring): Promise<Buffer> {
  return (await openFile(path, keyring)).opened.plaintext;
}

/**
 * Encrypts a file in its place, or into another.
 * @throws HsmfleetError FILE_MISSING, VAULT_INVALID when it is encrypted already, FILE_WRITE
 */
export async function encryptVaultFile(path: string, key: VaultKey, output = path): Promise<void> {
  const plaintext = await readBytes(path);
  if (isVaultText(plaintext)) {
    throw new HsmfleetError('VAULT_INVALID', `${path} is encrypted already`, { hint: 'hsmfleet vault rekey gives it another password' });
  }
  await replaceFile(output, await sealText(plaintext, key), output === path ? plaintext : undefined);
}

/**
 * Decrypts a file in its place, or into another.
 * @throws HsmfleetError as {@link readVaultFile}, FILE_WRITE
 */
export async function decryptVaultFile(path: string, keyring: VaultKeyring, output = path): Promise<void> {
  const { bytes, opened } = await openFile(path, keyring);
  await replaceFile(output, opened.plaintext, output === path ? bytes : undefined);
}

/**
 * Gives files another password (and its label): all of them, or none when one cannot be decrypted.
 * @throws HsmfleetError as {@link readVaultFile}, FILE_WRITE
 */
export async function rekeyVaultFiles(paths: readonly string[], keyring: VaultKeyring, key: VaultKey): Promise<void> {
  const sealed: { path: string; bytes: Buffer; text: string }[] = [];
  for (const path of paths) {
    const { bytes, opened } = await openFile(path, keyring);
    sealed.push({ path, bytes, text: await sealText(opened.plaintext, key) });
  }
  for (const { path, bytes, text } of sealed) await replaceFile(path, text, bytes);
}

/**
 * Lets a person write a new encrypted file.
 * @throws HsmfleetError FILE_WRITE when it exists, and what editing throws
 */
export async function createVaultFile(path: string, key: VaultKey, editor: Editor): Promise<void> {
  const exists = await readFile(path).then(() => true, (thrown: unknown) => (thrown as NodeJS.ErrnoException).code !== 'ENOENT');
  if (exists) throw new HsmfleetError('FILE_WRITE', `${path} exists already`, { hint: `hsmfleet vault edit changes it, hsmfleet vault encrypt encrypts it` });
  const plaintext = await editInMemory(Buffer.alloc(0), path, editor);
  await keep(path, await sealText(plaintext, key), 'absent');
}

/**
 * Lets a person change an encrypted file; password and label stay.
 * @returns whether anything changed
 * @throws HsmfleetError as {@link readVaultFile}, FILE_WRITE, and what editing throws
 */
export async function editVaultFile(path: string, keyring: VaultKeyring, editor: Editor): Promise<boolean> {
  const { bytes, opened } = await openFile(path, keyring);
  const plaintext = await editInMemory(opened.plaintext, path, editor);
  if (plaintext.equals(opened.plaintext)) return false;
  await keep(path, await sealText(plaintext, opened.key, opened.label), bytes);
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
      hint: saved ? `what you wrote is in ${rescue}, encrypted with the same password, until the machine restarts` : thrown.hint,
      cause: thrown,
    });
  }
}

async function openFile(path: string, keyring: VaultKeyring): Promise<{ bytes: Buffer; opened: OpenedVault }> {
  const bytes = await readBytes(path);
  if (!isVaultText(bytes)) {
    const inline = (bytes.toString('latin1').match(/!vault\s*\|/g) ?? []).length;
    throw new HsmfleetError('VAULT_INVALID', `${path} is not encrypted with Ansible Vault as a whole`, {
      hint: inline > 0 ? 'values in it are: write new ones with hsmfleet vault encrypt-string' : undefined,
    });
  }
  try {
    return { bytes, opened: await keyring.open(bytes.toString('utf8')) };
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const excerpt = bytes.toString('latin1').split('\n', 1)[0];
    throw new HsmfleetError(thrown.code, thrown.message, { hint: thrown.hint, position: { file: path, line: 1, column: 1 }, excerpt, cause: thrown });
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return Buffer.from(await readFile(path));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new HsmfleetError('FILE_MISSING', `${path} ${code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a directory' : 'cannot be read'}`, { cause: thrown });
  }
}
