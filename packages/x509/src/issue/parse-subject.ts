import { toUSVString } from 'node:util';
import { HsmfleetError } from '@hsmfleet/contract';
import { readDer } from './asn1.ts';
import { attributeTypesHint, problemOfValue, resolveAttributeType, type Attribute, type Name } from './name.ts';

/**
 * Reads a subject as people write it: OpenSSL's `/C=DE/O=Example/CN=www.example.org`, with `\` before a `/`, `+` or `\`
 * that belongs to a value, or RFC 4514's `CN=www.example.org,O=Example,C=DE`, with its escapes and `#hex`. Attributes
 * joined by `+` stand side by side. `/` and the empty text are the empty name.
 * @throws HsmfleetError NAME_INVALID, with the column in its message and `details.column`
 */
export function parseSubject(text: string): Name {
  if (toUSVString(text) !== text) throw new HsmfleetError('NAME_INVALID', `the subject "${toUSVString(text)}" holds half a character (a lone surrogate)`);
  if (text.startsWith('/')) return text === '/' ? [] : readSlashes(new Cursor(text));
  return text.trim() === '' ? [] : readCommas(new Cursor(text));
}

/** The text and how far it is read. */
class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  peek(): string {
    return this.text[this.at] ?? '';
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  fail(problem: string, hint: string | undefined, at: number): never {
    const column = at + 1;
    throw new HsmfleetError('NAME_INVALID', `the subject "${this.text}" is not understood at column ${column}: ${problem}`, { hint, details: { column } });
  }
}

function readSlashes(cursor: Cursor): Name {
  const name: Attribute[][] = [];
  while (!cursor.isAtEnd) {
    const separator = cursor.peek();
    const start = cursor.at;
    cursor.at += 1;
    const attribute = readSlashAttribute(cursor, separator, start);
    if (separator === '+') name.at(-1)?.push(attribute);
    else name.push([attribute]);
  }
  return name;
}

function readSlashAttribute(cursor: Cursor, separator: string, start: number): Attribute {
  const end = /[=/+\\]/.exec(cursor.text.slice(cursor.at));
  const typeEnd = end === null ? cursor.text.length : cursor.at + end.index;
  const written = cursor.text.slice(cursor.at, typeEnd);
  if (cursor.text[typeEnd] !== '=') {
    cursor.fail(`what follows "${separator}" has no "="`, `write \\${separator} for a ${separator} that belongs to a value, or TYPE=value`, start);
  }
  const oid = resolveAttributeType(written.trim());
  if (oid === undefined) {
    cursor.fail(`"${written}" is no kind of attribute`, `write \\${separator} for a ${separator} that belongs to a value; ${attributeTypesHint()}`, start + 1);
  }
  cursor.at = typeEnd + 1;
  const valueStart = cursor.at;
  let value = '';
  while (!cursor.isAtEnd && cursor.peek() !== '/' && cursor.peek() !== '+') {
    if (cursor.peek() === '\\') {
      cursor.at += 1;
      if (cursor.isAtEnd) cursor.fail('a \\ stands at the end', 'write \\\\ for one that belongs to the value', cursor.at - 1);
    } else refuseControl(cursor);
    value += cursor.peek();
    cursor.at += 1;
  }
  return checked(cursor, { oid, value }, valueStart);
}

function readCommas(cursor: Cursor): Name {
  const name: Attribute[][] = [];
  let separator = '';
  for (;;) {
    const attribute = readCommaAttribute(cursor);
    if (separator === '+') name.at(-1)?.push(attribute);
    else name.push([attribute]);
    if (cursor.isAtEnd) return name.reverse();
    separator = cursor.peek();
    cursor.at += 1;
  }
}

function readCommaAttribute(cursor: Cursor): Attribute {
  const match = /^(\s*)([^=,;+\\"]*)/.exec(cursor.text.slice(cursor.at));
  const typeStart = cursor.at + (match?.[1] ?? '').length;
  const written = (match?.[2] ?? '').trim();
  cursor.at += match?.[0].length ?? 0;
  if (cursor.peek() !== '=') {
    cursor.fail(written === '' ? 'an attribute is missing' : `"${written}" has no "="`, 'write TYPE=value, and \\, or \\+ for what belongs to a value', typeStart);
  }
  const oid = resolveAttributeType(written);
  if (oid === undefined) cursor.fail(`"${written}" is no kind of attribute`, attributeTypesHint(), typeStart);
  cursor.at += 1;
  while (cursor.peek() === ' ') cursor.at += 1;
  const valueStart = cursor.at;
  if (cursor.peek() === '#') return { oid, value: readHex(cursor) };
  return checked(cursor, { oid, value: readEscaped(cursor) }, valueStart);
}

/** The value of an attribute up to the next separator. Spaces at its end belong to it only when escaped. */
function readEscaped(cursor: Cursor): string {
  const start = cursor.at;
  const octets: Buffer[] = [];
  let kept = 0;
  let length = 0;
  const take = (octet: Buffer, isKept: boolean): void => {
    octets.push(octet);
    length += 1;
    if (isKept) kept = length;
  };
  while (!cursor.isAtEnd && !',;+'.includes(cursor.peek())) {
    if (cursor.peek() === '\\') {
      take(readEscape(cursor), true);
      continue;
    }
    if (cursor.peek() === '"') cursor.fail('a " must be escaped', 'write \\"; quoted values are not read', cursor.at);
    refuseControl(cursor);
    const char = String.fromCodePoint(cursor.text.codePointAt(cursor.at) ?? 0);
    take(Buffer.from(char, 'utf8'), char !== ' ');
    cursor.at += char.length;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets.slice(0, kept)));
  } catch {
    return cursor.fail('the escaped bytes are not UTF-8', undefined, start);
  }
}

function readEscape(cursor: Cursor): Buffer {
  const hex = /^\\([0-9A-Fa-f]{2})/.exec(cursor.text.slice(cursor.at, cursor.at + 3));
  if (hex !== null) {
    cursor.at += 3;
    return Buffer.from(hex[1] ?? '', 'hex');
  }
  const next = cursor.text[cursor.at + 1];
  if (next === undefined || !' "#+,;<=>\\/'.includes(next)) {
    cursor.fail(`\\${next ?? ''} is no escape`, 'write \\\\ for a \\, or \\ and two hexadecimal digits for a byte', cursor.at);
  }
  cursor.at += 2;
  return Buffer.from(next);
}

function readHex(cursor: Cursor): Buffer {
  const start = cursor.at;
  const hex = /^#((?:[0-9A-Fa-f]{2})+) *(?=[,;+]|$)/.exec(cursor.text.slice(start));
  if (hex === null) cursor.fail('"#" must be followed by pairs of hexadecimal digits', 'write \\# for a # that belongs to a value', start);
  const value = Buffer.from(hex[1] ?? '', 'hex');
  try {
    readDer(value, 'the value');
  } catch (thrown) {
    cursor.fail(thrown instanceof Error ? thrown.message : 'the value is malformed', undefined, start);
  }
  cursor.at = start + hex[0].length;
  return value;
}

function refuseControl(cursor: Cursor): void {
  if (cursor.peek() < ' ' || cursor.peek() === '\u007f') cursor.fail('a control character stands here', 'take it out; it often comes from copying a line break', cursor.at);
}

function checked(cursor: Cursor, attribute: Attribute & { value: string }, valueStart: number): Attribute {
  const problem = problemOfValue(attribute.oid, attribute.value);
  if (problem !== undefined) cursor.fail(problem, undefined, valueStart);
  return attribute;
}
