import { constants } from 'node:os';
import { Transform } from 'node:stream';
import { quoteShellWord, type Channel } from '@hsmfleet/transport';

type Exit = Awaited<Channel['exit']>;

/**
 * A command line that tells on standard error how it ended. ssh itself tells a lost connection, a program that a signal
 * ended and one that ended with 255 by the same exit code.
 * @param marker a word that nothing on the host knows
 */
export function markedCommand(command: string, marker: string): string {
  const script = `"\${SHELL:-/bin/sh}" -c "$0"; s=$?; printf "${marker}%s;" "$s" >&2; exit "$s"`;
  return `exec /bin/sh -c ${quoteShellWord(script)} ${quoteShellWord(command)}`;
}

/** Takes the marker out of what a program prints on standard error. */
export class ExitMarker extends Transform {
  readonly #marker: Buffer;
  readonly #tell: (exit: Exit) => void;
  #held = Buffer.alloc(0);

  /** @param tell called when the program's end was told, at most once */
  constructor(marker: string, tell: (exit: Exit) => void) {
    super();
    this.#marker = Buffer.from(marker);
    this.#tell = tell;
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(this.#marker);
    if (at >= 0) {
      const end = this.#held.indexOf(';', at);
      if (end > 0) {
        this.#tell(exitOf(Number(this.#held.toString('latin1', at + this.#marker.length, end))));
        this.#held = Buffer.concat([this.#held.subarray(0, at), this.#held.subarray(end + 1)]);
      }
    }
    const keep = this.#beginsAt();
    if (keep > 0) this.push(this.#held.subarray(0, keep));
    this.#held = this.#held.subarray(keep);
    done();
  }

  override _flush(done: () => void): void {
    if (this.#held.length > 0) this.push(this.#held);
    done();
  }

  /** Where what may be the marker begins; the end when nothing may. */
  #beginsAt(): number {
    const { length } = this.#held;
    const whole = this.#held.indexOf(this.#marker);
    if (whole >= 0) return whole;
    for (let at = Math.max(0, length - this.#marker.length + 1); at < length; at += 1) {
      if (this.#marker.subarray(0, length - at).equals(this.#held.subarray(at))) return at;
    }
    return length;
  }
}

/** A shell tells a signal as 128 and its number. */
function exitOf(status: number): Exit {
  const signal = status > 128 ? Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0] : undefined;
  return signal === undefined ? { code: status } : { signal };
}
