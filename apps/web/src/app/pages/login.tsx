import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/client.ts';
import { useSession } from '../api/session.tsx';
import { toApiError } from '../api/use-data.ts';
import { safeReturn } from '../routing/match-path.ts';
import { usePlace } from '../routing/router.tsx';
import { ErrorNotice } from '../ui/notice.tsx';

/** Takes a token and leads to where the reader wanted to go. */
export function LoginPage() {
  const { session, logIn } = useSession();
  const { query, go } = usePlace();
  const [token, setToken] = useState('');
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const to = safeReturn(query.get('to'));

  useEffect(() => {
    document.title = 'Sign in – hsmfleet';
    field.current?.focus();
  }, []);
  useEffect(() => {
    if (session !== null && session !== undefined) go(to, true);
  }, [session]);

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    logIn(token.trim())
      .catch((caught: unknown) => {
        setError(toApiError(caught));
        field.current?.select();
      })
      .finally(() => setBusy(false));
  };
  return (
    <div class="login">
      <main class="card">
        <h1 class="brand"><img src="/favicon.svg" alt="" width="24" height="24" />hsmfleet</h1>
        {query.has('to') && error === undefined && <p class="soft">Sign in to go on: nobody is signed in here, or the session is over.</p>}
        <form onSubmit={submit}>
          <div class="field">
            <label for="token">Token</label>
            <input id="token" ref={field} type="password" autocomplete="current-password" spellcheck={false} required value={token} onInput={(event) => setToken(event.currentTarget.value)} aria-describedby="token-help" />
            <p id="token-help" class="soft small">It was shown once, when it was made on the control host.</p>
          </div>
          {error !== undefined && <ErrorNotice error={error} />}
          <button class="primary" disabled={busy || token.trim() === ''}>{busy ? 'Signing in …' : 'Sign in'}</button>
        </form>
      </main>
    </div>
  );
}
