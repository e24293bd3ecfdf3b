import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Has the system's ssh say its configuration: `ssh -G WORDS`.
 * @returns what it printed; undefined when there is no ssh
 * @throws the error of the process, with its `stderr`, when it refuses
 */
export async function askSshConfig(words: readonly string[], ssh = 'ssh'): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(ssh, ['-G', ...words], { timeout: 10_000, maxBuffer: 1 << 20 })).stdout;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
