import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import { SQLITE } from './dialect.ts';
import { explainQueryError } from './query-error.ts';
import { answerTooLarge, MAX_ANSWER, tookTooLong, type QueryLimits, type QueryResult } from './query.ts';
import { storeError } from './store-error.ts';
import { selectSql } from './view.ts';
import { VIEWS } from './views.ts';

/** What the query process is asked. */
export interface QueryRequest {
  path: string;
  sql: string;
  maxRows: number;
  /** Statements that put temporary views before those of the database. */
  shadows: string[];
  /** Names of the views, which is all that may be read. */
  views: string[];
}

/** What it answers on its standard output. */
export type QueryAnswer = ({ ok: true } & QueryResult) | { ok: false; sqlite: boolean; message: string };

/** Statements that make temporary views of the past, which come before those of the database. */
export function shadowViews(asOf: string): string[] {
  const context = { dialect: SQLITE, now: `'${asOf}'`, past: true };
  return VIEWS.map((view) => `create temp view ${view.name} as ${selectSql(view, context)}`);
}

/**
 * Runs one statement in a process of its own: SQLite inside a thread cannot be interrupted from JavaScript, a process
 * can. That process opens the file read-only, denies everything but reading, and has a bounded heap.
 */
export async function querySqlite(path: string, sql: string, { maxRows, timeoutMs, asOf }: QueryLimits): Promise<QueryResult> {
  const shadows = asOf === undefined ? [] : shadowViews(asOf);
  const answer = await ask({ path, sql, maxRows, shadows, views: VIEWS.map(({ name }) => name) }, timeoutMs);
  if (answer.ok) return { columns: answer.columns, rows: answer.rows, truncated: answer.truncated };
  throw answer.sqlite ? explainQueryError(answer.message, sql) : storeError('cannot read', path, answer.message);
}

function ask(request: QueryRequest, timeoutMs: number): Promise<QueryAnswer> {
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
      stop(tookTooLong(timeoutMs));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER) stop(answerTooLarge());
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
