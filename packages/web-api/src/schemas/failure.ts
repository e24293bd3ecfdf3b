import { SourcePosition } from '@hsmfleet/contract/schemas';
import { Type, type Static } from '@sinclair/typebox';
import { literals, strict } from './shape.ts';

/** Why a request was not answered. Stable: scripts branch on it, never on the text. */
export const FailureCode = literals(
  'INVALID', 'UNAUTHENTICATED', 'FORBIDDEN', 'CSRF', 'HOST_NOT_ALLOWED', 'NOT_FOUND', 'METHOD_NOT_ALLOWED', 'CONFLICT', 'TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE', 'RATE_LIMITED', 'BUSY', 'TIMEOUT', 'STORE', 'INTERNAL',
);
export type FailureCode = Static<typeof FailureCode>;

/** The body of every answer that is not a success. */
export const Failure = Type.Object(
  {
    error: Type.Object(
      {
        code: FailureCode,
        message: Type.String({ description: 'what is wrong, lower case, no full stop; never a stack trace or a path of the server' }),
        hint: Type.Optional(Type.String({ description: 'what to do next' })),
        position: Type.Optional(SourcePosition),
        excerpt: Type.Optional(Type.String({ description: 'the line that `position` points at' })),
      },
      strict,
    ),
  },
  strict,
);
export type Failure = Static<typeof Failure>;
