import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HsmfleetError } from '@hsmfleet/contract';
import type { WebDeps } from './deps.ts';
import { openJournal, type WebUnit } from './journal.ts';
import { rollBack } from './roll-back.ts';
import { writeDurably } from './snapshot.ts';

/** What a play changed of the web server, proven, as a unit that can still be put back. */
interface Undo {
  /** Run and play. */
  key: string;
  unit: WebUnit;
}

function placesIn(stateDir: string): { file: string; bytes: string } {
  return { file: join(stateDir, 'web', 'undo.json'), bytes: join(stateDir, 'web', 'undo-bytes') };
}

async function readUndo(stateDir: string): Promise<Undo | undefined> {
  const { file } = placesIn(stateDir);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Undo) : undefined;
}

/**
 * Keeps what a proven change replaced, until the batch of its host is settled. Several changes of one play are one: the oldest
 * contents count, and what served before the first.
 */
export async function keepUndo(unit: WebUnit, key: string, stateDir: string): Promise<void> {
  const { file, bytes } = placesIn(stateDir);
  let kept = await readUndo(stateDir);
  if (kept?.key !== key) {
    await forgetUndo(stateDir);
    kept = undefined;
  }
  await mkdir(bytes, { recursive: true, mode: 0o700 });
  const known = new Set(kept?.unit.snapshots.map(({ path }) => path));
  const fresh = unit.snapshots.filter(({ path }) => !known.has(path));
  const journal = await openJournal(stateDir);
  for (const snapshot of fresh) {
    if (snapshot.kind === 'file' && snapshot.bytes !== undefined) await copyFile(join(journal.bytes, snapshot.bytes), join(bytes, snapshot.bytes));
  }
  const merged: WebUnit = kept === undefined ? unit : { ...kept.unit, why: [...kept.unit.why, ...unit.why], snapshots: [...kept.unit.snapshots, ...fresh] };
  await writeDurably(`${file}.new`, JSON.stringify({ key, unit: { ...merged, apply: 'restart', proofs: [] } } satisfies Undo), 0o600);
  await rename(`${file}.new`, file);
}

/**
 * Puts back what a play changed of the web server, although it was proven, and proves that what served before serves again.
 * @param why told as the reason
 * @returns the error that tells of it: WEB_BATCH_ROLLED_BACK, or WEB_DOWN; undefined when the play changed nothing
 */
export async function undoWeb(key: string, why: string, deps: WebDeps): Promise<HsmfleetError | undefined> {
  const undo = await readUndo(deps.stateDir);
  if (undo?.key !== key) return undefined;
  const { bytes } = placesIn(deps.stateDir);
  const journal = await openJournal(deps.stateDir);
  await mkdir(journal.bytes, { recursive: true, mode: 0o700 });
  for (const snapshot of undo.unit.snapshots) {
    if (snapshot.kind === 'file' && snapshot.bytes !== undefined) await copyFile(join(bytes, snapshot.bytes), join(journal.bytes, snapshot.bytes));
  }
  const error = await rollBack({ ...undo.unit, phase: 'applying' }, journal, { message: why, log: '', touched: true, code: 'WEB_BATCH_ROLLED_BACK' }, deps);
  await forgetUndo(deps.stateDir);
  return error;
}

/** Forgets what could be put back. @param exceptRun what this run keeps stays */
export async function forgetUndo(stateDir: string, exceptRun?: string): Promise<void> {
  if (exceptRun !== undefined && (await readUndo(stateDir))?.key.startsWith(`${exceptRun}.`) === true) return;
  const { file, bytes } = placesIn(stateDir);
  await rm(file, { force: true });
  await rm(bytes, { recursive: true, force: true });
}
