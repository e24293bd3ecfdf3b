/** Names in a pattern, with what the path has in their places. */
export type PathParameters = Record<string, string>;

/**
 * Compares a path with a pattern such as `/hosts/:host`: a segment that begins with a colon takes any one segment.
 * Undefined when they differ, or when the path is not well encoded.
 */
export function matchPath(pattern: string, path: string): PathParameters | undefined {
  const wanted = segments(pattern);
  const given = segments(path);
  if (wanted.length !== given.length) return undefined;
  const parameters: PathParameters = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] as string;
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined;
      continue;
    }
    try {
      parameters[segment.slice(1)] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return parameters;
}

function segments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** A path with its parameters put in and encoded: `hrefOf('/hosts/:host', {host: 'a b'})` is `/hosts/a%20b`. */
export function hrefOf(pattern: string, parameters: PathParameters = {}, query: Record<string, string | undefined> = {}): string {
  const path = pattern.replace(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(parameters[name] ?? ''));
  const search = new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

/** Where to go after a login: a path of this application, whatever the address asks for. */
export function safeReturn(to: string | null | undefined): string {
  return to !== null && to !== undefined && /^\/(?![/\\])/.test(to) && !to.startsWith('/login') ? to : '/';
}
