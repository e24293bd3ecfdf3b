import { createHash } from 'node:crypto';
import { constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { HsmfleetError, type Artifact } from '@hsmfleet/contract';
import type { FrameWriter } from './frame-writer.ts';
import { runDirectory } from './journal.ts';

/** Bytes per binary frame: small enough that events in between never wait long. */
const CHUNK = 256 * 1024;

/** Where an offered package lies, and how large it was when it was offered. */
interface Offer {
  path: string;
  size: number;
}

/**
 * The packages that the control host may fetch: those that a resource told of in the same run, no other file. They are
 * written down beside the run's journal, so that an agent that is asked after a lost connection knows them too.
 */
export class ArtifactOffers {
  readonly #stateDir: string;
  readonly #writer: FrameWriter;
  /** One blob at a time: its bytes carry no name. */
  #sending: Promise<void> = Promise.resolve();
  #gone = false;

  constructor(stateDir: string, writer: FrameWriter) {
    this.#stateDir = stateDir;
    this.#writer = writer;
  }

  /**
   * Offers a package. False when this run has offered it before.
   * @throws HsmfleetError AGENT when the path is not absolute, Error of the file system
   */
  add(run: string, artifact: Artifact, path: string): boolean {
    if (!isAbsolute(path)) throw new HsmfleetError('AGENT', `the package ${artifact.name} is offered under the path "${path}", which is not absolute`);
    const offers = this.#read(run);
    if (offers[artifact.sha256] !== undefined) return false;
    const file = this.#file(run);
    mkdirSync(runDirectory(this.#stateDir, run), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify({ ...offers, [artifact.sha256]: { path, size: artifact.size } }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return true;
  }

  /**
   * Sends a package's bytes, after those that were asked for before; what cannot be had is answered `blob_failed`.
   * @param run the run that is served; undefined when none is
   */
  send(run: string | undefined, sha256: string): void {
    this.#sending = this.#sending.then(() => this.#send(run, sha256)).catch((thrown: unknown) => {
      this.#writer.send({ type: 'blob_failed', sha256, reason: thrown instanceof Error ? thrown.message : String(thrown) });
    });
  }

  /** The control host is gone: what is under way ends. */
  close(): void {
    this.#gone = true;
  }

  async #send(run: string | undefined, sha256: string): Promise<void> {
    const offer = run === undefined ? undefined : this.#read(run)[sha256];
    if (offer === undefined) throw new Error('this run has told of no package with this hash');
    // the path was a file when it was told of: whatever took its place is not followed and not waited for
    const file = await open(offer.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size !== offer.size) throw new Error(`${offer.path} is not the file any more that was told of`);
      this.#writer.send({ type: 'blob', sha256, size: offer.size });
      if ((await this.#sendBytes(file, offer)) !== sha256) throw new Error(`${offer.path} has changed since it was told of`);
    } finally {
      await file.close();
    }
  }

  /** Answers the hash of what was sent. */
  async #sendBytes(file: FileHandle, offer: Offer): Promise<string> {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(CHUNK);
    for (let sent = 0; sent < offer.size && !this.#gone; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK, offer.size - sent), sent);
      if (bytesRead === 0) throw new Error(`${offer.path} was cut short while it was sent`);
      const bytes = chunk.subarray(0, bytesRead);
      hash.update(bytes);
      this.#writer.sendBytes(bytes);
      sent += bytesRead;
      await this.#writer.ready();
    }
    return hash.digest('hex');
  }

  #file(run: string): string {
    return join(runDirectory(this.#stateDir, run), 'artifacts.json');
  }

  #read(run: string): Record<string, Offer> {
    try {
      return JSON.parse(readFileSync(this.#file(run), 'utf8')) as Record<string, Offer>;
    } catch {
      // none was offered yet
      return {};
    }
  }
}
