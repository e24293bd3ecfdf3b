import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import { explainQueryError } from './query-error.ts';
import { storeError } from './open-database.ts';

export interface QueryOptions {
  /** Rows at most, 10 000 by default; more set {@link QueryResult.truncated}. */
  maxRows?: number | undefined;
  /** Milliseconds, 10 000 by default. */
  timeoutMs?: number | undefined;
}

/** A cell of an answer. Integers beyond 2^53 and blobs (hex) come as text. */
export type QueryCell = string | number | null;

export interface QueryResult {
  columns: string[];
  rows: QueryCell[][];
  /** There were more rows than asked for. */
  truncated: boolean;
}

/** What the query process answers on its standard output. */
export type QueryAnswer = ({ ok: true } & QueryResult) | { ok: false; sqlite: boolean; message: string };

/** Bytes of an answer at most. */
const MAX_ANSWER = 256 * 1024 * 1024;

/**
 * Runs one statement in a process of its own: SQLite inside a thread cannot be interrupted from JavaScript, a process
 * can. That process opens the file read-only, denies everything but reading, and has a bounded heap.
 */
export async function runQuery(path: string, sql: string, options: QueryOptions = {}): Promise<QueryResult> {
  const { maxRows = 10_000, timeoutMs = 10_000 } = options;
  const answer = await ask({ path, sql, maxRows }, timeoutMs);
  if (answer.ok) return { columns: answer.columns, rows: answer.rows, truncated: answer.truncated };
  throw answer.sqlite ? explainQueryError(answer.message, sql) : storeError('cannot read', path, answer.message);
}

function ask(request: { path: string; sql: string; maxRows: number }, timeoutMs: number): Promise<QueryAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [queryProcess()], { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    let problem: HsmfleetError | undefined;
    const stop = (error: HsmfleetError): void => {
      problem ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      stop(new HsmfleetError('TIMEOUT', `the query did not end within ${String(timeoutMs / 1_000)} s`, {
        hint: 'narrow it down with a where clause, or allow it more time',
      }));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER) stop(new HsmfleetError('USAGE', 'the answer of the query is too large', { hint: 'select fewer columns or rows' }));
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => { stderr = (stderr + chunk.toString()).slice(-2_000); });
    child.on('error', (error) => { stop(new HsmfleetError('STORE', `the query process cannot be started: ${error.message}`)); });
    // the child may end before it has read everything; its exit tells why
    child.stdin.on('error', () => undefined);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (problem !== undefined) reject(problem);
      else if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as QueryAnswer);
      else reject(new HsmfleetError('STORE', `the query process ended with code ${String(code)}: ${stderr.trim()}`));
    });
    child.stdin.end(JSON.stringify(request));
  });
}

/** The process's file lies next to this one, as source or, bundled under the same name, as a built module. */
function queryProcess(): string {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs';
  return fileURLToPath(new URL(`./query-process.${suffix}`, import.meta.url));
}
