import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from './client.ts';
import { client } from './client.ts';
import { toApiError } from './use-data.ts';

/** A part of a longer list, as the API answers. */
export interface PageAnswer<T> {
  items: T[];
  total: number;
  next: string | null;
}

/** A list as far as it was asked for. */
export interface LoadedList<T> {
  data: PageAnswer<T> | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload(): void;
  /** Asks for the part that follows; nothing when there is none. */
  more(): void;
}

/**
 * Asks for the first part of a list, again whenever the path changes, and for further parts when it is told to.
 * @param pick finds the list in an answer that has more than it; always the same function
 */
export function useList<T>(path: string, pick: (answer: unknown) => PageAnswer<T> = asItIs): LoadedList<T> {
  const [state, setState] = useState<{ data?: PageAnswer<T>; error?: ApiError; loading: boolean }>({ loading: true });
  const [round, setRound] = useState(0);
  const abort = useRef<AbortController | undefined>(undefined);

  const ask = useCallback((after: string | undefined, before: readonly T[]): void => {
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    setState((known) => ({ ...known, loading: true }));
    const address = after === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}`;
    client.get<unknown>(address, mine.signal).then(pick).then(
      (answer) => setState({ data: { ...answer, items: [...before, ...answer.items] }, loading: false }),
      (caught: unknown) => {
        if (!mine.signal.aborted) setState((known) => ({ ...known, error: toApiError(caught), loading: false }));
      },
    );
  }, [path]);
  useEffect(() => {
    ask(undefined, []);
    return () => abort.current?.abort();
  }, [path, round]);

  return {
    ...{ data: state.data, error: state.error, loading: state.loading },
    reload: () => setRound((before) => before + 1),
    more() {
      const { data } = state;
      if (data !== undefined && data.next !== null) ask(data.next, data.items);
    },
  };
}

function asItIs<T>(answer: unknown): PageAnswer<T> {
  return answer as PageAnswer<T>;
}

/** How much of a list is here, and a button for more of it. */
export function MoreOf<T>({ list, noun }: { list: LoadedList<T>; noun: string }) {
  if (list.data === undefined || list.data.next === null) return null;
  return (
    <>
      {`(${String(list.data.items.length)} of ${String(list.data.total)} ${noun} are here)`}{' '}
      <button type="button" class="link" disabled={list.loading} onClick={list.more}>{list.loading ? 'Loading …' : 'Load more'}</button>
    </>
  );
}
