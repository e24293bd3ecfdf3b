import { fstatSync, openSync, closeSync, readSync } from 'node:fs';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { askHidden, askSecret } from './ask-secret.ts';
import { vaultOpener, type VaultOptions } from './vault-options.ts';

/** Bytes of a PIN's line; tokens take far fewer. */
const MAX_LINE = 1024;
const GROUP_AND_OTHERS = 0o077;

/** Where a PIN comes from; a prompt when nothing is given. */
export interface PinSource {
  /** "PIN", "SO PIN", "new PIN": for messages. */
  name: string;
  file?: string | undefined;
  fd?: string | undefined;
  /** FILE:KEY of a file that Ansible Vault encrypted. */
  vault?: string | undefined;
  /** Where the password of that file comes from. */
  vaultOptions?: VaultOptions | undefined;
  /** The options that name the file and the descriptor, for messages: "--pin-file". */
  option: string;
  question: string;
  /** The token's label: a line of a web server's PIN file ("label:PIN") is no PIN, and trying it would cost a try. */
  label?: string;
  /** Ask twice: what is set must not be a slip of the finger. */
  confirm?: boolean;
}

/**
 * Reads a PIN. Never from the command line, never from the environment: both can be seen by others.
 * @throws HsmfleetError USAGE, FILE_MISSING
 */
export async function readPin(source: PinSource): Promise<Secret> {
  const { file, fd, vault, option, name } = source;
  const given = Object.entries({ file, fd, vault }).flatMap(([kind, value]) => (value === undefined ? [] : [`${option}-${kind}`]));
  if (given.length > 1) throw new HsmfleetError('USAGE', `${given.join(' and ')} are ${given.length === 2 ? 'both' : 'all'} given`, { hint: `the ${name} comes from one place: leave one out` });
  if (file !== undefined) return new Secret(checkForm(readPinFile(file, name), source), `${option}-file ${file}`);
  if (fd !== undefined) return new Secret(checkForm(readDescriptor(fd, option, name), source), `${option}-fd ${fd}`);
  if (vault !== undefined) return readVaultedPin(vault, source);
  const instead = `use ${option}-file or ${option}-fd`;
  if (source.confirm !== true) return askSecret(source.question, instead);
  const first = await askSecret(source.question, instead);
  // the second answer is compared and forgotten
  if (first.reveal() !== await askHidden(`${source.question}, again`)) throw new HsmfleetError('USAGE', `the two answers for the ${name} differ: nothing was done`);
  return first;
}

async function readVaultedPin(place: string, source: PinSource): Promise<Secret> {
  const { option, name, vaultOptions = {} } = source;
  const { readVaultedValue } = await import('./vaulted-value.ts');
  const secret = await readVaultedValue(place, `${option}-vault`, await vaultOpener(vaultOptions));
  // ansible-vault keeps the line break of its standard input
  const pin = secret.reveal().replace(/\r?\n$/, '');
  if (pin === '' || pin.includes('\n')) throw new HsmfleetError('USAGE', `${place} holds no ${name}: it ${pin === '' ? 'is empty' : 'has more than one line'}`);
  return new Secret(checkForm(pin, source), secret.origin);
}

function checkForm(pin: string, { label, name, file, fd, vault }: PinSource): string {
  if (label === undefined || label === '' || !pin.startsWith(`${label}:`)) return pin;
  throw new HsmfleetError('USAGE', `${file ?? vault ?? `descriptor ${String(fd)}`} begins with the name of the token: it is a web server's PIN file, not the ${name}`, {
    hint: `give the ${name} alone, without "${label}:"`,
  });
}

/** Like ssh with its keys: a file that others may read holds no secret, and is refused before its PIN is used. */
function readPinFile(file: string, name: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `the file with the ${name}, ${file}, cannot be read: ${(thrown as Error).message.replace(/,? open '.*$/, '')}`);
  }
  try {
    const status = fstatSync(fd);
    if (status.isDirectory()) throw new HsmfleetError('FILE_MISSING', `the file with the ${name}, ${file}, is a directory`);
    if (status.isFile() && (status.mode & GROUP_AND_OTHERS) !== 0) {
      throw new HsmfleetError('USAGE', `the file with the ${name}, ${file}, is open to others (mode ${(status.mode & 0o777).toString(8).padStart(4, '0')}): it is not used`, {
        hint: `close it with chmod 600 ${file}, and change the PIN if others may have read it`,
      });
    }
    const pin = readLine(fd, file, name);
    if (status.isFile() && readRest(fd).trim() !== '') throw new HsmfleetError('USAGE', `the file with the ${name}, ${file}, has more than one line`, { hint: 'it holds the PIN in its one line, without a token name' });
    return pin;
  } finally {
    closeSync(fd);
  }
}

function readDescriptor(text: string, option: string, name: string): string {
  if (!/^\d{1,4}$/.test(text)) throw new HsmfleetError('USAGE', `${option}-fd wants the number of an open file descriptor, not "${text}"`);
  try {
    return readLine(Number(text), `descriptor ${text}`, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EBADF') throw thrown;
    throw new HsmfleetError('USAGE', `file descriptor ${text} for the ${name} is not open`, { hint: `a shell opens it so: ${option}-fd 3 3<FILE` });
  }
}

/** Byte by byte up to the line's end, so that several PINs can come from one descriptor, a line each. */
function readLine(fd: number, where: string, name: string): string {
  const byte = Buffer.alloc(1);
  const bytes: number[] = [];
  while (readByte(fd, byte) === 1 && byte[0] !== 0x0a) {
    bytes.push(byte[0] ?? 0);
    if (bytes.length > MAX_LINE) throw new HsmfleetError('USAGE', `${where} holds no ${name}: its first line is too long`);
  }
  const line = Buffer.from(bytes).toString('utf8').replace(/\r$/, '');
  if (line === '') throw new HsmfleetError('USAGE', `${where} holds no ${name}: its first line is empty`);
  return line;
}

function readRest(fd: number): string {
  const rest = Buffer.alloc(MAX_LINE);
  return rest.subarray(0, readSync(fd, rest)).toString('utf8');
}

/** A descriptor that another program made non-blocking answers EAGAIN until there is something. */
function readByte(fd: number, byte: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, byte, 0, 1, null);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
