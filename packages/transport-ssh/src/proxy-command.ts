import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { Duplex } from 'node:stream';
import type { SshOptions } from '@hsmfleet/ssh-config';

const STDERR_LIMIT = 2000;

/** A stream through the program of ProxyCommand, and what it said when it fails. */
export interface ProxyStream {
  stream: Duplex;
  said(): string;
}

/**
 * Starts ProxyCommand as OpenSSH does: by the user's shell, with `%h`, `%p`, `%r` and `%n` filled in. It is a shell
 * command by its definition, from a file of the person who starts the program.
 */
export function startProxyCommand(command: string, options: SshOptions, name: string): ProxyStream {
  const tokens: Record<string, string> = { '%': '%', h: options.hostname, p: String(options.port), r: options.user, n: name, u: userInfo().username };
  const line = command.replaceAll(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole);
  const child = spawn(process.env.SHELL ?? '/bin/sh', ['-c', `exec ${line}`], { stdio: 'pipe', detached: true });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString('utf8')).slice(-STDERR_LIMIT); });
  child.stdin.on('error', () => undefined);
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once('error', (error) => { stream.destroy(error); });
  stream.once('close', () => { child.kill(); });
  return { stream, said: () => said.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim() };
}
