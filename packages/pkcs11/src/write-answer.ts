import { writeSync } from 'node:fs';

/** The parent reads answers here; standard output belongs to the library. */
const ANSWER_FD = 3;

/**
 * Writes one line of JSON to the parent, the whole of it before this returns: the next call may never come back.
 * @throws Error EPIPE when the parent is gone
 */
export function writeAnswer<L>(line: L): void {
  let rest = Buffer.from(`${JSON.stringify(line)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(ANSWER_FD, rest));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
    }
  }
}
