import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import type { HandshakeTarget, ModuleTarget, PendingWebChange, TlsProof } from '@hsmfleet/resource';
import { writeDurably, type Snapshot } from './snapshot.ts';

/** What served before the first change of a unit, to be compared with afterwards. */
export interface Baseline {
  /** The server had a process. */
  running: boolean;
  sites: { target: HandshakeTarget; keyFingerprint: string | undefined }[];
  /** Ports of `Listen` lines that accepted connections. */
  ports: { port: number; address?: string }[];
}

/**
 * All changes since the server last served, proven: the unit that is put back as a whole.
 * `changing`: files are being changed, the server is untouched. `pending`: changes wait for a restart. `applying`: the
 * server is being reloaded or restarted. `restoring`: the unit is being put back.
 * A unit found in any phase but `pending` was interrupted, and is put back.
 */
export interface WebUnit {
  version: 1;
  phase: 'changing' | 'pending' | 'applying' | 'restoring';
  apply: 'reload' | 'restart';
  /** ISO 8601. */
  since: string;
  why: string[];
  snapshots: Snapshot[];
  baseline: Baseline;
  proofs: TlsProof[];
}

/** A PIN file that the server reads, and the token whose PIN is in it. Holds no PIN. */
export interface RegisteredPin {
  file: string;
  module: ModuleTarget;
  tokenLabel: string;
  /** `plain`: the bytes of the file are the PIN, as libp11 takes them. `mod_nss`: lines of `token:pin`. */
  format: 'plain' | 'mod_nss';
}

/** The folder `web` in the agent's state: root-only, for snapshots of PIN files lie in it. */
export interface WebJournal {
  readonly folder: string;
  /** Contents of snapshots, by SHA-256. */
  readonly bytes: string;
  read(): Promise<WebUnit | undefined>;
  /** On the disk when it returns. */
  write(unit: WebUnit): Promise<void>;
  /** Forgets the unit and its snapshots. */
  clear(): Promise<void>;
  registeredPins(): Promise<RegisteredPin[]>;
  registerPins(pins: readonly RegisteredPin[]): Promise<void>;
}

/** @throws HsmfleetError INTERNAL from `read` when the journal cannot be understood: better than to forget a roll-back */
export async function openJournal(stateDir: string): Promise<WebJournal> {
  const folder = join(stateDir, 'web');
  const bytes = join(folder, 'bytes');
  const unitFile = join(folder, 'unit.json');
  const pinsFile = join(folder, 'pins.json');

  async function save(path: string, value: unknown): Promise<void> {
    await mkdir(bytes, { recursive: true, mode: 0o700 });
    await writeDurably(`${path}.new`, JSON.stringify(value), 0o600);
    await rename(`${path}.new`, path);
    await syncDirectory(folder);
  }

  async function load(path: string): Promise<unknown> {
    const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined;
      throw thrown;
    });
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HsmfleetError('INTERNAL', `${path} is damaged`, { hint: 'check the web server by hand, then remove the file', cause });
    }
  }

  return {
    folder,
    bytes,
    async read() {
      const unit = (await load(unitFile)) as WebUnit | undefined;
      if (unit !== undefined && unit.version !== 1) {
        throw new HsmfleetError('INTERNAL', `${unitFile} was written by another version of the agent`, { hint: 'finish the change with that version first' });
      }
      return unit;
    },
    write: (unit) => save(unitFile, unit),
    async clear() {
      await rm(unitFile, { force: true });
      // the unit first: bytes without a unit are garbage, a unit without bytes would be a lost roll-back
      await syncDirectory(folder);
      await rm(bytes, { recursive: true, force: true });
    },
    registeredPins: async () => ((await load(pinsFile)) as RegisteredPin[] | undefined) ?? [],
    async registerPins(pins) {
      const known = ((await load(pinsFile)) as RegisteredPin[] | undefined) ?? [];
      const others = known.filter((old) => !pins.some((pin) => pin.file === old.file && pin.tokenLabel === old.tokenLabel));
      const next = [...others, ...pins.map(({ file, module, tokenLabel, format }) => ({ file, module, tokenLabel, format }))];
      if (JSON.stringify(next) !== JSON.stringify(known)) await save(pinsFile, next);
    },
  };
}

/** What waits for a proven restart, for facts: reads one file. */
export async function readPendingWebChange(stateDir: string): Promise<PendingWebChange | undefined> {
  const unit = await (await openJournal(stateDir)).read();
  return unit === undefined ? undefined : { paths: unit.snapshots.map(({ path }) => path), apply: unit.apply, since: unit.since };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined;
    throw thrown;
  });
  await directory?.sync().finally(() => directory.close());
}
