import { createHash, type Hash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError, tasksIn, type BlobRef, type HostFacts, type Plan } from '@hsmfleet/contract';
import { fittingArtifact } from './choose-artifact.ts';

/** Largest single blob that is taken, in bytes. */
const MAX_BLOB = 2 * 1024 * 1024 * 1024;

/** Content-addressed files under `blobs/`, each named by the SHA-256 of its bytes. */
export class BlobStore {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, 'blobs');
  }

  /** Where a blob's bytes lie, whether or not they are there. */
  path(sha256: string): string {
    return join(this.#directory, sha256);
  }

  /** Those of a plan's blobs that are not here. Blobs that are here count as used now. */
  missing(plan: Plan, facts: HostFacts): string[] {
    const missing: string[] = [];
    const now = new Date();
    for (const blob of blobsOf(plan, facts).values()) {
      try {
        if (statSync(this.path(blob.sha256)).size !== blob.size) throw new Error('cut short');
        utimesSync(this.path(blob.sha256), now, now);
      } catch {
        missing.push(blob.sha256);
      }
    }
    return missing;
  }

  /** Begins to take a blob's bytes. @throws HsmfleetError AGENT when it is too large */
  receive(sha256: string, size: number): BlobReceiver {
    if (size > MAX_BLOB) throw new HsmfleetError('AGENT', `a blob of ${String(size)} bytes is over the limit of ${String(MAX_BLOB)}`);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return new BlobReceiver(this.path(sha256), sha256, size);
  }
}

/** The blobs that a plan's tasks and handlers read on a host, by hash. */
function blobsOf(plan: Plan, facts: HostFacts): Map<string, BlobRef> {
  const blobs = new Map<string, BlobRef>();
  for (const task of [...tasksIn(plan.tasks), ...tasksIn(plan.handlers)]) {
    for (const input of Object.values(task.inputs ?? {})) {
      const blob = input.kind === 'blob' ? input.blob : input.kind === 'artifact' ? fittingArtifact(input, facts)?.blob : undefined;
      if (blob !== undefined) blobs.set(blob.sha256, blob);
    }
  }
  return blobs;
}

/** Takes one blob chunk by chunk; it appears under its name only when it is whole and has the right hash. */
export class BlobReceiver {
  readonly #path: string;
  readonly #draft: string;
  readonly #sha256: string;
  readonly #file: number;
  readonly #hash: Hash = createHash('sha256');
  #left: number;

  constructor(path: string, sha256: string, size: number) {
    this.#path = path;
    this.#draft = `${path}.${String(process.pid)}.part`;
    this.#sha256 = sha256;
    this.#left = size;
    this.#file = openSync(this.#draft, 'w', 0o600);
  }

  /** Takes bytes; true when the blob is complete (an empty one is so at once). @throws HsmfleetError AGENT */
  push(bytes: Buffer): boolean {
    if (bytes.length > this.#left) return this.#fail('more bytes than announced');
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#hash.update(bytes);
    this.#left -= bytes.length;
    if (this.#left > 0) return false;
    if (this.#hash.digest('hex') !== this.#sha256) return this.#fail('the bytes have another hash');
    closeSync(this.#file);
    renameSync(this.#draft, this.#path);
    return true;
  }

  /** Gives up: nothing stays behind. */
  abandon(): void {
    if (!existsSync(this.#draft)) return;
    closeSync(this.#file);
    rmSync(this.#draft, { force: true });
  }

  #fail(why: string): never {
    this.abandon();
    throw new HsmfleetError('AGENT', `blob ${this.#sha256.slice(0, 12)}…: ${why}`);
  }
}
