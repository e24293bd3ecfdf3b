/** A word of a line, quotes and escapes resolved. */
export interface ShellWord {
  text: string;
  /** Where each character of the text stands in the line, counted from 0; one more for the word's end. */
  places: readonly number[];
  /** Where the word begins, its quotes included. */
  start: number;
}

/** A quote that is not closed, or a backslash at the end. */
export class ShellWordError extends Error {
  /** Where the quote or backslash is, counted from 0. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'ShellWordError';
    this.at = at;
  }
}

/**
 * Splits a line of an INI hosts file into words as Ansible does, with the rules of Python's shlex: quotes hold blanks together,
 * a backslash escapes outside of quotes and, within double quotes, itself and the quote; `#` begins a comment, also in the
 * middle of a word.
 * @throws ShellWordError
 */
export function shellWords(line: string): ShellWord[] {
  const words: ShellWord[] = [];
  let word: { text: string; places: number[]; start: number } | undefined;
  let quote: { mark: string; at: number } | undefined;
  let at = 0;
  for (; at < line.length; at += 1) {
    let char = line.charAt(at);
    if (quote === undefined) {
      if (char === ' ' || char === '\t' || char === '\r' || char === '\n' || char === '#') {
        if (word !== undefined) words.push(ended(word, at));
        word = undefined;
        if (char === '#') return words;
        continue;
      }
      word ??= { text: '', places: [], start: at };
      if (char === '"' || char === "'") {
        quote = { mark: char, at };
        continue;
      }
      if (char === '\\') {
        if (at + 1 >= line.length) throw new ShellWordError('the backslash at the end escapes nothing', at);
        char = line.charAt(at += 1);
      }
    } else if (char === quote.mark) {
      quote = undefined;
      continue;
    } else if (char === '\\' && quote.mark === '"') {
      const next = line.charAt(at + 1);
      if (next === '"' || next === '\\') char = line.charAt(at += 1);
    }
    if (word === undefined) continue;
    word.text += char;
    word.places.push(at);
  }
  if (quote !== undefined) throw new ShellWordError(`the quote ${quote.mark} is not closed`, quote.at);
  if (word !== undefined) words.push(ended(word, at));
  return words;
}

function ended({ text, places, start }: { text: string; places: number[]; start: number }, at: number): ShellWord {
  places.push(at);
  return { text, places, start };
}
