import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, lchownSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import type { BuildPackage } from '@hsmfleet/resource';
import { readProgram, runStage, type BuildRoom } from './stage.ts';
import { walk } from './tree.ts';

/** Largest archive that is fetched, bytes. */
const ARCHIVE_LIMIT = 1024 * 1024 * 1024;
const FETCH_TIMEOUT = 600_000;
/** Time given to sources from a directory, where times say nothing: 2000-01-01. */
const NO_TIME = 946_684_800;

/** Sources ready to build. */
export interface Sources {
  folder: string;
  /** Seconds since 1970: SOURCE_DATE_EPOCH. */
  epoch: number;
}

/** Who owns what the build works on. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Brings the sources to `workDir/src`, from which a single top folder is taken off.
 * @param blob path of a blob that travelled with the plan
 * @throws HsmfleetError TASK_FAILED: the archive cannot be fetched, is another one, is no archive, or has names that lead out of it
 */
export async function bringSources(step: BuildPackage, room: BuildRoom, owner: Owner | undefined, blob: (sha256: string) => string): Promise<Sources> {
  const folder = join(step.workDir, 'src');
  if (step.source.from === 'directory') {
    // the history is no source, and the inputs' hash knows nothing of it
    await explain(`${step.source.path} cannot be copied`, () =>
      cp((step.source as { path: string }).path, folder, { recursive: true, verbatimSymlinks: true, filter: (path) => basename(path) !== '.git' }));
    giveAway(folder, owner);
    return { folder, epoch: NO_TIME };
  }
  const archive = join(step.workDir, 'archive');
  if (step.source.from === 'url') {
    room.progress(`${room.what}: fetching ${step.source.url}`);
    await fetchArchive(step.source.url, step.source.sha256, archive);
  } else {
    const { sha256, name } = step.source;
    await explain(`${name} cannot be taken from what travelled with the plan`, () => copyFile(blob(sha256), archive));
  }
  giveAway(archive, owner);
  await unpack(archive, room, step, owner);
  return { folder, epoch: newestTime(folder) };
}

async function unpack(archive: string, room: BuildRoom, step: BuildPackage, owner: Owner | undefined): Promise<void> {
  const unpacked = join(step.workDir, 'unpacked');
  mkdirSync(unpacked);
  giveAway(unpacked, owner);
  // one name a line, line ends within names escaped
  const names = await readProgram(room, { stage: 'reading the archive', argv: ['tar', '--list', '--quoting-style=escape', '--file', archive], cwd: step.workDir });
  const bad = names.split('\n').find((name) => name.startsWith('/') || name.split('/').includes('..'));
  if (bad !== undefined) {
    throw new HsmfleetError('TASK_FAILED', `the archive of ${room.what} was refused: its member ${bad} leads out of it`, {
      hint: 'no honest release has such names: get the archive from where the project publishes it',
    });
  }
  await runStage(room, { stage: 'unpacking', argv: ['tar', '--extract', '--no-same-owner', '--no-same-permissions', '--file', archive], cwd: unpacked });
  const entries = readdirSync(unpacked);
  const [top] = entries;
  if (top === undefined) throw new HsmfleetError('TASK_FAILED', `the archive of ${room.what} is empty`);
  const single = entries.length === 1 && lstatSync(join(unpacked, top)).isDirectory();
  renameSync(single ? join(unpacked, top) : unpacked, join(step.workDir, 'src'));
}

async function fetchArchive(url: string, sha256: string, path: string): Promise<void> {
  const fail = (why: string, hint = 'is the address right, and can the builder reach it?'): HsmfleetError =>
    new HsmfleetError('TASK_FAILED', `${url} cannot be fetched: ${why}`, { hint });
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  const hash = createHash('sha256');
  let size = 0;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT), redirect: 'follow' });
    if (!answer.ok || answer.body === null) throw fail(`the server answered ${String(answer.status)} ${answer.statusText}`);
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > ARCHIVE_LIMIT) throw fail('it is larger than 1 GiB');
      hash.update(chunk);
      if (!file.write(chunk)) await once(file, 'drain');
    }
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    const { message, cause } = thrown as Error;
    throw fail(cause instanceof Error ? cause.message : message);
  } finally {
    file.end();
    await finished(file);
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    throw new HsmfleetError('TASK_FAILED', `what ${url} gave has the SHA-256 ${found}, not ${sha256}`, {
      hint: 'nothing of it was unpacked; compare with what the project publishes before you change sha256',
    });
  }
}

/** The newest time of any file: that of the release, on every builder. */
function newestTime(folder: string): number {
  let newest = 0;
  for (const { stats } of walk(folder)) if (stats.isFile()) newest = Math.max(newest, Math.floor(stats.mtimeMs / 1000));
  return newest === 0 ? NO_TIME : newest;
}

function giveAway(path: string, owner: Owner | undefined): void {
  if (owner === undefined) return;
  lchownSync(path, owner.uid, owner.gid);
  if (lstatSync(path).isDirectory()) for (const { path: inner } of walk(path)) lchownSync(inner, owner.uid, owner.gid);
}

async function explain(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    throw new HsmfleetError('TASK_FAILED', `${what}: ${(thrown as Error).message}`, { cause: thrown });
  }
}
