import { createToken, createWebServer, type UserDirectory, type UserRecord, type WebServer, type WebServerOptions } from '../index.ts';
import { madeUpData, madeUpSchedules } from '../testdata/made-up-data.ts';

/** A server that listens, with a token of each role. */
export interface TestServer {
  server: WebServer;
  url: string;
  tokens: { viewer: string; operator: string };
  /** Users as they are; changes are in force at once. */
  users: Map<string, UserRecord>;
  /** A request with a bearer token, if one is given. */
  ask(path: string, options?: { token?: string; method?: string; body?: unknown; headers?: Record<string, string> }): Promise<Response>;
  /** Opens a session. */
  login(token: string): Promise<{ cookie: string; csrf: string; response: Response }>;
}

/** Starts a server on loopback over made-up data; whatever is given replaces that. */
export async function startTestServer(options: Partial<WebServerOptions> = {}): Promise<TestServer> {
  const [viewer, operator] = [await createToken('vera'), await createToken('otto')];
  const users = new Map<string, UserRecord>([
    ['vera', { name: 'vera', role: 'viewer', token: viewer.hash }],
    ['otto', { name: 'otto', role: 'operator', token: operator.hash }],
  ]);
  const directory: UserDirectory = { find: (name) => Promise.resolve(users.get(name)), count: () => Promise.resolve(users.size) };
  const server = await createWebServer({
    data: madeUpData(30), schedules: madeUpSchedules(), version: '0.1.0', users: directory, listen: { host: '127.0.0.1', port: 0 }, ...options,
  });
  const { url } = await server.listen();
  const ask: TestServer['ask'] = (path, { token, method = 'GET', body, headers = {} } = {}) => fetch(url + path, {
    method, redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    server, url, tokens: { viewer: viewer.token, operator: operator.token }, users, ask,
    async login(token) {
      const response = await ask('/api/v1/session', { method: 'POST', body: { token } });
      const { csrf } = (await response.clone().json()) as { csrf: string };
      return { cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '', csrf, response };
    },
  };
}

