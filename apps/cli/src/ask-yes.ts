import { createInterface } from 'node:readline/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { canAsk } from './ask-secret.ts';

/**
 * Asks a person whether to go on; the answer is shown while it is typed.
 * @param expected what has to be typed, "yes" by default
 * @throws HsmfleetError USAGE where nobody can be asked, or when the answer is another one
 */
export async function askYes(question: string, expected = 'yes'): Promise<void> {
  if (!canAsk()) throw new HsmfleetError('USAGE', `cannot ask: ${question}`, { hint: 'nobody is at a terminal: add --yes to go on without being asked' });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      // Ctrl-C and Ctrl-D are answers too: no
      terminal.once('close', () => { resolve(''); });
      terminal.once('SIGINT', () => { resolve(''); });
      void terminal.question(`${question} Type "${expected}" to go on: `).then(resolve, () => { resolve(''); });
    });
    if (answer.trim() !== expected) throw new HsmfleetError('USAGE', 'nothing was done: the answer was not the one asked for');
  } finally {
    terminal.close();
  }
}
