import { LockedSecret } from './locked-secret.ts';
import { Secret, SECRET_MASK } from './secret.ts';

/** Replaces every occurrence of known secret values in text and in JSON-like values. */
export interface Redactor {
  /** Learns one more value. Values shorter than 4 characters are ignored: redacting "1" would wreck every number. */
  add(secret: Secret | string): void;
  text(text: string): string;
  /** A deep copy without secrets; {@link Secret} instances become the mask. */
  value<T>(value: T): T;
}

const SHORTEST = 4;
/** Base64 letters of a value in the middle of other bytes that are looked for: fewer of them may be anything. */
const SHORTEST_BASE64 = 6;
/** Longer values, in characters, are files: programs that quote or encode those do not fit into a message. */
const LONGEST_ENCODED = 8192;
/** Lines of a value that are looked for one by one. */
const LINES = 500;

/**
 * Redaction by value: the second line of defence behind the type, applied to all that leaves the agent and to all
 * that the control host prints or stores. It knows a value as it is and in the forms in which programs quote and encode
 * it; what takes a value apart is beyond it.
 */
export function createRedactor(secrets: Iterable<Secret | string> = []): Redactor {
  const known = new Set<string>();
  const redactor: Redactor = {
    add(secret) {
      // what nobody here could open, nobody here can show
      if (secret instanceof LockedSecret) return;
      const value = typeof secret === 'string' ? secret : secret.reveal();
      if (value.length < SHORTEST || known.has(value)) return;
      for (const form of formsOf(value)) known.add(form);
      if (!value.includes('\n')) return;
      for (const line of value.split('\n').slice(0, LINES)) {
        // a line of a PIN file: TOKEN:PIN
        const pin = line.slice(line.indexOf(':') + 1).trim();
        for (const part of [pin, line.trim()]) if (part.length >= SHORTEST && !part.startsWith('-----')) for (const form of formsOf(part)) known.add(form);
      }
    },
    text(text) {
      const places: [number, number][] = [];
      for (const form of known) {
        for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) places.push([at, at + form.length]);
      }
      return places.length === 0 ? text : masked(text, places);
    },
    value<T>(value: T): T {
      return walk(value, redactor.text) as T;
    },
  };
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

/** The mask in the place of each; places that overlap become one, so that no end of a value stays. */
function masked(text: string, places: [number, number][]): string {
  let out = '';
  let done = 0;
  let [from, to] = [0, 0];
  for (const [start, end] of [...places.sort((a, b) => a[0] - b[0]), [Infinity, Infinity] as const]) {
    if (start < to) {
      to = Math.max(to, end);
      continue;
    }
    if (to > from) {
      out += text.slice(done, from) + SECRET_MASK;
      done = to;
    }
    [from, to] = [start, end];
  }
  return out + text.slice(done);
}

/** A value as programs write it. */
function formsOf(value: string): Set<string> {
  if (value.length > LONGEST_ENCODED) return new Set([value]);
  const bytes = Buffer.from(value);
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value.toWellFormed());
  const strictUrl = url.replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  const html = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const forms = [
    value,
    json,
    json.replaceAll('/', '\\/'),
    // in JSON within JSON
    JSON.stringify(json).slice(1, -1),
    // as Python's json writes it
    json.replace(/[^\0-\x7f]/g, escapedUnit),
    // in a part of an address, in a form, after the ? of a URL object, in a whole address
    url, url.replaceAll("'", '%27'), new URLSearchParams({ q: value }).toString().slice(2), encodeURI(value.toWellFormed()), strictUrl, url.replaceAll('%20', '+'), strictUrl.replaceAll('%20', '+'), url.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
    bytes.toString('hex'), bytes.toString('hex').toUpperCase(),
    html, html.replaceAll('"', '&quot;').replaceAll("'", '&#39;'), html.replaceAll('"', '&quot;').replaceAll("'", '&#x27;'), html.replaceAll('"', '&quot;'), html.replaceAll('"', '&#34;').replaceAll("'", '&#39;'), html.replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    // the shell's quotes: 'a'\''b', 'a'"'"'b' as Python has it, "a\"b", and a\ b as printf %q
    value.replaceAll("'", "'\\''"), value.replaceAll("'", `'"'"'`), value.replace(/["\\$`]/g, '\\$&'), value.replace(/[^\w@%+=:,./\-\u0080-\uffff]/g, '\\$&'),
    // YAML, and Python's repr
    value.replaceAll("'", "''"), value.replaceAll('\\', '\\\\').replaceAll("'", "\\'"), value.replaceAll('\\', '\\\\'),
  ];
  return new Set([...forms, ...base64Forms(bytes)].filter((form) => form.length >= SHORTEST));
}

/** Base64 of a value wherever it begins among other bytes: the letters that it alone decides, in both alphabets. */
function base64Forms(bytes: Buffer): string[] {
  const forms = [bytes.toString('base64'), bytes.toString('base64url')];
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    const own = text.slice(Math.ceil((before * 8) / 6), (before + bytes.length) % 3 === 0 ? undefined : -1);
    if (own.length >= SHORTEST_BASE64) forms.push(own, own.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

function escapedUnit(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
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
