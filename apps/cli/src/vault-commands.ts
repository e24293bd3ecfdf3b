import { HsmfleetError } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/reporter';
import {
  createVaultFile, decryptVaultFile, editVaultFile, encryptVaultFile, formatInlineVault, isVaultText, readVaultFile, rekeyVaultFiles, replaceFile, sealText,
} from '@hsmfleet/vault';
import { askHidden, canAsk } from './ask-secret.ts';
import { runEditor } from './editor.ts';
import { loadKeyring, loadNewKeyring, type NewVaultOptions, type VaultOptions } from './vault-options.ts';

/** Where the result goes, and under which of several passwords. */
export interface VaultWriteOptions extends VaultOptions {
  encryptVaultId?: string;
  output?: string;
}

/** `vault create`. @throws HsmfleetError */
export async function createFile(file: string, options: VaultWriteOptions): Promise<number> {
  const key = (await loadKeyring(options, 'new')).pick(options.encryptVaultId);
  await createVaultFile(file, key, runEditor);
  return tell(`created ${file}`);
}

/** `vault edit`. @throws HsmfleetError */
export async function editFiles(files: readonly string[], options: VaultOptions): Promise<number> {
  const keyring = await loadKeyring(options, 'prompt');
  for (const file of files) tell(`${(await editVaultFile(file, keyring, runEditor)) ? 'changed' : 'left as it was:'} ${file}`);
  return 0;
}

/** `vault view`. @throws HsmfleetError */
export async function viewFiles(files: readonly string[], options: VaultOptions): Promise<number> {
  const keyring = await loadKeyring(options, 'prompt');
  const texts: Buffer[] = [];
  for (const file of files) texts.push(await readVaultFile(file, keyring));
  for (const text of texts) await show(text);
  return 0;
}

/** `vault encrypt`: files in their places, or standard input. @throws HsmfleetError */
export async function encryptFiles(given: readonly string[], options: VaultWriteOptions): Promise<number> {
  const files = inputs(given, options);
  const key = (await loadKeyring(options, 'new')).pick(options.encryptVaultId);
  for (const file of files) {
    if (file !== '-' && options.output !== '-') {
      await encryptVaultFile(file, key, options.output);
      tell(`encrypted ${file}`);
      continue;
    }
    const plaintext = await readInput(file);
    if (isVaultText(plaintext)) throw new HsmfleetError('VAULT_INVALID', `${file === '-' ? 'standard input' : file} is encrypted already`, { hint: 'hsmfleet vault rekey gives it another password' });
    await put(Buffer.from(await sealText(plaintext, key)), options.output);
  }
  return 0;
}

/** `vault decrypt`. @throws HsmfleetError */
export async function decryptFiles(given: readonly string[], options: VaultWriteOptions): Promise<number> {
  const files = inputs(given, options);
  const keyring = await loadKeyring(options, 'prompt');
  for (const file of files) {
    if (file === '-') await put((await keyring.open((await readInput(file)).toString('utf8'))).plaintext, options.output);
    else if (options.output === '-') await show(await readVaultFile(file, keyring));
    else {
      await decryptVaultFile(file, keyring, options.output);
      tell(`decrypted ${file}`);
    }
  }
  return 0;
}

/** `vault rekey`. @throws HsmfleetError */
export async function rekeyFiles(files: readonly string[], options: VaultOptions & NewVaultOptions): Promise<number> {
  const keyring = await loadKeyring(options, 'prompt');
  const key = (await loadNewKeyring(options)).pick();
  await rekeyVaultFiles(files, keyring, key);
  return tell(`rekeyed ${files.join(' ')}`);
}

/** `vault encrypt-string`: what a person types, or standard input without the line break at its end. @throws HsmfleetError */
export async function encryptString(options: VaultWriteOptions & { name?: string }): Promise<number> {
  const { name } = options;
  if (name !== undefined && !/^[A-Za-z_]\w*$/.test(name)) throw new HsmfleetError('USAGE', `"${name}" is no name of a variable`, { hint: 'letters, digits and underscores' });
  const key = (await loadKeyring(options, 'new')).pick(options.encryptVaultId);
  const plaintext = canAsk() ? await askText() : await readInput('-', true);
  if (plaintext.length === 0) throw new HsmfleetError('USAGE', 'there is nothing to encrypt', { hint: 'type it, or give it on standard input' });
  process.stdout.write(`${formatInlineVault(await sealText(plaintext, key), name)}\n`);
  return 0;
}

async function askText(): Promise<Buffer> {
  const text = await askHidden('Text to encrypt');
  if (text !== await askHidden('Text to encrypt, again')) throw new HsmfleetError('USAGE', 'the two answers differ: nothing was encrypted');
  return Buffer.from(text);
}

/** @throws HsmfleetError USAGE */
function inputs(files: readonly string[], { output, vaultPasswordFd }: VaultWriteOptions): readonly string[] {
  const all = files.length === 0 ? ['-'] : files;
  if (all.length > 1 && (output !== undefined || all.includes('-'))) throw new HsmfleetError('USAGE', 'several files cannot go into one', { hint: 'give one file with --output, or none to work in their places' });
  if (all.includes('-') && Number(vaultPasswordFd) === 0) throw new HsmfleetError('USAGE', 'standard input cannot be both the text and the vault password');
  return all;
}

async function readInput(file: string, oneLineBreakLess = false): Promise<Buffer> {
  if (file !== '-') return readPlain(file);
  if (process.stdin.isTTY) process.stderr.write('reading standard input; Ctrl-D ends it\n');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  if (!oneLineBreakLess || all.at(-1) !== 0x0a) return all;
  return all.subarray(0, all.at(-2) === 0x0d ? -2 : -1);
}

async function readPlain(file: string): Promise<Buffer> {
  const { readFile } = await import('node:fs/promises');
  try {
    return Buffer.from(await readFile(file));
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `${file} cannot be read`, { cause });
  }
}

async function put(bytes: Buffer, output: string | undefined): Promise<void> {
  if (output === undefined || output === '-') await show(bytes);
  else await replaceFile(output, bytes);
}

/** To standard output; a terminal gets no control characters of a file. */
async function show(bytes: Buffer): Promise<void> {
  const shown = process.stdout.isTTY ? bytes.toString('utf8').split('\n').map((line) => printable(line)).join('\n') : bytes;
  await new Promise((fulfil) => { process.stdout.write(shown, fulfil); });
}

function tell(message: string): number {
  process.stderr.write(`${printable(message)}\n`);
  return 0;
}
