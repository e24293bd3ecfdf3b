import { inspect } from 'node:util';

/** What a secret prints as, wherever it ends up. */
export const SECRET_MASK = '[secret]';

/**
 * An opaque value that must never be printed: a PIN, an NSS password, a vault key.
 *
 * Every implicit way to a string (concatenation, templates, JSON, `console.log`) yields {@link SECRET_MASK}.
 * Only {@link Secret.reveal} gives the value, and lint allows that call in named files only.
 */
export class Secret {
  readonly #value: string;
  /** Where the value came from (a variable's name, a file), for messages. Never the value. */
  readonly origin: string;

  constructor(value: string, origin = 'a secret') {
    this.#value = value;
    this.origin = origin;
  }

  /** The value itself. Hand it on only to what consumes it (a file's bytes, a child's stdin, C_Login). */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SECRET_MASK;
  }

  toJSON(): string {
    return SECRET_MASK;
  }

  [Symbol.toPrimitive](): string {
    return SECRET_MASK;
  }

  [inspect.custom](): string {
    return SECRET_MASK;
  }
}
