import type { Writable } from 'node:stream';
import { encodeBinaryFrame, encodeJsonFrame, type AgentFrame } from '@hsmfleet/contract';

/** Unsent bytes above which {@link FrameWriter.ready} makes the run wait. */
const HIGH_WATER = 4 * 1024 * 1024;

/**
 * Sends frames to the control host. When it is gone, frames are dropped: the journal has them. Nothing that happens to
 * the stream is ever thrown.
 */
export class FrameWriter {
  readonly #stream: Writable;
  readonly #onGone: () => void;
  #gone = false;
  #wake: (() => void)[] = [];

  /** @param onGone called once, when the other side no longer reads */
  constructor(stream: Writable, onGone: () => void) {
    this.#stream = stream;
    this.#onGone = onGone;
    stream.on('error', () => this.close());
    stream.on('close', () => this.close());
    stream.on('drain', () => this.#wakeAll());
  }

  send(...frames: AgentFrame[]): void {
    if (!this.#gone) this.#stream.write(Buffer.concat(frames.map(encodeJsonFrame)));
  }

  /** Sends bytes of the blob that was announced last; they may be reused afterwards. */
  sendBytes(bytes: Buffer): void {
    if (!this.#gone) this.#stream.write(encodeBinaryFrame(bytes));
  }

  /** Resolves at once unless the other side reads too slowly; then when it has caught up or is gone. */
  ready(): Promise<void> {
    if (this.#gone || this.#stream.writableLength < HIGH_WATER) return Promise.resolve();
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** Resolves when everything is handed to the system, or cannot be any more. */
  flush(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      this.#stream.write('', () => resolve());
    });
  }

  /** Sends nothing from now on. */
  close(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#wakeAll();
    this.#onGone();
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}
