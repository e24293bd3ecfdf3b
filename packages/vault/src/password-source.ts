import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, extname, resolve } from 'node:path';
import { HsmfleetError, Secret, sealedKind } from '@hsmfleet/contract';
import { checkLabel, DEFAULT_LABEL } from './envelope.ts';
import type { VaultKey } from './keyring.ts';

/** Where a vault password comes from. */
export type PasswordSource =
  | { kind: 'prompt'; label: string }
  /** A file with the password in it, or an executable that prints it. */
  | { kind: 'file'; label: string; path: string }
  /** An open file descriptor, read to its end. */
  | { kind: 'fd'; label: string; fd: number };

export interface PasswordOptions {
  /** Asks a person without echo; absent: nobody can be asked. */
  ask?: ((question: string) => Promise<string>) | undefined;
  /** The password is a new one: it is asked for twice. */
  confirm?: boolean;
  /** Told of a file that others can read. */
  warn(message: string): void;
}

/** Longest password read, in bytes: a wrong descriptor may have no end. */
const LIMIT = 64 * 1024;

/**
 * Ansible's `--vault-id`: LABEL@SOURCE or SOURCE, where a source is a file, a script or the word prompt.
 * @throws HsmfleetError USAGE
 */
export function parseVaultId(text: string): PasswordSource {
  const at = text.indexOf('@');
  const label = at < 1 ? DEFAULT_LABEL : text.slice(0, at);
  const source = at < 0 ? text : text.slice(at + 1);
  if (source === '') throw new HsmfleetError('USAGE', `--vault-id wants LABEL@SOURCE, not "${text}"`, { hint: 'a source is a file, an executable, or the word prompt' });
  checkLabel(label);
  return source === 'prompt' ? { kind: 'prompt', label } : { kind: 'file', label, path: source };
}

/**
 * Gets the password from its source.
 * @throws HsmfleetError VAULT_PASSWORD, FILE_MISSING, and what asking throws
 */
export async function loadVaultKey(source: PasswordSource, options: PasswordOptions): Promise<VaultKey> {
  const { label } = source;
  switch (source.kind) {
    case 'prompt': return { label, password: await fromPrompt(label, options) };
    case 'file': return { label, password: await fromFile(source.path, label, options) };
    case 'fd': return { label, password: passwordOf(await fromDescriptor(source.fd), `file descriptor ${String(source.fd)}`) };
  }
}

async function fromPrompt(label: string, { ask, confirm }: PasswordOptions): Promise<Secret> {
  const name = label === DEFAULT_LABEL ? '' : ` (${label})`;
  if (ask === undefined) {
    throw new HsmfleetError('VAULT_PASSWORD', `nobody can be asked for the vault password${name}: standard input is no terminal`, { hint: 'give it with --vault-password-file, --vault-id LABEL@FILE or --vault-password-fd' });
  }
  const question = `${confirm === true ? 'New vault password' : 'Vault password'}${name}`;
  const answer = (await ask(question)).trim();
  if (answer === '') throw new HsmfleetError('VAULT_PASSWORD', 'the vault password is empty');
  if (confirm === true && (await ask(`${question} again`)).trim() !== answer) throw new HsmfleetError('VAULT_PASSWORD', 'the two passwords are not the same');
  return new Secret(answer, `the vault password${name}`);
}

async function fromFile(given: string, label: string, options: PasswordOptions): Promise<Secret> {
  const path = resolve(given.replace(/^~(?=\/)/, homedir()));
  try {
    const found = await stat(path);
    if (found.isFile() && (found.mode & 0o111) !== 0) {
      await requireProgram(path);
      return passwordOf(await runScript(path, label), `the script ${path}`);
    }
    if (found.isFile() && (found.mode & 0o044) !== 0) options.warn(`the vault password file ${path} can be read by group or others: chmod 600 ${path}`);
    const bytes = await readFile(path);
    if (sealedKind(bytes) !== undefined) throw new HsmfleetError('VAULT_PASSWORD', `the vault password file ${path} is itself encrypted`, { hint: 'a file with a password is plain text, readable by its owner alone' });
    return passwordOf(Buffer.from(bytes), `the file ${path}`, true);
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HsmfleetError('FILE_MISSING', `the vault password file ${path} ${missing ? 'does not exist' : 'cannot be read'}`, { cause: thrown });
  }
}

/**
 * A file without `#!` would be handed to /bin/sh, which would take a password for a command and print it.
 * @throws HsmfleetError VAULT_PASSWORD
 */
async function requireProgram(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1').startsWith('#!') || buffer.toString('latin1') === '\x7fELF') return;
  } finally {
    await file.close();
  }
  throw new HsmfleetError('VAULT_PASSWORD', `the vault password file ${path} is executable, but no program`, { hint: `a file with a password in it: chmod 600 ${path}; a script begins with #!` });
}

/**
 * What an executable prints. It may talk to the person through standard error and the terminal, as under Ansible; one
 * called …-client is told the label.
 */
function runScript(path: string, label: string): Promise<Buffer> {
  const isClient = basename(path, extname(path)).endsWith('-client');
  return new Promise((fulfil, reject) => {
    const child = spawn(path, isClient ? ['--vault-id', label] : [], { stdio: ['inherit', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    child.on('error', (cause) => {
      reject(new HsmfleetError('VAULT_PASSWORD', `the vault password script ${path} cannot be run: ${cause.message.replace(/^spawn .* (?=E[A-Z]+$)/, '')}`, { cause }));
    });
    child.on('close', (code, signal) => {
      if (code === 0) fulfil(Buffer.concat(chunks));
      else if (isClient && code === 2) reject(new HsmfleetError('VAULT_PASSWORD', `the vault password script ${path} knows no password for the vault id "${label}"`));
      else reject(new HsmfleetError('VAULT_PASSWORD', `the vault password script ${path} ended with ${code === null ? (signal ?? '') : `exit code ${String(code)}`}`));
    });
  });
}

async function fromDescriptor(fd: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream('', { fd, autoClose: fd > 2 })) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > LIMIT) break;
    }
  } catch (cause) {
    throw new HsmfleetError('VAULT_PASSWORD', `the file descriptor ${String(fd)} cannot be read`, { hint: 'open it for hsmfleet: --vault-password-fd 3 3<FILE', cause });
  }
  return Buffer.concat(chunks);
}

/** Strips what Ansible strips: line breaks at the ends, and blanks too of what is read from a file. */
function passwordOf(bytes: Buffer, from: string, blanks = false): Secret {
  if (bytes.length > LIMIT) throw new HsmfleetError('VAULT_PASSWORD', `${from} holds more than a password`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HsmfleetError('VAULT_PASSWORD', `${from} holds something that is no UTF-8 text`);
  }
  text = blanks ? text.replace(/^[ \t\n\r\v\f]+|[ \t\n\r\v\f]+$/g, '') : text.replace(/^[\r\n]+|[\r\n]+$/g, '');
  if (text === '') throw new HsmfleetError('VAULT_PASSWORD', `${from} gives an empty vault password`);
  return new Secret(text, from);
}
