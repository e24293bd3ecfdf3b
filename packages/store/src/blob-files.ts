import { createHash, randomUUID, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';

/** A draft that old belongs to a program that was killed, milliseconds. */
const DRAFT_IS_LOST_MS = 24 * 3_600_000;

/** Content-addressed files of the control host, each named by the SHA-256 of its bytes. Its folder is made when needed, 0700. */
export class BlobFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where a file lies, whether or not it is there. */
  path(sha256: string): string {
    return join(this.folder, sha256);
  }

  /** Is it there, whole? */
  has(sha256: string, size: number): boolean {
    const stat = statSync(this.path(sha256), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size === size;
  }

  /** Begins to take a file's bytes. @throws HsmfleetError STORE */
  receive(sha256: string, size: number): BlobDraft {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.#removeLostDrafts();
      return new BlobDraft(this.path(sha256), sha256, size);
    } catch (thrown) {
      throw cannotWrite(this.path(sha256), thrown);
    }
  }

  /** Deletes a file that may be there. */
  remove(sha256: string): void {
    rmSync(this.path(sha256), { force: true });
  }

  #removeLostDrafts(): void {
    for (const name of readdirSync(this.folder)) {
      if (!name.endsWith('.part')) continue;
      const path = join(this.folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined && Date.now() - stat.mtimeMs > DRAFT_IS_LOST_MS) rmSync(path, { force: true });
    }
  }
}

/** A file on its way in: it appears under its name only when it is whole and has the right hash. */
export class BlobDraft {
  readonly #path: string;
  readonly #draft: string;
  readonly #sha256: string;
  readonly #hash: Hash = createHash('sha256');
  #file: number | undefined;
  #left: number;

  constructor(path: string, sha256: string, size: number) {
    this.#path = path;
    // two hosts may send the same bytes at the same time
    this.#draft = `${path}.${randomUUID()}.part`;
    this.#sha256 = sha256;
    this.#left = size;
    this.#file = openSync(this.#draft, 'wx', 0o600);
  }

  /**
   * Takes bytes; true when the file is complete and in its place. Nothing stays behind of one that is wrong.
   * @throws HsmfleetError AGENT for more bytes than announced or another hash, STORE when they cannot be written
   */
  push(bytes: Buffer): boolean {
    if (this.#file === undefined) throw new HsmfleetError('AGENT', 'bytes arrived for a file that is closed');
    if (bytes.length > this.#left) this.#fail('more bytes came than were announced');
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
      this.#hash.update(bytes);
      this.#left -= bytes.length;
      if (this.#left > 0) return false;
      fsyncSync(this.#file);
    } catch (thrown) {
      this.abandon();
      throw cannotWrite(this.#path, thrown);
    }
    if (this.#hash.digest('hex') !== this.#sha256) this.#fail('the bytes that came have another SHA-256');
    closeSync(this.#file);
    this.#file = undefined;
    renameSync(this.#draft, this.#path);
    return true;
  }

  /** Gives up: nothing stays behind. */
  abandon(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#draft, { force: true });
  }

  #fail(why: string): never {
    this.abandon();
    throw new HsmfleetError('AGENT', why);
  }
}

function cannotWrite(path: string, thrown: unknown): HsmfleetError {
  if (thrown instanceof HsmfleetError) return thrown;
  return new HsmfleetError('STORE', `cannot write ${path}: ${(thrown as Error).message}`, { hint: 'check the owner, the permissions and the free space of its folder', cause: thrown });
}
