import { HsmfleetError } from '@hsmfleet/contract';
import { split } from 'shlex';
import type { CommandParams } from './schema.ts';

/** What to run, however the task spells it. */
export interface CommandLine {
  argv: string[];
  chdir?: string;
  creates?: string;
  removes?: string;
  stdin?: CommandParams['stdin'];
}

const OPTION = /^(chdir|creates|removes|stdin)=(.*)$/s;

/**
 * The program and its options. Words are split as a POSIX shell splits them, and nothing more: there is no shell.
 * @throws HsmfleetError PARAMS_INVALID for quotes that do not close, or when nothing is left to run
 */
export function parseCommand(params: CommandParams): CommandLine {
  const line: CommandLine = { argv: [] };
  for (const key of ['chdir', 'creates', 'removes'] as const) {
    const value = params[key];
    if (value !== undefined) line[key] = value;
  }
  if (params.stdin !== undefined) line.stdin = params.stdin;
  if (params.argv !== undefined) line.argv = params.argv.map(String);
  else if (params.cmd !== undefined) line.argv = words(params.cmd);
  else {
    for (const word of words(params._raw_params ?? '')) {
      const option = OPTION.exec(word);
      if (option === null) line.argv.push(word);
      else line[option[1] as 'chdir' | 'creates' | 'removes' | 'stdin'] = option[2] ?? '';
    }
  }
  if (line.argv[0] === undefined || line.argv[0] === '') {
    throw new HsmfleetError('PARAMS_INVALID', 'no program is given to run', { hint: 'command: PROGRAM ARGUMENTS, or cmd, or argv' });
  }
  return line;
}

function words(text: string): string[] {
  try {
    return split(text);
  } catch (cause) {
    throw new HsmfleetError('PARAMS_INVALID', `a quote in the command line does not close: ${text}`, {
      hint: 'close it, or give the words as argv',
      cause,
    });
  }
}
