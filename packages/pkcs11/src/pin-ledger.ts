import { createHmac, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { PinProof, Secret } from '@hsmfleet/contract';

/** Entries kept; the oldest go first. A host has a handful of tokens. */
const MAX_ENTRIES = 256;

interface ProvenFile {
  version: 1;
  proven: Entry[];
}

interface WrongFile {
  version: 1;
  wrong: (Entry & { token: string })[];
}

interface Entry {
  mac: string;
  /** ISO 8601. */
  at: string;
}

/**
 * Which PIN was right on which token of this host (`<stateDir>/pins.json`), and which was wrong (`pins-wrong.json`):
 * HMAC-SHA256 values under a random key of this host in `<stateDir>/pins.key`, all root-only. A PIN cannot be read from
 * it, and a token whose keys changed is another token. It cannot notice that a PIN was changed on the token: the PIN
 * guard reads the token's flags each time, and proves anew what a server is about to start with.
 */
export interface PinLedger {
  /** What a person removes to have wrong PINs tried again: after the token was given such a PIN, say. */
  readonly wrongFile: string;
  /** The keyed hash of a PIN on a token. */
  macOf(tokenIdentity: string, pin: Secret): Promise<string>;
  has(mac: string): Promise<boolean>;
  /** What is known of a PIN on a token; unlike {@link PinLedger.macOf} this makes no key where there is none yet. */
  standingOf(tokenIdentity: string, pin: Secret): Promise<PinProof>;
  /** When the token called this PIN wrong (ISO 8601); undefined when it never did, or a right PIN was given since. */
  wrongSince(mac: string): Promise<string | undefined>;
  /** The PIN was right: it is proven, and the token's wrong ones are forgotten, for its counter starts anew. */
  addProven(mac: string, tokenIdentity: string, at: string): Promise<void>;
  /** The PIN was wrong: it is proven no more. */
  addWrong(mac: string, tokenIdentity: string, at: string): Promise<void>;
}

/** Opens the ledger; files are made when something is first written. */
export function openPinLedger(stateDir: string): PinLedger {
  const provenFile = join(stateDir, 'pins.json');
  const wrongFile = join(stateDir, 'pins-wrong.json');
  let key: Promise<Buffer> | undefined;
  const readProven = async (): Promise<Entry[]> => listOf((await readJson<ProvenFile>(provenFile)).proven);
  const readWrong = async (): Promise<WrongFile['wrong']> => listOf((await readJson<WrongFile>(wrongFile)).wrong);
  const saveProven = (proven: Entry[]): Promise<void> => writePrivate(stateDir, provenFile, toLine({ version: 1, proven } satisfies ProvenFile));
  const saveWrong = (wrong: WrongFile['wrong']): Promise<void> => writePrivate(stateDir, wrongFile, toLine({ version: 1, wrong } satisfies WrongFile));
  const macWith = (secret: Buffer, tokenIdentity: string, pin: Secret): string => createHmac('sha256', secret).update(`${tokenIdentity}\0${pin.reveal()}`).digest('hex');
  const newest = <T extends Entry>(entries: readonly T[], entry: T): T[] => [...entries.filter(({ mac }) => mac !== entry.mac).slice(1 - MAX_ENTRIES), entry];
  return {
    wrongFile,
    async macOf(tokenIdentity, pin) {
      key ??= readKey(stateDir);
      return macWith(await key, tokenIdentity, pin);
    },
    async standingOf(tokenIdentity, pin) {
      const known = await readFile(join(stateDir, 'pins.key')).catch(ifMissing(undefined));
      if (known === undefined) return 'unproven';
      const mac = macWith(known, tokenIdentity, pin);
      if ((await readProven()).some((entry) => entry.mac === mac)) return 'proven';
      return (await readWrong()).some((entry) => entry.mac === mac) ? 'failed' : 'unproven';
    },
    async has(mac) {
      return (await readProven()).some((entry) => entry.mac === mac);
    },
    async wrongSince(mac) {
      return (await readWrong()).find((entry) => entry.mac === mac)?.at;
    },
    async addProven(mac, token, at) {
      await saveProven(newest(await readProven(), { mac, at }));
      const wrong = await readWrong();
      const left = wrong.filter((entry) => entry.token !== token);
      if (left.length < wrong.length) await saveWrong(left);
    },
    async addWrong(mac, token, at) {
      await saveWrong(newest(await readWrong(), { mac, token, at }));
      const proven = await readProven();
      const left = proven.filter((entry) => entry.mac !== mac);
      if (left.length < proven.length) await saveProven(left);
    },
  };
}

async function readJson<T>(file: string): Promise<Partial<T>> {
  const text = await readFile(file, 'utf8').catch(ifMissing(''));
  return text === '' ? {} : (JSON.parse(text) as Partial<T>);
}

function listOf<T>(value: T[] | undefined): T[] {
  return Array.isArray(value) ? value : [];
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
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
