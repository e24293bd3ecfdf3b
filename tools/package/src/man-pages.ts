import remarkMan from 'remark-man';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { EXIT_CODES, GROUPS, type Command, type OptionSpec } from '../../../apps/cli/src/command.ts';
import { VERSION } from '../../../apps/cli/src/version.ts';

/** A manual page: the name of its file, "hsmfleet-apply.1", and its text in roff. */
export interface ManPage {
  file: string;
  roff: string;
}

/** Manual pages of the program and of each command, from the declarations that the program itself parses with. */
export function manPages(commands: readonly Command[]): ManPage[] {
  return [page('hsmfleet', programText(commands)), ...commands.map((command) => page(pageName(command.name), commandText(command)))];
}

/** "hsmfleet-token-pin-change". */
function pageName(command: string): string {
  return `hsmfleet-${command.replaceAll(' ', '-')}`;
}

function page(name: string, markdown: string): ManPage {
  const roff = unified().use(remarkParse).use(remarkMan, { name, section: 1, version: `hsmfleet ${VERSION}`, manual: 'hsmfleet', date: undefined }).processSync(markdown);
  return {
    file: `${name}.1`,
    // without a date: the same program has the same pages; options are typed with minus signs, not with hyphens
    roff: `${String(roff).replace(/^(\.TH "[^"]*" "1") "[^"]*"/m, '$1 ""').replace(/(?<=^|[\s(]|\\fB)--?(?=\w)/gm, (minus) => minus.replaceAll('-', '\\-')).trimEnd()}\n`,
  };
}

function programText(commands: readonly Command[]): string {
  return [
    '# hsmfleet(1) -- TLS with keys in hardware tokens, on many webservers',
    '## SYNOPSIS', '**hsmfleet** *command* [*options*]',
    '## DESCRIPTION',
    'Rolls out token-backed TLS to webservers over SSH, and keeps the inventory of their tokens, keys and certificates. No PIN try is spent in vain, no serving site is taken down, and no PIN is shown.',
    '## COMMANDS',
    ...commands.map(({ name, summary }) => `- **${pageName(name)}**(1): ${plain(summary)}`),
    ...Object.entries(GROUPS).filter(([name]) => !name.includes(' ')).map(([name, { description }]) => (description === undefined ? '' : `### hsmfleet ${name}\n\n${plain(description)}`)),
    '## EXIT STATUS',
    ...Object.entries(EXIT_CODES).map(([code, meaning]) => `- **${code}**: ${plain(meaning)}`),
  ].join('\n\n');
}

function commandText({ name, summary, description, arguments: args, options, examples }: Command): string {
  return [
    `# ${pageName(name)}(1) -- ${plain(summary)}`,
    '## SYNOPSIS',
    [`**hsmfleet ${name}**`, ...args.map((argument) => plain(argument.name)), ...(options.length === 0 ? [] : ['[*options*]'])].join(' '),
    '## DESCRIPTION',
    `${plain(summary.charAt(0).toUpperCase() + summary.slice(1))}. ${plain(description ?? '')}`,
    ...args.map((argument) => `- ${plain(argument.name)}: ${plain(argument.description)}${choices(argument.choices)}`),
    ...(options.length === 0 ? [] : ['## OPTIONS', ...options.map(optionText)]),
    ...(examples.length === 0 ? [] : ['## EXAMPLES', ...examples.map((line) => `    ${line}`)]),
    '## SEE ALSO',
    '**hsmfleet**(1)',
  ].join('\n\n');
}

function optionText({ flags, description, default: fallback, choices: known }: OptionSpec): string {
  return `- **${flags.replace(/ ([<[].*)$/, '** $1').replace(/^([^<[]*[^*\s])$/, '$1**').replaceAll('<', '\\<').replaceAll('[', '\\[')}: ${plain(description)}${choices(known)}${fallback === undefined ? '' : ` (default: ${plain(fallback)})`}`;
}

function choices(known: readonly string[] | undefined): string {
  return known === undefined ? '' : ` (${known.join(', ')})`;
}

/** Text that Markdown must not read anything into. */
function plain(text: string): string {
  return text.replace(/[\\`*_<>[\]#]/g, '\\$&');
}
