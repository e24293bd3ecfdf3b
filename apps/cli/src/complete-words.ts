import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RootCommand, ShellCompDirective, type Complete } from '@bomb.sh/tab';
import { GROUPS, type ArgumentSpec, type Command, type OptionSpec } from './command.ts';
import type { Shell } from './commands/completion.ts';

/**
 * Prints what could be typed next, one word and its description a line, as the shells' scripts understand it.
 * @param words what was typed after the program's name, the last one being typed; empty when nothing of it is there yet
 */
export function completeWords(commands: readonly Command[], words: readonly string[]): void {
  const current = words.at(-1) ?? '';
  describe(commands, current).parse([...words]);
}

/** Prints the script that a shell has to read once. */
export function printScript(shell: Shell): void {
  new RootCommand().setup('hsmfleet', 'hsmfleet', shell);
}

function describe(commands: readonly Command[], current: string): RootCommand {
  const root = new RootCommand();
  // a folder is the beginning of a longer word, after which no space belongs; the library decides this too late for us to set it
  Object.defineProperty(root, 'directive', {
    get: () => ShellCompDirective.ShellCompDirectiveNoFileComp | (root.completions.some(({ value }) => value.endsWith('/')) ? ShellCompDirective.ShellCompDirectiveNoSpace : 0),
    set: () => undefined,
  });
  for (const [name, { summary }] of Object.entries(GROUPS)) root.command(name, summary);
  for (const command of commands) {
    const described = root.command(command.name, command.summary);
    for (const argument of command.arguments) described.argument(argument.name, (complete) => { completeArgument(argument, current, complete); }, argument.name.includes('...'));
    for (const option of command.options) {
      const { long, short, value } = partsOf(option);
      if (value === undefined) described.option(long, option.description, short ?? '');
      else described.option(long, option.description, (complete) => { completeValue(option, value, current, complete); }, short);
    }
  }
  return root;
}

function partsOf({ flags }: OptionSpec): { long: string; short: string | undefined; value: string | undefined } {
  return {
    long: /--([\w-]+)/.exec(flags)?.[1] ?? flags,
    short: /(?:^|[ ,])-(\w)\b/.exec(flags)?.[1],
    value: /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1],
  };
}

function completeArgument({ name, choices }: ArgumentSpec, current: string, complete: Complete): void {
  if (choices !== undefined) for (const choice of choices) complete(choice, '');
  else if (takesPath(name)) completePaths(current, complete);
}

function completeValue({ choices }: OptionSpec, value: string, current: string, complete: Complete): void {
  if (choices !== undefined) for (const choice of choices) complete(choice, '');
  else if (takesPath(value)) completePaths(current.replace(/^--[\w-]+=/, ''), complete);
}

/** Values whose name in the declarations says that they are files or folders. */
function takesPath(name: string): boolean {
  return /file|folder|path|playbook|profile|csr|certificate|manifest/.test(name);
}

/** What the folder that was typed so far has; folders end with a slash, so that one can go on from there. */
function completePaths(typed: string, complete: Complete): void {
  const folder = typed.endsWith('/') ? typed : dirname(typed);
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // a folder that is not there offers nothing
    return;
  }
  const before = folder === '.' && !typed.startsWith('./') ? '' : folder;
  const hidden = (typed.split('/').at(-1) ?? '').startsWith('.');
  for (const entry of entries) {
    if (entry.name.startsWith('.') && !hidden) continue;
    const path = before === '' ? entry.name : join(before, entry.name);
    const word = `${typed.startsWith('./') && !path.startsWith('./') ? './' : ''}${path}${entry.isDirectory() ? '/' : ''}`;
    if (word.startsWith(typed)) complete(word, '');
  }
}
