import { HsmfleetError } from './error.ts';

/**
 * Frames over a byte stream: a header of five bytes (big-endian payload length, then 0 for JSON or 1 for binary) and
 * the payload. Sizes are bounded on both sides, since the peer's bytes are untrusted.
 */
export const MAX_JSON_FRAME = 16 * 1024 * 1024;
export const MAX_BINARY_FRAME = 1024 * 1024;
const HEADER = 5;

export type Frame = { kind: 'json'; value: unknown } | { kind: 'binary'; bytes: Buffer };

/** @throws HsmfleetError AGENT when the value is larger than {@link MAX_JSON_FRAME} */
export function encodeJsonFrame(value: unknown): Buffer {
  return encode(Buffer.from(JSON.stringify(value), 'utf8'), 0, MAX_JSON_FRAME);
}

/** @throws HsmfleetError AGENT when there are more than {@link MAX_BINARY_FRAME} bytes: send several frames */
export function encodeBinaryFrame(bytes: Buffer): Buffer {
  return encode(bytes, 1, MAX_BINARY_FRAME);
}

function encode(payload: Buffer, kind: number, limit: number): Buffer {
  if (payload.length > limit) throw new HsmfleetError('AGENT', `a frame of ${String(payload.length)} bytes is over the limit of ${String(limit)}`);
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(kind, 4);
  return Buffer.concat([header, payload]);
}

/** Cuts a byte stream into frames. Keep one per stream. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #length = 0;

  /**
   * Takes the next bytes, answers the frames that are complete.
   * @throws HsmfleetError AGENT when the bytes are no frames (a login banner, a shell's error text)
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.#length < HEADER) return frames;
      let head = this.#chunks[0] as Buffer;
      if (head.length < HEADER) head = this.#join();
      const size = head.readUInt32BE(0);
      const kind = head.readUInt8(4);
      if (kind > 1 || size > (kind === 0 ? MAX_JSON_FRAME : MAX_BINARY_FRAME)) {
        throw new HsmfleetError('AGENT', 'the peer sent something that is no frame', {
          details: { bytes: this.#join().subarray(0, 200).toString('latin1') },
        });
      }
      if (this.#length < HEADER + size) return frames;
      const all = this.#join();
      const payload = all.subarray(HEADER, HEADER + size);
      const rest = all.subarray(HEADER + size);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#length = rest.length;
      frames.push(kind === 1 ? { kind: 'binary', bytes: payload } : { kind: 'json', value: parse(payload) });
    }
  }

  #join(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new HsmfleetError('AGENT', 'the peer sent a frame that is no JSON', { cause });
  }
}
