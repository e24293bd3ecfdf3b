import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/reporter';
import {
  createVaultFile, decryptVaultFile, editVaultFile, encryptVaultFile, formatInlineValue, readVaultFile, rekeyFiles, replaceFile, vaultSealer, type Opener,
} from '@hsmfleet/vault';
import { askHidden, canAsk } from './ask-secret.ts';
import { runEditor } from './editor.ts';
import type { AgeRecipientOptions } from './age-options.ts';
import { fileOpener, fileSealer, recipientSealer, type SealOptions } from './sealing-options.ts';
import { loadNewKeyring, type NewVaultOptions, type VaultOptions } from './vault-options.ts';

/** Where the result goes, and what encrypts it. */
export interface VaultWriteOptions extends SealOptions {
  output?: string;
}

/** `vault create`. @throws HsmfleetError */
export async function createFile(file: string, options: VaultWriteOptions): Promise<number> {
  const sealer = await fileSealer(options);
  await createVaultFile(file, sealer, runEditor);
  return tell(`created ${file}`);
}

/** `vault edit`. @throws HsmfleetError */
export async function editFiles(files: readonly string[], options: VaultOptions & AgeRecipientOptions): Promise<number> {
  const opener = fileOpener(options);
  const sealer = await recipientSealer(options);
  for (const file of files) tell(`${(await editVaultFile(file, opener, runEditor, sealer)) ? 'changed' : 'left as it was:'} ${file}`);
  return 0;
}

/** `vault view`. @throws HsmfleetError */
export async function viewFiles(files: readonly string[], options: VaultOptions): Promise<number> {
  const opener = fileOpener(options);
  const texts: Buffer[] = [];
  for (const file of files) texts.push(await readVaultFile(file, opener));
  for (const text of texts) await show(text);
  return 0;
}

/** `vault encrypt`: files in their places, or standard input. @throws HsmfleetError */
export async function encryptFiles(given: readonly string[], options: VaultWriteOptions): Promise<number> {
  const files = inputs(given, options);
  const sealer = await fileSealer(options);
  for (const file of files) {
    if (file !== '-' && options.output !== '-') {
      await encryptVaultFile(file, sealer, options.output);
      tell(`encrypted ${file}`);
      continue;
    }
    const plaintext = await readInput(file);
    if (sealedKind(plaintext) !== undefined) throw new HsmfleetError('VAULT_INVALID', `${file === '-' ? 'standard input' : file} is encrypted already`, { hint: 'hsmfleet vault rekey gives it another password' });
    await put(Buffer.from(await sealer.seal(plaintext)), options.output);
  }
  return 0;
}

/** `vault decrypt`. @throws HsmfleetError */
export async function decryptFiles(given: readonly string[], options: VaultWriteOptions): Promise<number> {
  const files = inputs(given, options);
  const opener = fileOpener(options);
  for (const file of files) {
    if (file === '-') await put((await openInput(file, opener)).plaintext, options.output);
    else if (options.output === '-') await show(await readVaultFile(file, opener));
    else {
      await decryptVaultFile(file, opener, options.output);
      tell(`decrypted ${file}`);
    }
  }
  return 0;
}

/** `vault rekey`. @throws HsmfleetError */
export async function rekey(files: readonly string[], options: VaultOptions & NewVaultOptions & AgeRecipientOptions & { onlyVaultId?: string[] }): Promise<number> {
  const { newVaultId, newVaultPasswordFile, newVaultPasswordFd } = options;
  const age = await recipientSealer(options);
  if (age !== undefined && [newVaultId, newVaultPasswordFile, newVaultPasswordFd].some((each) => each !== undefined)) {
    throw new HsmfleetError('USAGE', 'recipients of age and a new vault password are both given', { hint: 'encrypt with one of the two' });
  }
  const opener = fileOpener(options);
  const sealer = age ?? vaultSealer((await loadNewKeyring(options)).pick());
  for (const { path, values } of await rekeyFiles(files, opener, sealer, options.onlyVaultId)) {
    tell(values === 0 ? `left as it was: ${path}` : `rekeyed ${path}${values === 'whole' ? '' : ` (${String(values)} ${values === 1 ? 'value' : 'values'})`}`);
  }
  return 0;
}

/** `vault encrypt-string`: what a person types, or standard input without the line break at its end. @throws HsmfleetError */
export async function encryptString(options: VaultWriteOptions & { name?: string }): Promise<number> {
  const { name } = options;
  if (name !== undefined && !/^[A-Za-z_]\w*$/.test(name)) throw new HsmfleetError('USAGE', `"${name}" is no name of a variable`, { hint: 'letters, digits and underscores' });
  const sealer = await fileSealer(options);
  const plaintext = canAsk() ? await askText() : await readInput('-', true);
  if (plaintext.length === 0) throw new HsmfleetError('USAGE', 'there is nothing to encrypt', { hint: 'type it, or give it on standard input' });
  process.stdout.write(`${formatInlineValue(await sealer.seal(plaintext), name)}\n`);
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

async function openInput(file: string, opener: Opener): Promise<{ plaintext: Buffer }> {
  const bytes = await readInput(file);
  if (sealedKind(bytes) === undefined) throw new HsmfleetError('VAULT_INVALID', `${file === '-' ? 'standard input' : file} is encrypted neither with Ansible Vault nor with age`);
  return opener.open(sealedKind(bytes) === 'age' ? bytes : bytes.toString('utf8'));
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
