import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/client.ts';
import type { Loaded } from '../api/use-data.ts';

/** Why there is nothing to see, in words, with a way to try again. */
export function ErrorNotice({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="notice fail" role="alert">
      <strong>{error.message}</strong>
      {error.hint !== undefined && <p>{error.hint}</p>}
      {retry !== undefined && <div><button type="button" onClick={retry}>Try again</button></div>}
    </div>
  );
}

/** Something is on its way. */
export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <p class="loading" role="status">
      <span class="busy-mark" aria-hidden="true" /> {what} …
    </p>
  );
}

/** The answer when it is there, else what is known about its absence. An older answer stays when a newer one fails. */
export function Answer<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {of.error !== undefined && <ErrorNotice error={of.error} retry={of.reload} />}
      {of.data !== undefined ? children(of.data) : of.loading && <Loading />}
    </>
  );
}

/** Nothing here, and why that is. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
