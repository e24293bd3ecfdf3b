/**
 * Splits Ansible's `key=value key2="two words"` into pairs. Quotes hold blanks together, and so do the braces of Jinja.
 * Words without `=` come back as `rest`.
 */
export function splitFreeForm(text: string): { pairs: [string, string][]; rest: string[] } {
  const pairs: [string, string][] = [];
  const rest: string[] = [];
  for (const word of splitWords(text)) {
    const found = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(word);
    if (found === null) rest.push(word);
    else pairs.push([found[1] ?? '', unquote(found[2] ?? '')]);
  }
  return { pairs, rest };
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const pair = text.slice(at, at + 2);
    if (quote !== '') {
      if (char === quote && text.charAt(at - 1) !== '\\') quote = '';
    } else if (pair === '{{' || pair === '{%') {
      depth += 1;
    } else if (pair === '}}' || pair === '%}') {
      depth = Math.max(0, depth - 1);
    } else if (depth === 0 && (char === '"' || char === "'")) {
      quote = char;
    } else if (depth === 0 && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += char;
  }
  if (word !== '') words.push(word);
  return words;
}

function unquote(value: string): string {
  const found = /^(["'])([\s\S]*)\1$/.exec(value);
  return found === null ? value : (found[2] ?? '').replaceAll(`\\${found[1] ?? ''}`, found[1] ?? '');
}
