import { HsmfleetError } from '@hsmfleet/contract';

export interface QueryOptions {
  /** Rows at most, 10 000 by default; more set {@link QueryResult.truncated}. */
  maxRows?: number | undefined;
  /** Milliseconds, 10 000 by default. */
  timeoutMs?: number | undefined;
  /** Answer as it was then: ISO 8601, a date (its end, UTC) or a time with its offset. */
  asOf?: string | undefined;
}

/** What holds for one query. */
export interface QueryLimits {
  maxRows: number;
  timeoutMs: number;
  /** An instant as stored times are written; the present when undefined. */
  asOf: string | undefined;
}

/** A cell of an answer. Integers beyond 2^53 and blobs (hex) come as text. */
export type QueryCell = string | number | null;

export interface QueryResult {
  columns: string[];
  rows: QueryCell[][];
  /** There were more rows than asked for. */
  truncated: boolean;
}

/** Bytes of an answer at most. */
export const MAX_ANSWER = 256 * 1024 * 1024;

/** @internal */
export function tookTooLong(timeoutMs: number): HsmfleetError {
  return new HsmfleetError('TIMEOUT', `the query did not end within ${String(timeoutMs / 1_000)} s`, {
    hint: 'narrow it down with a where clause, or allow it more time',
  });
}

/** @internal */
export function answerTooLarge(): HsmfleetError {
  return new HsmfleetError('USAGE', 'the answer of the query is too large', { hint: 'select fewer columns or rows' });
}
