import { spawn } from 'node:child_process';
import { HsmfleetError } from '@hsmfleet/contract';

/** What a script that lists hosts may take, unless the caller says otherwise. */
const DEADLINE_MS = 60_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
const MAX_STDERR = 64 * 1024;

/** Names that a script gets of this process's environment; no secret is known by one of them. */
const PASSED = /^(?:PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|XDG_\w+|VIRTUAL_ENV|PYTHONPATH|SSL_CERT_(?:FILE|DIR)|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY)$/;

export interface ScriptOptions {
  /** Milliseconds for all of a script's runs. */
  deadlineMs?: number | undefined;
  /** Bytes that one answer may have. */
  maxOutput?: number | undefined;
}

/** What a script answered. */
export interface ScriptAnswer {
  stdout: string;
  stderr: string;
}

/**
 * The environment of scripts that list hosts: what programs need to work at all, and what `HSMFLEET_HOSTS_ENV` names (words,
 * `*` at the end of one stands for anything), because variables of this process may hold secrets.
 */
export function scriptEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const wanted = (environment.HSMFLEET_HOSTS_ENV ?? '').split(/[\s,]+/).filter((word) => word !== '');
  const passes = (name: string): boolean => PASSED.test(name) || wanted.some((word) => (word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : name === word));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => passes(name)));
}

/**
 * Runs an executable hosts file: no shell, no input, a deadline, and an answer of limited size.
 * @throws HsmfleetError HOSTS_INVALID when it fails, with what it wrote to standard error; TIMEOUT
 */
export function runHostsScript(path: string, args: readonly string[], { deadlineMs = DEADLINE_MS, maxOutput = MAX_OUTPUT }: ScriptOptions = {}): Promise<ScriptAnswer> {
  const called = [path, ...args].join(' ');
  return new Promise((resolve, reject) => {
    // a group of its own, so that what it started ends with it
    const child = spawn(path, args, { detached: true, env: scriptEnvironment(process.env), stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let size = 0;
    let stderr = '';
    let problem: HsmfleetError | undefined;
    const stop = (error: HsmfleetError): void => {
      problem ??= error;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // it is gone already
      }
    };
    const deadline = setTimeout(() => {
      stop(new HsmfleetError('TIMEOUT', `the hosts file ${called} did not answer within ${String(deadlineMs / 1000)} seconds`, { hint: told(stderr) ?? 'run it by hand to see what it waits for' }));
    }, deadlineMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxOutput) out.push(chunk);
      else stop(new HsmfleetError('HOSTS_INVALID', `the hosts file ${called} answered more than ${String(maxOutput)} bytes`));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(0, MAX_STDERR); });
    child.on('error', (thrown) => {
      problem ??= new HsmfleetError('HOSTS_INVALID', `the hosts file ${path} cannot be run: ${whyNot(thrown)}`, { cause: thrown, hint: 'look at its first line: it names the program that runs it' });
    });
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      if (problem !== undefined) reject(problem);
      else if (code !== 0) {
        const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
        reject(new HsmfleetError('HOSTS_INVALID', `the hosts file ${called} ended ${how}`, {
          hint: told(stderr) ?? 'it wrote nothing to standard error; it sees few environment variables: name what it needs in HSMFLEET_HOSTS_ENV',
        }));
      } else resolve({ stdout: Buffer.concat(out).toString('utf8'), stderr });
    });
  });
}

function told(stderr: string): string | undefined {
  const lines = stderr.trim().split('\n').slice(-15).join('\n');
  return lines === '' ? undefined : `it wrote: ${lines}`;
}

function whyNot(thrown: NodeJS.ErrnoException): string {
  if (thrown.code === 'EACCES') return 'it is not executable';
  return thrown.code === 'ENOENT' ? 'the program that its first line names does not exist' : thrown.code ?? thrown.message;
}
