import { createContext, type ComponentChildren, type ComponentType } from 'preact';
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { matchPath, type PathParameters } from './match-path.ts';

/** Where the reader is, and how to go elsewhere. */
export interface Place {
  path: string;
  query: URLSearchParams;
  /** @param replace the address is put right, and "back" does not stop there */
  go(href: string, replace?: boolean): void;
}

const PlaceContext = createContext<Place | undefined>(undefined);

/** Where the reader is. */
export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (place === undefined) throw new Error('a page is drawn outside of PlaceProvider');
  return place;
}

/** A parameter of the address that a page keeps a filter in: reloading and "back" keep it. */
export function useQueryParameter(name: string): [string, (value: string) => void] {
  const { path, query, go } = usePlace();
  const set = (value: string): void => {
    const next = new URLSearchParams(query);
    if (value === '') next.delete(name);
    else next.set(name, value);
    go(next.size === 0 ? path : `${path}?${next.toString()}`, true);
  };
  return [query.get(name) ?? '', set];
}

/** Follows the address; plain links inside of it lead to pages without a new load. */
export function PlaceProvider({ children }: { children: ComponentChildren }) {
  const [address, setAddress] = useState(() => location.pathname + location.search);
  useEffect(() => {
    const onBack = (): void => setAddress(location.pathname + location.search);
    addEventListener('popstate', onBack);
    return () => removeEventListener('popstate', onBack);
  }, []);
  const place = useMemo<Place>(() => {
    const url = new URL(address, location.origin);
    return {
      path: url.pathname,
      query: url.searchParams,
      go(href, replace = false) {
        if (replace) history.replaceState(null, '', href);
        else history.pushState(null, '', href);
        setAddress(location.pathname + location.search);
      },
    };
  }, [address]);
  useEffect(() => {
    const onClick = (event: MouseEvent): void => {
      const href = pageOf(event);
      if (href === undefined) return;
      event.preventDefault();
      place.go(href);
      scrollTo(0, 0);
    };
    addEventListener('click', onClick);
    return () => removeEventListener('click', onClick);
  }, [place]);
  return <PlaceContext.Provider value={place}>{children}</PlaceContext.Provider>;
}

/** The page that a click leads to; undefined when the browser shall do what it does with links. */
function pageOf(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return undefined;
  const link = event.composedPath().find((element): element is HTMLAnchorElement => element instanceof HTMLAnchorElement);
  if (link === undefined || link.origin !== location.origin || link.hasAttribute('download') || (link.target !== '' && link.target !== '_self')) return undefined;
  if (link.getAttribute('href')?.startsWith('#') === true || link.pathname.startsWith('/api/')) return undefined;
  return link.pathname + link.search;
}

/** A page and its addresses. */
export interface Route {
  pattern: string;
  page: ComponentType<{ parameters: PathParameters }>;
}

/** Draws the page of the address; after a change of page the heading has the focus, so that screen readers begin there. */
export function Pages({ routes, otherwise: Otherwise }: { routes: readonly Route[]; otherwise: ComponentType }) {
  const { path } = usePlace();
  const before = useRef(path);
  useLayoutEffect(() => {
    if (before.current === path) return;
    before.current = path;
    document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }, [path]);
  for (const { pattern, page: Page } of routes) {
    const parameters = matchPath(pattern, path);
    // the key makes a page of another host a new page: nothing of the host before is left on it
    if (parameters !== undefined) return <Page key={path} parameters={parameters} />;
  }
  return <Otherwise />;
}
