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
  const end = (at: number): void => {
    if (word !== undefined) words.push({ ...word, places: [...word.places, at] });
    word = undefined;
  };
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    const add = (text: string): void => {
      word ??= { text: '', places: [], start: at };
      word.text += text;
      for (let index = 0; index < text.length; index += 1) word.places.push(at);
    };
    if (quote !== undefined) {
      if (char === quote.mark) quote = undefined;
      else if (char === '\\' && quote.mark === '"' && /["\\]/.test(line.charAt(at + 1))) add(line.charAt(at += 1));
      else add(char);
    } else if (/[ \t\r\n]/.test(char)) {
      end(at);
    } else if (char === '#') {
      end(at);
      return words;
    } else if (char === '"' || char === "'") {
      quote = { mark: char, at };
      add('');
    } else if (char === '\\') {
      if (at + 1 >= line.length) throw new ShellWordError('the backslash at the end escapes nothing', at);
      add('');
      add(line.charAt(at += 1));
    } else add(char);
  }
  if (quote !== undefined) throw new ShellWordError(`the quote ${quote.mark} is not closed`, quote.at);
  end(line.length);
  return words;
}
