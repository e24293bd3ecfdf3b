import type { SessionAnswer } from '@hsmfleet/web-api/schemas';
import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { hrefOf } from '../routing/match-path.ts';
import { usePlace } from '../routing/router.tsx';
import { client, type ApiError } from './client.ts';
import { toApiError } from './use-data.ts';

/** Who reads this. */
export interface SessionState {
  /** Undefined: not known yet; null: nobody is logged in. */
  session: SessionAnswer | null | undefined;
  /** Why it could not be found out. */
  error: ApiError | undefined;
  /** @throws {ApiError} when the token is not accepted */
  logIn(token: string): Promise<void>;
  logOut(): Promise<void>;
}

const SessionContext = createContext<SessionState | undefined>(undefined);

/** Who reads this, and how to become somebody else. */
export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (state === undefined) throw new Error('a page is drawn outside of SessionProvider');
  return state;
}

/** Knows who is logged in; leads to the login and back when nobody is, or no longer. */
export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [session, setSession] = useState<SessionAnswer | null | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const { path, query, go } = usePlace();

  const accept = (answer: SessionAnswer | null): void => {
    client.csrf = answer?.csrf ?? undefined;
    setSession(answer);
  };
  useEffect(() => {
    client.get<SessionAnswer>('/session').then(accept, (caught: unknown) => {
      const problem = toApiError(caught);
      if (problem.status === 401) accept(null);
      else setError(problem);
    });
    client.onExpired = () => accept(null);
  }, []);
  useEffect(() => {
    if (session !== null || path === '/login') return;
    const to = query.size === 0 ? path : `${path}?${query.toString()}`;
    go(hrefOf('/login', {}, { to: to === '/' ? undefined : to }), true);
  }, [session, path]);

  const state: SessionState = {
    session,
    error,
    logIn: async (token) => accept(await client.send<SessionAnswer>('POST', '/session', { token })),
    async logOut() {
      await client.send('DELETE', '/session').catch((caught: unknown) => {
        // a session that is over already is what was wanted
        if (toApiError(caught).status !== 401) throw caught;
      });
      accept(null);
    },
  };
  return <SessionContext.Provider value={state}>{children}</SessionContext.Provider>;
}
