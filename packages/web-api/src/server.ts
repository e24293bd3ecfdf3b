import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { HsmfleetError } from '@hsmfleet/contract';
import { answerElsewhere } from './answer-elsewhere.ts';
import { ApiError } from './api-error.ts';
import { Attempts, ATTEMPT_LIMITS, type AttemptLimits } from './auth/attempts.ts';
import { Guard, type Access, type Identity } from './auth/guard.ts';
import { assertSafeToListen, Origins } from './auth/origins.ts';
import { SESSION_LIMITS, Sessions, type SessionLimits } from './auth/sessions.ts';
import { TokenCheck } from './auth/token-check.ts';
import type { UserDirectory } from './auth/users.ts';
import type { DashboardData, ScheduleControl } from './data-port.ts';
import { failureBody, toApiError } from './failures.ts';
import { CONNECTION_LIMITS, createBoundedServer, refuseConnection, type ConnectionLimits, type TlsFiles } from './http-server.ts';
import { inputCheckOf } from './input-check.ts';
import { API_PREFIX, openApiDocument } from './openapi.ts';
import { QuerySlots } from './query-slots.ts';
import type { Route, RouteContext } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { FEED_LIMITS, RunFeed, type FeedLimits } from './run-feed.ts';
import { securityHeaders } from './security-headers.ts';
import { serializerOf } from './serialize.ts';
import { StaticFiles } from './static-files.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whom the route serves; a route without it cannot be registered. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks, once the guard let them in. */
    identity: Identity | undefined;
  }
}

/** Bytes of a body at most. */
const BODY_LIMIT = 64 * 1024;

/** What the server logs. Never a token, a cookie or a body. */
export interface LogEntry {
  level: 'info' | 'warn' | 'error';
  message: string;
}

/** What a server is made of. */
export interface WebServerOptions {
  data: DashboardData;
  schedules: ScheduleControl;
  users: UserDirectory;
  /** Of hsmfleet. */
  version: string;
  /** Port 0 takes any that is free. Beyond this machine it takes {@link tls}. */
  listen: { host: string; port: number };
  tls?: TlsFiles | undefined;
  /** Further origins under which browsers reach the server, such as that of a proxy: https://fleet.example.org */
  origins?: readonly string[] | undefined;
  /** Folder with the build of the dashboard. Without it only the API is there. */
  web?: string | undefined;
  /** Text for Prometheus, served at /metrics to viewers. */
  metrics?: (() => Promise<{ type: string; text: string }>) | undefined;
  log?: ((entry: LogEntry) => void) | undefined;
  /** For tests, and for special needs. */
  limits?: { sessions?: Partial<SessionLimits>; attempts?: Partial<AttemptLimits>; feed?: Partial<FeedLimits>; connections?: Partial<ConnectionLimits> } | undefined;
  now?: (() => number) | undefined;
}

/** A server that can be started. */
export interface WebServer {
  /** Starts to listen. Answers the address for browsers. @throws HsmfleetError USAGE when the port is taken or the address is not here */
  listen(): Promise<{ url: string }>;
  /** Ends event streams, finishes what is being answered, and stops. */
  close(): Promise<void>;
  /** Every route with whom it serves, as registered. */
  readonly routes: readonly { method: string; url: string; access: Access }[];
}

/**
 * Makes the server of dashboard, API and metrics.
 * @throws HsmfleetError USAGE when it would not be safe (beyond loopback without TLS, or nobody could log in), FILE_MISSING for {@link WebServerOptions.web}
 */
export async function createWebServer(options: WebServerOptions): Promise<WebServer> {
  const { limits = {}, now = Date.now, tls, listen, users } = options;
  assertSafeToListen(listen.host, tls !== undefined);
  if ((await users.count()) === 0) {
    throw new HsmfleetError('USAGE', 'nobody could log in: there are no users', { hint: 'make one: hsmfleet serve-token NAME --role operator' });
  }
  const files = options.web === undefined ? undefined : await StaticFiles.load(options.web);
  const sessionLimits = { ...SESSION_LIMITS, ...limits.sessions };
  // the port is known for sure only once the server listens
  let origins = new Origins(listen, tls?.cert, options.origins ?? []);
  const tokens = new TokenCheck(users, new Attempts({ ...ATTEMPT_LIMITS, ...limits.attempts }, now), now, (address) => {
    options.log?.({ level: 'warn', message: `a wrong token from ${address}` });
  });
  const guard = new Guard({ users, tokens, sessions: new Sessions(sessionLimits, now), limits: sessionLimits, origins: () => origins, now });
  const feed = new RunFeed(options.data, { ...FEED_LIMITS, ...limits.feed }, (identity) => guard.stillIn(identity));
  const context: RouteContext = { data: options.data, schedules: options.schedules, guard, feed, slots: new QuerySlots() };

  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 400 },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => createBoundedServer(handler, tls, { ...CONNECTION_LIMITS, ...limits.connections }),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => { sendFailure(error, reply as FastifyReply); },
  });
  const registered: { method: string; url: string; access: Access }[] = [];

  function sendFailure(thrown: unknown, reply: FastifyReply): void {
    const error = toApiError(thrown);
    if (error.status >= 500) options.log?.({ level: 'error', message: describeDefect(thrown) });
    void reply.headers({ ...securityHeaders(tls !== undefined), ...error.headers }).code(error.status)
      .type('application/json; charset=utf-8').send(JSON.stringify(failureBody(error)));
  }

  readJsonOnly(app);
  app.decorateRequest('identity', undefined);
  app.addHook('onRoute', ({ method, url, config }) => {
    const access = config?.access;
    if (access === undefined) throw new Error(`the route ${String(method)} ${url} does not say whom it serves`);
    for (const name of [method].flat()) registered.push({ method: name, url, access });
  });
  app.addHook('onRequest', async (request, reply) => {
    const origin = guard.originOf(request);
    reply.headers(securityHeaders(origin.startsWith('https:')));
    // what is no route is answered as such, to everybody
    request.identity = await guard.admit(request, request.is404 ? 'public' : (request.routeOptions.config.access ?? 'operator'));
  });
  app.setErrorHandler((error, _request, reply) => { sendFailure(error, reply); });
  app.setNotFoundHandler((request, reply) => answerElsewhere(request, reply, files));

  for (const route of ROUTES) app.route({ method: route.method, url: API_PREFIX + route.path, config: { access: route.access }, handler: handlerOf(route, context, options) });
  const document = JSON.stringify(openApiDocument(options.version));
  app.get(`${API_PREFIX}/openapi.json`, { config: { access: 'public' } }, (_request, reply) => reply.type('application/json; charset=utf-8').send(document));
  app.get('/healthz', { config: { access: 'public' } }, (_request, reply) => reply.type('application/json; charset=utf-8').send('{"ok":true}'));
  const { metrics } = options;
  if (metrics !== undefined) {
    app.get('/metrics', { config: { access: 'viewer' } }, async (_request, reply) => {
      const { type, text } = await metrics();
      return reply.type(type).send(text);
    });
  }
  await app.ready();

  return {
    routes: registered,
    async listen() {
      try {
        await app.listen({ host: listen.host, port: listen.port });
      } catch (cause) {
        throw new HsmfleetError('USAGE', `cannot listen on ${listen.host}, port ${String(listen.port)}: ${(cause as Error).message}`, { cause });
      }
      const { port } = app.server.address() as AddressInfo;
      origins = new Origins({ host: listen.host, port }, tls?.cert, options.origins ?? []);
      return { url: origins.main };
    },
    async close() {
      feed.close();
      await app.close();
    },
  };
}

/** Bodies are JSON and nothing else; none at all is fine. */
function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parse(request, body as string, done);
  });
}

function handlerOf(route: Route, context: RouteContext, { log }: WebServerOptions) {
  const checks = { params: inputCheckOf(route.params, 'path'), query: inputCheckOf(route.query, 'query'), body: inputCheckOf(route.body, 'body') };
  const serialize = route.answer === null ? undefined : serializerOf(route.answer);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const answer = await route.handle(context, {
      params: checks.params(request.params), query: checks.query(request.query), body: checks.body(request.body),
      identity: request.identity, raw: request, reply,
    });
    if (answer === reply) return reply;
    if (answer === undefined) throw new ApiError('NOT_FOUND', 'there is no such thing');
    if (route.access === 'operator' || (route.path === '/session' && route.method !== 'GET')) {
      const user = request.identity?.user ?? (answer as { user?: string }).user ?? '';
      log?.({ level: 'info', message: `${user} from ${request.ip}: ${route.method} ${request.url.split('?', 1)[0] ?? ''}` });
    }
    return serialize === undefined ? reply.code(204).send() : reply.type('application/json; charset=utf-8').send(serialize(answer));
  };
}

function describeDefect(thrown: unknown): string {
  if (thrown instanceof HsmfleetError) return `${thrown.message} (${thrown.code})`;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
