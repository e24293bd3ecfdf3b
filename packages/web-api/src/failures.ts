import { HsmfleetError } from '@hsmfleet/contract';
import { ApiError } from './api-error.ts';
import type { Failure } from './schemas/index.ts';

/** Whatever was thrown while answering, as what the asker is told. What is a defect, or tells of the server, is told in general words. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof HsmfleetError) return ofHsmfleetError(thrown);
  const status = statusOf(thrown);
  if (status === 413) return new ApiError('TOO_LARGE', 'the body of the request is too large');
  if (status === 415) return new ApiError('UNSUPPORTED_MEDIA_TYPE', 'the body has to be application/json');
  if (status >= 400 && status < 500) return new ApiError('INVALID', 'the request cannot be understood');
  return new ApiError('INTERNAL', 'the server made a mistake; its log says more');
}

/** The body of an answer about it. */
export function failureBody(error: ApiError): Failure {
  return {
    error: {
      code: error.code, message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.position === undefined ? {} : { position: error.position }),
      ...(error.excerpt === undefined ? {} : { excerpt: error.excerpt }),
    },
  };
}

function ofHsmfleetError(error: HsmfleetError): ApiError {
  switch (error.code) {
    case 'USAGE': return new ApiError('INVALID', error.message, { hint: error.hint, position: error.position, excerpt: error.excerpt });
    case 'TIMEOUT': return new ApiError('TIMEOUT', error.message, { hint: error.hint });
    case 'STORE': return new ApiError('STORE', 'the store cannot be read just now; the log of the server says more');
    default: return new ApiError('INTERNAL', 'the server made a mistake; its log says more');
  }
}

function statusOf(thrown: unknown): number {
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}
