import { Argument, Command as Commander, CommanderError, Option } from 'commander';
import { EXIT_CODES, GROUPS, type Command, type OptionSpec } from './command.ts';

/** A mistake on the command line, told by the option parser. */
export class UsageProblem extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageProblem';
    this.hint = hint;
  }
}

/**
 * Parses the command line and runs the command it names.
 * @returns the exit code; 0 after a help text
 * @throws UsageProblem, and whatever the command throws
 */
export async function runProgram(commands: readonly Command[], argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(commands, (code) => { exitCode = code; });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return 0;
    // a group without a command: its help, which the parser would print as an error
    if (thrown.code === 'commander.help') return runProgram(commands, [...argv, '--help']);
    throw usageProblem(thrown, namedBy(commands, argv));
  }
  return exitCode;
}

function buildProgram(commands: readonly Command[], done: (code: number) => void): Commander {
  const program = new Commander('hsmfleet')
    .description('Rolls out token-backed TLS to webservers over SSH, and keeps the inventory of their tokens, keys and certificates.')
    .addHelpText('after', `\nExit codes:\n${Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`).join('\n')}`)
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .usage('COMMAND [options]')
    .configureHelp({ showGlobalOptions: false });
  quiet(program);
  const built = new Map<string, Commander>([['', program]]);
  for (const command of commands) place(buildCommand(command, done), command.name, built);
  return program;
}

/** Puts a command under its group ('token pin change' under 'token pin'), which is made when it is not there yet. */
function place(command: Commander, name: string, built: Map<string, Commander>): void {
  const group = name.split(' ').slice(0, -1).join(' ');
  let parent = built.get(group);
  if (parent === undefined) {
    parent = buildGroup(group);
    place(parent, group, built);
  }
  // so that a command's options are its own even where a command above it has some of the same name
  parent.enablePositionalOptions().addCommand(command);
  built.set(name, command);
}

function buildGroup(name: string): Commander {
  const { summary, description } = GROUPS[name] ?? { summary: `commands of ${name}` };
  const built = new Commander(lastWord(name)).summary(summary)
    .description(description === undefined ? sentence(summary) : `${sentence(summary)} ${description}`)
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .usage('COMMAND [options]');
  quiet(built);
  return built;
}

function lastWord(name: string): string {
  return name.split(' ').at(-1) ?? name;
}

/** The command, or the group, that the first words name: the longest that there is. */
function namedBy(commands: readonly Command[], argv: readonly string[]): string {
  const typed = argv.join(' ');
  const names = commands.flatMap(({ name }) => name.split(' ').map((_, index, words) => words.slice(0, index + 1).join(' ')));
  return names.filter((name) => typed === name || typed.startsWith(`${name} `)).sort((a, b) => b.length - a.length)[0] ?? '';
}

function buildCommand(command: Command, done: (code: number) => void): Commander {
  const built = new Commander(lastWord(command.name)).summary(command.summary)
    .description(command.description === undefined ? sentence(command.summary) : `${sentence(command.summary)} ${command.description}`)
    .helpOption('-h, --help', 'show this help');
  built.helpCommand(false);
  quiet(built);
  for (const { name, description, choices } of command.arguments) {
    const argument = new Argument(name, description);
    built.addArgument(choices === undefined ? argument : argument.choices(choices));
  }
  for (const option of command.options.flatMap(buildOptions)) built.addOption(option);
  if (command.examples.length > 0) built.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  ${line}`).join('\n')}`);
  built.action(async (...given: unknown[]) => {
    // an argument that takes several words has them in a list
    const args = given.slice(0, command.arguments.length).flat() as (string | undefined)[];
    done(await command.run({ args, options: built.opts() }));
  });
  return built;
}

/** An option, and its other spelling, which fills the same place. */
function buildOptions(spec: OptionSpec): Option[] {
  const option = buildOption(spec);
  if (spec.alias === undefined) return [option];
  const alias = buildOption({ ...spec, flags: option.flags.replace(/^.*(?=\s[<[])|^\S+$/, spec.alias) }).hideHelp();
  alias.attributeName = () => option.attributeName();
  return [option, alias];
}

function buildOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.default !== undefined) option.default(spec.default);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.count === true) option.argParser((_value: string, before: number | undefined) => (before ?? 0) + 1).default(0).defaultValueDescription = '';
  if (spec.repeat === true) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** Errors are thrown, never printed or exited with by the parser. */
function quiet(command: Commander): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function usageProblem(error: CommanderError, name: string): UsageProblem {
  // what is one word too many may be a secret in the wrong place: it is not repeated
  const message = error.code === 'commander.excessArguments' ? error.message.replace(/(but got \d+): .*$/s, '$1') : error.message;
  const [first = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').trim().replace(/^\(|\)$/g, '').replace(/^Did/, 'did');
  const help = `hsmfleet ${name === '' ? '' : `${name} `}--help shows what there is`;
  return new UsageProblem(first.replace(/\.$/, ''), suggestion === '' ? help : `${suggestion} ${help}`);
}
