/** One directive or section of an Apache configuration file. */
export interface ConfigNode {
  /** As written; Apache does not mind the case. */
  name: string;
  /** Words, quotes removed. For sections what stands between the name and `>`. */
  args: string[];
  file: string;
  /** Counts from 1. */
  line: number;
  /** Sections only. */
  children?: ConfigNode[];
}

/**
 * Splits a file into directives and sections, without judging them. Never throws: a stray closing tag is ignored and an
 * open section ends with the file, for what matters is to find sites even in a file that Apache would refuse.
 */
export function lexConfig(text: string, file: string): ConfigNode[] {
  const root: ConfigNode[] = [];
  const open: { name: string; into: ConfigNode[] }[] = [{ name: '', into: root }];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = at + 1;
    let whole = lines[at] ?? '';
    while (whole.endsWith('\\') && at + 1 < lines.length) {
      at += 1;
      whole = `${whole.slice(0, -1)} ${lines[at] ?? ''}`;
    }
    whole = whole.trim();
    if (whole === '' || whole.startsWith('#')) continue;
    const closing = /^<\/\s*([^\s>]+)/.exec(whole)?.[1];
    if (closing !== undefined) {
      const match = open.findLastIndex((section) => section.name === closing.toLowerCase());
      if (match > 0) open.length = match;
      continue;
    }
    const into = open.at(-1)?.into ?? root;
    const section = /^<\s*([^\s>]+)\s*(.*?)>?\s*$/.exec(whole);
    if (section?.[1] !== undefined) {
      const node: ConfigNode = { name: section[1], args: words(section[2] ?? ''), file, line, children: [] };
      into.push(node);
      open.push({ name: section[1].toLowerCase(), into: node.children ?? [] });
      continue;
    }
    const [name = '', ...args] = words(whole);
    if (name !== '') into.push({ name, args, file, line });
  }
  return root;
}

/** Words as Apache splits them: double or single quotes group, a backslash inside takes the next character as it is. */
function words(text: string): string[] {
  const found = text.match(/"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\S+/g) ?? [];
  return found.map((word) => {
    const quote = word[0];
    if (quote !== '"' && quote !== "'") return word;
    const inner = word.endsWith(quote) && word.length > 1 ? word.slice(1, -1) : word.slice(1);
    return inner.replace(/\\(["'\\])/g, '$1');
  });
}

/** Quotes a word for a configuration file. Line ends cannot be written and must have been refused before. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_.:/@%=+,*-]+$/.test(word) ? word : `"${word.replace(/[\\"]/g, '\\$&')}"`;
}
