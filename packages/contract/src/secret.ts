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

/** Replaces every occurrence of known secret values in text and in JSON-like values. */
export interface Redactor {
  /** Learns one more value. Values shorter than 4 characters are ignored: redacting "1" would wreck every number. */
  add(secret: Secret | string): void;
  text(text: string): string;
  /** A deep copy without secrets; {@link Secret} instances become the mask. */
  value<T>(value: T): T;
}

/**
 * Redaction by value: the second line of defence behind the type, applied to all that leaves the agent and to all
 * that the control host prints or stores.
 */
export function createRedactor(secrets: Iterable<Secret | string> = []): Redactor {
  const known = new Set<string>();
  const redactor: Redactor = {
    add(secret) {
      const value = typeof secret === 'string' ? secret : secret.reveal();
      if (value.length < 4) return;
      known.add(value);
      // the forms in which a value travels through quoting and encoding
      known.add(JSON.stringify(value).slice(1, -1));
      known.add(encodeURIComponent(value));
      known.add(Buffer.from(value).toString('base64'));
      for (const line of value.split('\n')) {
        const pin = line.slice(line.indexOf(':') + 1).trim();
        if (value.includes('\n') && pin.length >= 4) known.add(pin);
      }
    },
    text(text) {
      let out = text;
      // longest first, so that a value which contains another is masked whole
      for (const value of [...known].sort((a, b) => b.length - a.length)) out = out.replaceAll(value, SECRET_MASK);
      return out;
    },
    value<T>(value: T): T {
      return walk(value, redactor.text) as T;
    },
  };
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

function walk(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (value instanceof Secret) return SECRET_MASK;
  if (Array.isArray(value)) return value.map((item) => walk(item, text));
  if (value !== null && typeof value === 'object' && (value.constructor === Object || value.constructor === undefined)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), walk(item, text)]));
  }
  return value;
}
