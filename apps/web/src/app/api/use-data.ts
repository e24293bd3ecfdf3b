import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError, client } from './client.ts';

/** What a page knows of an answer that it asked for. */
export interface Loaded<T> {
  /** The newest answer; stays while a newer one is on its way. */
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  /** Asks again. */
  reload(): void;
}

/**
 * Asks the API for a path, again whenever the path changes and, with `everySeconds`, from time to time while the page is seen.
 * A request whose answer nobody waits for any more is called off. Undefined asks nothing.
 */
export function useData<T>(path: string | undefined, everySeconds?: number): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: ApiError; loading: boolean }>({ loading: path !== undefined });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    client.get<T>(path, abort.signal).then(
      (data) => setState({ data, loading: false }),
      (error: unknown) => {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error: toApiError(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [path, round]);
  useEffect(() => {
    if (everySeconds === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setRound((before) => before + 1);
    }, everySeconds * 1000);
    return () => clearInterval(timer);
  }, [everySeconds]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}

/** Whatever was thrown, with words for the reader. */
export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(error instanceof Error ? error.message : String(error), 0);
}
