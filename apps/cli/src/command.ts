/** An option of a command, in commander's notation: "-f, --forks <n>". */
export interface OptionSpec {
  flags: string;
  description: string;
  /** Shown in the help and used when the option is absent. */
  default?: string;
  /** A further long spelling, not listed by itself: "--inventory". */
  alias?: string;
  /** May be given several times: the values are collected. */
  repeat?: boolean;
  /** Counts how often it is given: -vv. */
  count?: boolean;
  /** The only values taken. */
  choices?: readonly string[];
}

export interface ArgumentSpec {
  /** "<playbook>" when it is required, "[pattern]" when it is not; "<words...>", the last, takes all that follow. */
  name: string;
  description: string;
  /** The only values taken. */
  choices?: readonly string[];
}

/** What a person typed, parsed: arguments by position, options by their camel-cased long names. */
export interface Invocation<O> {
  args: readonly (string | undefined)[];
  options: O;
}

/** One command of the program. The handler loads what it needs, so that the help stays quick. */
export interface Command<O = Record<string, unknown>> {
  /** What a person types: 'apply'; several words for a command in a group: 'token pin change'. */
  name: string;
  /** One line. */
  summary: string;
  /** Further lines of the help. */
  description?: string;
  arguments: readonly ArgumentSpec[];
  options: readonly OptionSpec[];
  examples: readonly string[];
  /**
   * @returns the exit code
   * @throws HsmfleetError, HsmfleetErrors for what a person can mend
   */
  run(invocation: Invocation<O>): Promise<number>;
}

/** Forgets the type of a command's options, for lists of commands. */
export function defineCommand<O>(command: Command<O>): Command {
  return command as unknown as Command;
}

/** What the groups of commands are for, by the words that their names begin with. */
export const GROUPS: Readonly<Record<string, { summary: string; description?: string }>> = {
  bench: { summary: 'measure how sites serve and how fast keys sign, and report it' },
  token: {
    summary: 'prepare tokens at a station: keys, certificates, PINs',
    description: 'Works on this machine alone, with any PKCS#11 module, and needs no fleet. PINs are asked for, or read from a file or a descriptor; they are never part of a command line.',
  },
  'token manifest': { summary: 'state what was prepared on a token, signed, and hold tokens against it' },
  vault: {
    summary: 'encrypt and decrypt files and values with Ansible Vault',
    description: 'What ansible-vault writes is read, and the other way round. Passwords come from a prompt, a file, a program or a descriptor; they are never part of a command line.',
  },
  'token ca': { summary: 'an authority for laboratories' },
  'token pin': { summary: 'change or unblock the PIN of a token' },
};

/** What the program's exit codes mean. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'all went well',
  1: 'the command line, a playbook or a file it needs is wrong; no host was touched',
  2: 'some host or token failed, or refused for safety',
  4: 'some host could not be reached (6: both)',
  130: 'interrupted',
};
