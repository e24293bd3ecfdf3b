import { EXIT_CODES, type ArgumentSpec, type OptionSpec } from './command.ts';
import { COMMANDS } from './commands.ts';

/** One command as reference pages show it. */
export interface CommandDescription {
  name: string;
  /** "hsmfleet apply [options] <playbook>" */
  usage: string;
  summary: string;
  description?: string;
  arguments: readonly ArgumentSpec[];
  options: readonly OptionSpec[];
  examples: readonly string[];
}

/** Everything the program takes and answers, for generated documentation. */
export interface ProgramDescription {
  commands: CommandDescription[];
  exitCodes: { code: number; meaning: string }[];
}

/** Describes the commands from the declarations that the program itself parses with. */
export function describeCommands(): ProgramDescription {
  return {
    commands: COMMANDS.map(({ name, summary, description, arguments: args, options, examples }) => ({
      name, summary, arguments: args, options, examples,
      usage: ['hsmfleet', name, ...(options.length === 0 ? [] : ['[options]']), ...args.map((argument) => argument.name)].join(' '),
      ...(description === undefined ? {} : { description }),
    })),
    exitCodes: Object.entries(EXIT_CODES).map(([code, meaning]) => ({ code: Number(code), meaning })),
  };
}
