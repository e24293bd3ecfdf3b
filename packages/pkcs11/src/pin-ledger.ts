import { createHmac, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from '@hsmfleet/contract';

/** Entries kept; the oldest go first. A host has a handful of tokens. */
const MAX_ENTRIES = 256;

interface LedgerFile {
  version: 1;
  proven: { mac: string; at: string }[];
}

/**
 * Which PIN was right on which token of this host: `<stateDir>/pins.json`, HMAC-SHA256 values under a random key of
 * this host in `<stateDir>/pins.key`, both root-only. A PIN cannot be read from it, and a token whose keys changed is
 * another token. It cannot notice that a PIN was changed on the token: the PIN guard reads the token's flags each time.
 */
export interface PinLedger {
  /** The keyed hash of a PIN on a token. */
  macOf(tokenIdentity: string, pin: Secret): Promise<string>;
  has(mac: string): Promise<boolean>;
  add(mac: string, at: string): Promise<void>;
}

/** Opens the ledger; files are made when something is first written. */
export function openPinLedger(stateDir: string): PinLedger {
  const file = join(stateDir, 'pins.json');
  let key: Promise<Buffer> | undefined;
  const read = async (): Promise<LedgerFile> => {
    const text = await readFile(file, 'utf8').catch(ifMissing(''));
    if (text === '') return { version: 1, proven: [] };
    const ledger = JSON.parse(text) as Partial<LedgerFile>;
    return { version: 1, proven: Array.isArray(ledger.proven) ? ledger.proven : [] };
  };
  return {
    async macOf(tokenIdentity, pin) {
      key ??= readKey(stateDir);
      return createHmac('sha256', await key).update(`${tokenIdentity}\0${pin.reveal()}`).digest('hex');
    },
    async has(mac) {
      return (await read()).proven.some((entry) => entry.mac === mac);
    },
    async add(mac, at) {
      const { proven } = await read();
      const kept = proven.filter((entry) => entry.mac !== mac).slice(1 - MAX_ENTRIES);
      await writePrivate(stateDir, file, `${JSON.stringify({ version: 1, proven: [...kept, { mac, at }] })}\n`);
    },
  };
}

async function readKey(stateDir: string): Promise<Buffer> {
  const path = join(stateDir, 'pins.key');
  const known = await readFile(path).catch(ifMissing(undefined));
  if (known?.length === 32) return known;
  const key = randomBytes(32);
  await writePrivate(stateDir, path, key);
  return key;
}

/** Whole or not at all, and never readable by others, not even for a moment. */
async function writePrivate(stateDir: string, path: string, content: string | Buffer): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${process.pid}.new`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await chmod(unfinished, 0o600);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, path);
}

function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
