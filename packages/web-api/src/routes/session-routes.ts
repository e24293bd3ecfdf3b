import { ApiError } from '../api-error.ts';
import { declareRoute, type Route } from '../route.ts';
import { LoginRequest, SessionAnswer } from '../schemas/index.ts';

/** Logging in and out. */
export const SESSION_ROUTES: readonly Route[] = [
  declareRoute({
    method: 'POST', path: '/session', access: 'public', summary: 'log in with a token; sets a cookie',
    body: LoginRequest, answer: SessionAnswer,
    handle: ({ guard }, { raw, reply, body }) => guard.login(raw, reply, body.token, body.user),
  }),
  declareRoute({
    method: 'GET', path: '/session', access: 'viewer', summary: 'who is logged in',
    answer: SessionAnswer,
    handle: ({ guard }, { identity }) => {
      if (identity === undefined) throw new ApiError('UNAUTHENTICATED', 'this takes a login');
      return Promise.resolve(guard.describe(identity));
    },
  }),
  declareRoute({
    method: 'DELETE', path: '/session', access: 'viewer', summary: 'log out',
    answer: null,
    handle: ({ guard }, { raw, reply }) => {
      guard.logout(raw, reply);
      return Promise.resolve(null);
    },
  }),
];
