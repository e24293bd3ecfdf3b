import type { SourcePosition } from '@hsmfleet/contract';
import type { FailureCode } from './schemas/index.ts';

/** The status of each failure. */
const STATUS: Record<FailureCode, number> = {
  INVALID: 400, UNAUTHENTICATED: 401, FORBIDDEN: 403, CSRF: 403, HOST_NOT_ALLOWED: 421, NOT_FOUND: 404, METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409, TOO_LARGE: 413, UNSUPPORTED_MEDIA_TYPE: 415, RATE_LIMITED: 429, BUSY: 503, TIMEOUT: 504, STORE: 503, INTERNAL: 500,
};

/** A request that is not answered; everything in it is for the eyes of whoever asked. */
export class ApiError extends Error {
  readonly code: FailureCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly position: SourcePosition | undefined;
  readonly excerpt: string | undefined;
  /** Response headers that belong to it, such as Retry-After. */
  readonly headers: Record<string, string>;

  constructor(
    code: FailureCode,
    message: string,
    more: { hint?: string | undefined; position?: SourcePosition | undefined; excerpt?: string | undefined; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = STATUS[code];
    this.hint = more.hint;
    this.position = more.position;
    this.excerpt = more.excerpt;
    this.headers = more.headers ?? {};
  }
}
