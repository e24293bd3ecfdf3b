import { createInterface } from 'node:readline';
import { HsmfleetError } from '@hsmfleet/contract';
import type { RunOptions } from '@hsmfleet/runner';
import { printable } from '@hsmfleet/reporter';
import { canAsk } from './ask-secret.ts';

type Confirm = NonNullable<RunOptions['confirm']>;

/**
 * Asks on the terminal whether each task is to run, in Ansible's words: (N)o, (y)es, or (c)ontinue without asking again. An
 * empty answer, and the end of the input, mean no.
 * @throws HsmfleetError USAGE when there is nobody to ask
 */
export function confirmTasks(): Confirm {
  if (!canAsk()) throw new HsmfleetError('USAGE', '--step asks before each task, and standard input is no terminal', { hint: 'start hsmfleet from a terminal, or leave --step out' });
  return ({ name }) => new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    let answer = '';
    lines.on('close', () => { resolve(meaningOf(answer)); });
    lines.on('SIGINT', () => {
      lines.close();
      process.kill(process.pid, 'SIGINT');
    });
    lines.question(`Perform task: ${printable(name)} (N)o/(y)es/(c)ontinue: `, (given) => {
      answer = given;
      lines.close();
    });
  });
}

/** What a person means by an answer. */
export function meaningOf(answer: string): Awaited<ReturnType<Confirm>> {
  const word = answer.trim().toLowerCase();
  if (word === 'y' || word === 'yes') return 'yes';
  return word === 'c' || word === 'continue' ? 'continue' : 'no';
}
