import { createInterface } from 'node:readline/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { canAsk } from './ask-secret.ts';

/** A question to a person, whose answer is no secret. */
export interface Question {
  text: string;
  /** Taken when the answer is empty. */
  default?: string;
  /** What to do where nobody can be asked: "give --user". */
  instead: string;
  /** Says what is wrong with an answer; it is asked for again. */
  problem?: (answer: string) => string | undefined;
}

/**
 * Asks on the terminal until the answer will do; what is typed is shown.
 * @throws HsmfleetError USAGE where nobody can be asked, or on Ctrl-C and Ctrl-D
 */
export async function askText(question: Question): Promise<string> {
  if (!canAsk()) throw new HsmfleetError('USAGE', `cannot ask "${question.text}": standard input is no terminal`, { hint: question.instead });
  for (;;) {
    const typed = await askOnce(`${question.text}${question.default === undefined ? '' : ` [${question.default}]`}: `);
    const answer = typed.trim() === '' ? (question.default ?? '') : typed.trim();
    const problem = answer === '' ? 'there is no default: type an answer' : question.problem?.(answer);
    if (problem === undefined) return answer;
    process.stderr.write(`  ${problem}\n`);
  }
}

async function askOnce(prompt: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      const ended = (): void => { reject(new HsmfleetError('USAGE', 'nothing was done: the questions were ended')); };
      terminal.once('SIGINT', ended);
      // also when the terminal is closed below, and then it is settled already
      terminal.once('close', ended);
      terminal.question(prompt).then(resolve, ended);
    });
  } finally {
    terminal.close();
  }
}
