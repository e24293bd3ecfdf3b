import { HsmfleetError, Secret } from '@hsmfleet/contract';

const ENTER = new Set(['\r', '\n', '\u0004']);
const ERASE = new Set(['\u007f', '\b']);
const INTERRUPT = '\u0003';
const ERASE_LINE = '\u0015';

let queue: Promise<unknown> = Promise.resolve();

/** Is there a person at a terminal who can be asked? */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks a person for a secret on the terminal, without echo. Questions wait for one another.
 * @param instead what to do where nobody can be asked, for the hint
 * @throws HsmfleetError USAGE when standard input is no terminal, or on Ctrl-C
 */
export async function askSecret(question: string, instead = 'give the secret with !secret in a variable'): Promise<Secret> {
  if (!canAsk()) {
    throw new HsmfleetError('USAGE', `cannot ask for "${question}": standard input is no terminal`, {
      hint: `start hsmfleet from a terminal, or ${instead}`,
    });
  }
  return new Secret(await askHidden(question), question);
}

/** What a person types, without echo. The caller has checked {@link canAsk} and must not let the answer out of sight. */
export function askHidden(question: string): Promise<string> {
  const answer = queue.then(() => readHidden(question));
  queue = answer.catch(() => undefined);
  return answer;
}

function readHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (finish: () => void): void => {
      stdin.off('data', read);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const read = (chunk: string): void => {
      for (const char of chunk) {
        if (ENTER.has(char)) { end(() => { resolve(typed); }); return; }
        if (char === INTERRUPT) { end(() => { reject(new HsmfleetError('USAGE', `interrupted while asking for "${question}"`)); }); return; }
        if (ERASE.has(char)) typed = typed.slice(0, -1);
        else if (char === ERASE_LINE) typed = '';
        else if (char >= ' ') typed += char;
      }
    };
    // before the question: what is typed in answer to it must not be echoed
    stdin.setRawMode(true);
    stderr.write(`${question}: `);
    stdin.setEncoding('utf8');
    stdin.on('data', read);
    stdin.resume();
  });
}
