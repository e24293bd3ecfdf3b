import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HsmfleetError } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type { Failure } from '../failure.ts';
import type { StationAnswers, StationFailure, StationLine, StationRequest } from './protocol.ts';

/** Milliseconds for one request when neither the target nor the request says. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Milliseconds for logging out and ending; then the child is killed. */
const END_TIMEOUT_MS = 5_000;
/** Answers are bounded: what a library makes a child say must not fill this program's memory. */
const MAX_LINE = 32 * 1024 * 1024;
const MAX_STDERR = 4096;

/** What came of a request: its answer, or why there is none. */
export type StationOutcome<T> = { kind: 'answer'; answer: T } | Failure & Partial<Pick<StationFailure, 'leftover'>>;

/** One station child: requests one after another, each with a deadline at which the child is killed. */
export class StationChannel {
  readonly #target: ModuleTarget;
  readonly #child: ChildProcess;
  #queue: Promise<unknown> = Promise.resolve();
  #call = 'starting';
  #stderr = '';
  #ended: Failure | undefined;
  #settle: ((outcome: StationOutcome<unknown>) => void) | undefined;

  /** @param argv program and arguments; the library's path is put after them */
  constructor(argv: readonly string[], target: ModuleTarget) {
    this.#target = target;
    this.#child = spawn(argv[0] ?? '', [...argv.slice(1), target.path], {
      // a group of its own: Ctrl-C must not end it in the middle of a call, and the deadline also ends what a library started
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      // signing rates are measured with up to eight calls at the same time, each in a thread
      env: { UV_THREADPOOL_SIZE: '8', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...target.env },
    });
    readLines(this.#child.stdio[3] as Readable, (line) => { this.#take(line); });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr = (this.#stderr + text).slice(-MAX_STDERR); });
    // a child that is gone is told by its exit, not by this pipe
    this.#child.stdin?.on('error', () => undefined);
    this.#child.on('error', (cause) => {
      this.#end({ kind: 'failed', call: 'starting', message: `the PKCS#11 child process ${argv[0] ?? ''} cannot be started: ${cause.message}` });
    });
    this.#child.on('exit', (code, signal) => {
      // what it wrote before may still be on its way
      setTimeout(() => {
        for (const pipe of this.#child.stdio) pipe?.destroy();
        this.#end({ kind: 'died', call: this.#call, code, signal, stderr: this.#stderr });
      }, 50);
    });
  }

  /**
   * Asks the child one thing. Never throws for what the module does: the outcome says so.
   * @param timeoutMs deadline for this request
   */
  ask<R extends StationRequest>(request: R, timeoutMs = this.#target.timeoutMs ?? DEFAULT_TIMEOUT_MS): Promise<StationOutcome<StationAnswers[R['op']]>> {
    const answer = this.#queue.then(() => this.#askNow(request, timeoutMs));
    this.#queue = answer;
    return answer as Promise<StationOutcome<StationAnswers[R['op']]>>;
  }

  /** Logs out where it logged in, and ends the child. */
  async close(): Promise<void> {
    if (this.#ended === undefined) await this.ask({ op: 'end' }, END_TIMEOUT_MS);
    this.#kill();
  }

  #askNow(request: StationRequest, timeoutMs: number): Promise<StationOutcome<unknown>> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    this.#call = 'starting';
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        this.#end({ kind: 'timeout', call: this.#call, timeoutMs });
        this.#kill();
      }, timeoutMs);
      this.#settle = (outcome) => {
        clearTimeout(deadline);
        this.#settle = undefined;
        resolve(outcome);
      };
      (this.#child.stdin as Writable).write(`${JSON.stringify(request)}\n`);
    });
  }

  #take(line: StationLine): void {
    if ('call' in line) this.#call = line.call;
    else if ('answer' in line) this.#settle?.({ kind: 'answer', answer: line.answer });
    else this.#settle?.({ kind: 'failed', ...line.failed });
  }

  #end(failure: Failure): void {
    this.#ended ??= failure;
    this.#settle?.(this.#ended);
  }

  #kill(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // it ended in this very moment
    }
  }
}

/** @throws HsmfleetError USAGE when the path is not absolute */
export function checkModulePath(path: string): void {
  if (!path.startsWith('/')) throw new HsmfleetError('USAGE', `a PKCS#11 module is named by its absolute path, not "${path}"`);
}

function readLines(stream: Readable, take: (line: StationLine) => void): void {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_LINE) text = '';
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      try {
        take(JSON.parse(line) as StationLine);
      } catch {
        // half a line of a child that was killed while it wrote
      }
    }
  }).on('error', () => undefined);
}
