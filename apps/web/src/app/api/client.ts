/** Base of every address of the API. */
export const API = '/api/v1';

/** What went wrong with a request, in words for the reader. */
export class ApiError extends Error {
  override name = 'ApiError';
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** What to do next, when the server knows. */
  readonly hint: string | undefined;

  constructor(message: string, status: number, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** The body of an error, as the server writes it. */
interface ErrorBody {
  error?: { message?: unknown; hint?: unknown };
}

/** Sends a request to the API; the session's cookie goes along by itself. */
export interface Client {
  /** @throws {ApiError} when there is no answer or a bad one; an expired session is told to the page as well */
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** With a body of JSON and the session's proof against forged requests. */
  send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T>;
  /** The same, for an answer that is a file. */
  download(path: string, body: unknown, type: string): Promise<Blob>;
  /** What proves that requests come from this page; known after a login. */
  csrf: string | undefined;
  /** Called when the server no longer knows the session. */
  onExpired: (() => void) | undefined;
}

/** @param fetchFn the browser's own, unless a test has another */
export function createClient(fetchFn: typeof fetch = (...request) => fetch(...request)): Client {
  const client: Client = {
    csrf: undefined,
    onExpired: undefined,
    get: async <T>(path: string, signal?: AbortSignal) => (await ask('GET', path, { signal })).json() as Promise<T>,
    async send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal) {
      const response = await ask(method, path, { body, signal });
      return (response.status === 204 ? undefined : await response.json()) as T;
    },
    download: async (path, body, type) => (await ask('POST', path, { body, accept: type })).blob(),
  };

  async function ask(method: string, path: string, options: { body?: unknown; signal?: AbortSignal | undefined; accept?: string }): Promise<Response> {
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (method !== 'GET' && client.csrf !== undefined) headers['x-csrf-token'] = client.csrf;
    let response: Response;
    try {
      response = await fetchFn(`${API}${path}`, {
        method, headers, credentials: 'same-origin', cache: 'no-store',
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new ApiError('the server does not answer', 0, 'is `hsmfleet serve` running? The page tries again when you ask it to');
    }
    if (response.ok) return response;
    if (response.status === 401 && path !== '/session') client.onExpired?.();
    throw await readError(response);
  }

  return client;
}

/** An error of the server in its own words; one from elsewhere, such as a proxy, by its status. */
async function readError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const { message, hint } = body.error ?? {};
  if (typeof message === 'string') return new ApiError(message, response.status, typeof hint === 'string' ? hint : undefined);
  return new ApiError(`the server answered with status ${String(response.status)}`, response.status);
}

/** The one client of this page. */
export const client = createClient();
