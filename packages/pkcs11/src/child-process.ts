import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type { ChildAnswer, ChildLine, ChildRequest } from './protocol.ts';

/** Milliseconds for one look or login when the target does not say. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Answers are bounded: what a library makes a child say must not fill the agent's memory. */
const MAX_ANSWER = 32 * 1024 * 1024;
const MAX_STDERR = 4096;
/** Milliseconds for what an ended child wrote to arrive. */
const DRAIN_MS = 500;

/** What became of a child: its answer, or why there is none, and the call it was in. */
export type ChildOutcome =
  | { kind: 'answer'; answer: ChildAnswer }
  | { kind: 'timeout'; call: string; timeoutMs: number }
  | { kind: 'died'; call: string; signal: string | null; code: number | null; stderr: string };

/**
 * Runs one request in a child process of its own, killed at the deadline.
 * @param argv program and arguments that end in {@link runPkcs11Child}
 * @throws HsmfleetError AGENT when the child cannot be started
 */
export function runInChild(argv: readonly string[], request: ChildRequest, target: ModuleTarget): Promise<ChildOutcome> {
  const timeoutMs = target.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      // a group of its own, so that the deadline also ends what a library started (p11-kit remotes, say)
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      // nothing is inherited: what the library needs is in the target, and no secret of ours leaks into it
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root', ...target.env },
    });
    let call = 'starting';
    let answer: ChildAnswer | undefined;
    let timedOut = false;
    let stderr = '';
    const deadline = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, timeoutMs);
    readLines(child.stdio[3] as Readable, (line) => {
      if ('call' in line) call = line.call;
      else answer = line.answer;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR);
    });
    child.on('error', (cause) => {
      clearTimeout(deadline);
      reject(new HsmfleetError('AGENT', `the PKCS#11 child process ${argv[0] ?? ''} cannot be started: ${cause.message}`, { cause }));
    });
    child.on('exit', () => {
      // a program that the library started for good may hold the pipes open: what is in them is read, then they are let go
      setTimeout(() => { for (const pipe of child.stdio) pipe?.destroy(); }, DRAIN_MS);
    });
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      if (answer !== undefined) resolve({ kind: 'answer', answer });
      else if (timedOut) resolve({ kind: 'timeout', call, timeoutMs });
      else resolve({ kind: 'died', call, signal, code, stderr });
    });
    // a child that died before it read its request is told by its exit, not by this pipe
    child.stdin?.on('error', () => undefined).end(JSON.stringify(request));
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended in this very moment
  }
}

/** Cuts the stream into lines and parses them; what does not parse, or is too long, is dropped: no answer then. */
function readLines(stream: Readable, take: (line: ChildLine) => void): void {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_ANSWER) text = '';
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      try {
        take(JSON.parse(line) as ChildLine);
      } catch {
        // half a line of a child that was killed while it wrote
      }
    }
  });
}
