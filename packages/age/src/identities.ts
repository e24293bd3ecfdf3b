import { readFile, stat } from 'node:fs/promises';
import { HsmfleetError, Secret, sealedKind } from '@hsmfleet/contract';
import { armor, Decrypter, identityToRecipient } from 'age-encryption';

/** A key that opens what was encrypted for its recipient. */
export interface AgeIdentity {
  /** `age1…`: public. */
  recipient: string;
  /** `AGE-SECRET-KEY-1…`. */
  key: Secret;
}

export interface IdentityOptions {
  /** Asks a person without echo, for an identity file with a passphrase; absent: nobody can be asked. */
  ask?: ((question: string) => Promise<string>) | undefined;
  /** Told of a file that others can read. */
  warn(message: string): void;
}

/**
 * The identities of a file as age-keygen writes it: one a line, `#` begins a comment. The file may be encrypted with a
 * passphrase (`age -p`).
 * @throws HsmfleetError FILE_MISSING, AGE_IDENTITY; nothing of the file is ever repeated
 */
export async function loadIdentityFile(path: string, options: IdentityOptions): Promise<AgeIdentity[]> {
  let bytes: Buffer;
  try {
    bytes = Buffer.from(await readFile(path));
    if (((await stat(path)).mode & 0o044) !== 0 && sealedKind(bytes) === undefined) options.warn(`the age identity file ${path} can be read by group or others: chmod 600 ${path}`);
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `the age identity file ${path} ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read'}`, { cause });
  }
  if (sealedKind(bytes) === 'vault') throw new HsmfleetError('AGE_IDENTITY', `the age identity file ${path} is encrypted with Ansible Vault`, { hint: 'encrypt an identity file with a passphrase: age -p' });
  const text = sealedKind(bytes) === 'age' ? await openWithPassphrase(bytes, path, options) : bytes.toString('utf8');
  const identities: AgeIdentity[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    identities.push({ recipient: await recipientOf(line, path, index + 1), key: new Secret(line, `the age identity file ${path}`) });
  }
  if (identities.length === 0) throw new HsmfleetError('AGE_IDENTITY', `the age identity file ${path} holds no identity`, { hint: 'age-keygen -o FILE makes one' });
  return identities;
}

async function recipientOf(line: string, path: string, number: number): Promise<string> {
  try {
    return await identityToRecipient(line);
  } catch {
    const ssh = line.startsWith('-----BEGIN');
    throw new HsmfleetError('AGE_IDENTITY', ssh ? `${path} is no age identity file` : 'the line is no age identity', {
      position: { file: path, line: number, column: 1 },
      hint: ssh ? 'SSH keys are not taken: age-keygen -o FILE makes an identity' : 'an identity begins with AGE-SECRET-KEY-; plug-ins of age are not supported. The line is not shown',
    });
  }
}

async function openWithPassphrase(bytes: Buffer, path: string, { ask }: IdentityOptions): Promise<string> {
  if (ask === undefined) {
    throw new HsmfleetError('AGE_IDENTITY', `nobody can be asked for the passphrase of the age identity file ${path}: standard input is no terminal`, { hint: 'run on a terminal, or give a file without passphrase that its owner alone can read' });
  }
  const decrypter = new Decrypter();
  decrypter.addPassphrase(await ask(`Passphrase of the age identity file ${path}`));
  try {
    const binary = bytes.toString('latin1').startsWith('-----') ? armor.decode(bytes.toString('latin1')) : bytes;
    return await decrypter.decrypt(binary, 'text');
  } catch (cause) {
    const wrong = cause instanceof Error && cause.message.startsWith('no identity matched');
    throw new HsmfleetError('AGE_IDENTITY', wrong ? `the passphrase of the age identity file ${path} is wrong, or the file has none` : `the encrypted age identity file ${path} cannot be read: was it cut off?`, { cause });
  }
}
