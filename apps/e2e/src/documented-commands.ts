import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './fleet.ts';

/** A command that a page tells people to type. */
export interface DocumentedCommand {
  /** The page, from the workspace's top, and the line in it. */
  page: string;
  line: number;
  /** As it stands there, lines that end with a backslash joined, without the comment behind it. */
  text: string;
}

/** Pages for people: README, guide, notes for developers, decisions. */
export function pagesForPeople(): string[] {
  const below = ['docs/guide', 'docs/development', 'docs/decisions'].flatMap((folder) => readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`));
  return ['README.md', ...below].sort();
}

/** Every `hsmfleet …` line of a page's code blocks, fenced or indented, in their order. */
export function commandsOf(page: string): DocumentedCommand[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const found: DocumentedCommand[] = [];
  let fenced: string | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const text = lines[index] as string;
    const fence = /^\s*(```|~~~)/.exec(text)?.[1];
    if (fence !== undefined) fenced = fenced === undefined ? fence : undefined;
    else if ((fenced !== undefined || /^ {4}|^\t/.test(text)) && /^\s*(?:\$ )?hsmfleet\s/.test(text)) {
      const line = index + 1;
      let command = text.trim().replace(/^\$ /, '');
      while (command.endsWith('\\') && index + 1 < lines.length) {
        index += 1;
        command = `${command.slice(0, -1)}${(lines[index] as string).trim()}`;
      }
      found.push({ page, line, text: withoutComment(command) });
    }
  }
  return found;
}

/** What the shell would read: a # that begins a word outside quotes begins a comment. */
function withoutComment(command: string): string {
  let quote = '';
  for (let index = 0; index < command.length; index += 1) {
    const char = command.charAt(index);
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '#' && /\s/.test(command.charAt(index - 1))) return command.slice(0, index).trimEnd();
  }
  return command.trimEnd();
}
