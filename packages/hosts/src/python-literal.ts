/** A value that Python can write as a literal, as far as JSON can hold it. */
export type Literal = null | boolean | number | string | Literal[] | { [key: string]: Literal };

const NAMES: Readonly<Record<string, null | boolean>> = { None: null, True: true, False: false };
const DIGITS = '[0-9](?:_?[0-9])*';
const NUMBER = new RegExp(
  `^(?:(?<float>(?:${DIGITS})?\\.${DIGITS}(?:[eE][+-]?${DIGITS})?|${DIGITS}\\.(?:[eE][+-]?${DIGITS})?|${DIGITS}[eE][+-]?${DIGITS})`
  + '|(?<based>0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)|(?<whole>0(?:_?0)*|[1-9](?:_?[0-9])*))(?![\\w.])',
);
const STRING = /^([rRuU]|[bB][rR]?|[rR][bB])?("""|'''|"|')/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
/** How deep lists and dictionaries may lie in one another. */
const DEPTH_LIMIT = 100;

/** The text is no literal: it means itself. One for all, since most texts are none, and a stack trace takes longer than reading. */
const NO_LITERAL = new Error('no literal');

/**
 * The value of a text that is a literal of Python (numbers, texts, True, None, lists, tuples, dictionaries), which is how
 * Ansible reads values in INI hosts files; undefined for every other text, which means itself. Tuples become lists; whole
 * numbers that JSON numbers cannot hold exactly stay texts, and so do sets and complex numbers.
 */
export function pythonLiteral(text: string): Literal | undefined {
  try {
    return new LiteralReader(text).read();
  } catch (thrown) {
    if (thrown === NO_LITERAL) return undefined;
    throw thrown;
  }
}

class LiteralReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Literal {
    const first = this.#value();
    let value = first;
    // without brackets, too, commas make a tuple
    if (this.#take(',')) value = [first, ...this.#items(undefined)];
    this.#blanks();
    if (this.#at < this.#text.length) throw NO_LITERAL;
    return value;
  }

  #blanks(): void {
    const found = /^[ \t\f]*(?:#.*)?/s.exec(this.#text.slice(this.#at));
    this.#at += found?.[0].length ?? 0;
  }

  #take(mark: string): boolean {
    this.#blanks();
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #value(): Literal {
    this.#blanks();
    const rest = this.#text.slice(this.#at);
    if (STRING.test(rest)) return this.#strings();
    const sign = /^[+-][ \t\f]*/.exec(rest)?.[0];
    if (sign !== undefined) this.#at += sign.length;
    const number = this.#number();
    if (number !== undefined) return sign?.startsWith('-') !== true ? number : typeof number === 'string' ? `-${number}` : -number;
    if (sign !== undefined) throw NO_LITERAL;
    const name = /^[A-Za-z_]\w*/.exec(rest)?.[0];
    if (name !== undefined && Object.hasOwn(NAMES, name)) {
      this.#at += name.length;
      return NAMES[name] as null | boolean;
    }
    return this.#collection();
  }

  #number(): number | string | undefined {
    const found = NUMBER.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    const digits = found[0].replaceAll('_', '');
    const value = Number(digits);
    if (!Number.isFinite(value)) throw NO_LITERAL;
    // the name of a group that did not take part is there, with undefined
    if (found.groups?.float !== undefined) return value;
    return Number.isSafeInteger(value) ? value : BigInt(digits).toString();
  }

  /** Texts that stand beside one another are one. */
  #strings(): string {
    let text = '';
    for (let begin = STRING.exec(this.#text.slice(this.#at)); begin !== null; begin = STRING.exec(this.#text.slice(this.#at))) {
      const [whole, prefix = '', quote = ''] = begin;
      this.#at += whole.length;
      text += this.#string(quote, /r/i.test(prefix), /b/i.test(prefix));
      this.#blanks();
    }
    return text;
  }

  #string(quote: string, raw: boolean, bytes: boolean): string {
    let text = '';
    while (!this.#text.startsWith(quote, this.#at)) {
      const char = this.#text.charAt(this.#at);
      if (char === '') throw NO_LITERAL;
      this.#at += 1;
      if (char !== '\\') text += char;
      else text += raw ? `\\${this.#next()}` : this.#escape(bytes);
    }
    this.#at += quote.length;
    return text;
  }

  #next(): string {
    const char = this.#text.charAt(this.#at);
    if (char === '') throw NO_LITERAL;
    this.#at += 1;
    return char;
  }

  #escape(bytes: boolean): string {
    const rest = this.#text.slice(this.#at);
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    if (octal !== undefined) {
      this.#at += octal.length;
      return String.fromCodePoint(parseInt(octal, 8));
    }
    const char = this.#next();
    const width = char === 'x' ? 2 : bytes ? 0 : char === 'u' ? 4 : char === 'U' ? 8 : 0;
    if (width > 0) {
      const code = new RegExp(`^[0-9a-fA-F]{${String(width)}}`).exec(rest.slice(1))?.[0];
      if (code === undefined || parseInt(code, 16) > 0x10ffff) throw NO_LITERAL;
      this.#at += width;
      return String.fromCodePoint(parseInt(code, 16));
    }
    // a character by its name: nobody has the list of names here
    if (char === 'N' && !bytes) throw NO_LITERAL;
    return ESCAPES[char] ?? `\\${char}`;
  }

  #collection(): Literal {
    this.#depth += 1;
    if (this.#depth > DEPTH_LIMIT) throw NO_LITERAL;
    try {
      if (this.#take('[')) return this.#items(']');
      if (this.#take('(')) return this.#tuple();
      if (this.#take('{')) return this.#dictionary();
      throw NO_LITERAL;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Items up to a mark, or to the end of the text; a comma may follow the last. */
  #items(end: string | undefined): Literal[] {
    const items: Literal[] = [];
    for (;;) {
      if (this.#ends(end)) return items;
      items.push(this.#value());
      if (this.#take(',')) continue;
      if (this.#ends(end)) return items;
      throw NO_LITERAL;
    }
  }

  #ends(end: string | undefined): boolean {
    if (end !== undefined) return this.#take(end);
    this.#blanks();
    return this.#at >= this.#text.length;
  }

  #tuple(): Literal {
    if (this.#take(')')) return [];
    const first = this.#value();
    if (this.#take(')')) return first;
    if (!this.#take(',')) throw NO_LITERAL;
    return [first, ...this.#items(')')];
  }

  #dictionary(): Literal {
    const entries: [string, Literal][] = [];
    for (;;) {
      if (this.#take('}')) return Object.fromEntries(entries);
      const key = this.#value();
      if (key !== null && typeof key === 'object') throw NO_LITERAL;
      // a set has no place in JSON
      if (!this.#take(':')) throw NO_LITERAL;
      entries.push([String(key), this.#value()]);
      if (this.#take(',')) continue;
      if (this.#take('}')) return Object.fromEntries(entries);
      throw NO_LITERAL;
    }
  }
}
