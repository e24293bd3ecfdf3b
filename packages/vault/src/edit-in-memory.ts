import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';

/** Lets a person change a file in place; fulfils when they are done. @throws HsmfleetError when the editor fails */
export type Editor = (path: string) => Promise<void>;

/** Magic number of tmpfs, from statfs(2). */
const TMPFS = 0x01021994;

/**
 * Hands plain text to an editor as a file that never reaches a disk: in a folder of its own, for the owner alone, in
 * memory. The folder goes away with whatever the editor left in it, also when the editor or this program is interrupted.
 * @param name the file is called after it, so that the editor knows the kind of file
 * @returns what the person made of it
 * @throws HsmfleetError VAULT_EDIT where there is no file system in memory, and what the editor throws
 */
export async function editInMemory(plaintext: Buffer, name: string, editor: Editor): Promise<Buffer> {
  const folder = await mkdtemp(join(await memoryFolder(), 'hsmfleet-vault-'));
  const remove = (): void => { rmSync(folder, { recursive: true, force: true }); };
  const leave = (signal: NodeJS.Signals): void => {
    remove();
    process.exit(signal === 'SIGHUP' ? 129 : 143);
  };
  // Ctrl-C belongs to the editor
  const ignore = (): void => undefined;
  process.on('exit', remove).on('SIGTERM', leave).on('SIGHUP', leave).on('SIGINT', ignore);
  try {
    const path = join(folder, basename(name));
    await writeFile(path, plaintext, { mode: 0o600, flag: 'wx' });
    await editor(path);
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    throw new HsmfleetError('VAULT_EDIT', `the edited text cannot be read back: ${(thrown as NodeJS.ErrnoException).code ?? 'unknown reason'}`, { cause: thrown });
  } finally {
    remove();
    process.off('exit', remove).off('SIGTERM', leave).off('SIGHUP', leave).off('SIGINT', ignore);
    await rm(folder, { recursive: true, force: true });
  }
}

async function memoryFolder(): Promise<string> {
  for (const path of ['/dev/shm', process.env.XDG_RUNTIME_DIR]) {
    if (path === undefined || path === '') continue;
    const { type } = await statfs(path).catch(() => ({ type: 0 }));
    if (type === TMPFS) return path;
  }
  throw new HsmfleetError('VAULT_EDIT', 'there is no file system in memory for the plain text: neither /dev/shm nor $XDG_RUNTIME_DIR is a tmpfs', {
    hint: 'use "hsmfleet vault encrypt" with the text on standard input',
  });
}
