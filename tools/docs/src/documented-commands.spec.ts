import { split } from 'shlex';
import { describe, expect, it, test } from 'vitest';
import { COMMANDS } from '../../../apps/cli/src/commands.ts';
import { runProgram } from '../../../apps/cli/src/program.ts';
import { commandsOf, pagesForPeople } from '../../../apps/e2e/src/documented-commands.ts';

/** The program's own parser, with commands that do nothing. */
const parser = COMMANDS.map((command) => ({ ...command, run: () => Promise.resolve(0) }));

/** The words of each `hsmfleet` in a line, without what belongs to the shell around it. */
function invocations(text: string): string[][] {
  // a process substitution is one word to the program
  const plain = text.replace(/<\([^()]*\)/g, '/dev/fd/63').replace(/\$\([^()]*\)/g, 'WORD');
  return split(plain.replace(/(["'])(?:(?!\1).)*\1/g, (quoted) => quoted.replace(/[|&;<>]/g, '_')).replace(/\d?(?:>>?|<)\s*(?:&\d|[^\s|&;]+)/g, ' ').replace(/\|\||&&|[|;]/g, ' \u0000 '))
    .join('\u0001').split('\u0000').map((part) => part.split('\u0001').filter((word) => word !== ''))
    .filter(([program]) => program === 'hsmfleet').map(([, ...words]) => words);
}

async function problemOf(text: string): Promise<string | undefined> {
  for (const words of invocations(text)) {
    try {
      await runProgram(parser, words);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  }
  return undefined;
}

describe('what pages tell people to type', () => {
  test.each(pagesForPeople())('%s', async (page) => {
    const wrong: string[] = [];
    for (const { line, text } of commandsOf(page)) {
      const problem = await problemOf(text);
      if (problem !== undefined) wrong.push(`${page}:${String(line)}: ${text}: ${problem}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is found at all', () => {
    expect(pagesForPeople().flatMap(commandsOf).length).toBeGreaterThan(60);
  });

  it('is told from what nobody could type', async () => {
    expect(await problemOf('hsmfleet aply site.yml')).toMatch(/unknown command/);
    expect(await problemOf('hsmfleet query "select 1 > 0" --formt json > out')).toMatch(/unknown option '--formt'/);
    expect(await problemOf('hsmfleet hosts && hsmfleet check')).toMatch(/missing required argument/);
  });
});

test.each(COMMANDS.map(({ name, examples }) => [name, examples] as const))('the examples in the help of %s', async (_name, examples) => {
  const wrong: string[] = [];
  for (const example of examples) {
    const problem = await problemOf(example);
    if (problem !== undefined) wrong.push(`${example}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});
