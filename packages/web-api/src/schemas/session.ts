import { Type, type Static } from '@sinclair/typebox';
import { literals, nullable, strict, time } from './shape.ts';

/** What a user may do. An operator may do all that a viewer may, and start schedules. */
export const Role = literals('viewer', 'operator');
export type Role = Static<typeof Role>;

/** A login. */
export const LoginRequest = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 300, description: 'as it was printed when it was made' }),
    user: Type.Optional(Type.String({ maxLength: 100, description: 'a token names its user; when this is given it has to be the same' })),
  },
  strict,
);
export type LoginRequest = Static<typeof LoginRequest>;

/** Who is logged in. */
export const SessionAnswer = Type.Object(
  {
    user: Type.String(),
    role: Role,
    csrf: nullable(Type.String({ description: 'send it as header X-CSRF-Token with every request but GET; null with a bearer token, which needs none' })),
    expiresAt: nullable(time('when the session ends, used or not; null with a bearer token')),
    idleSeconds: nullable(Type.Integer({ description: 'the session ends as well after this time without a request; null with a bearer token' })),
  },
  strict,
);
export type SessionAnswer = Static<typeof SessionAnswer>;
