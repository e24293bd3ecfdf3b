/** Does the text have the value as a word of its own? "1" does not stand in "12". */
export function hasWord(text: string, value: string): boolean {
  return wordAt(text, value, 0) >= 0;
}

/** The text with every occurrence of the value as a word of its own replaced. */
export function replaceWord(text: string, value: string, by: string): string {
  let out = '';
  let from = 0;
  for (let at = wordAt(text, value, 0); at >= 0; at = wordAt(text, value, from)) {
    out += text.slice(from, at) + by;
    from = at + value.length;
  }
  return out + text.slice(from);
}

function wordAt(text: string, value: string, from: number): number {
  if (value === '') return -1;
  // nobody takes a text as long as this for a part of a word, and to look for its ends costs length times length
  if (value.length > LONGEST_WORD) return text.indexOf(value, from);
  for (let at = text.indexOf(value, from); at >= 0; at = text.indexOf(value, at + 1)) {
    if (!WORD_END.test(text.slice(Math.max(0, at - 2), at)) && !WORD_START.test(text.slice(at + value.length, at + value.length + 2))) return at;
  }
  return -1;
}

const LONGEST_WORD = 200;
const WORD_END = /[\p{L}\p{N}]$/u;
const WORD_START = /^[\p{L}\p{N}]/u;
