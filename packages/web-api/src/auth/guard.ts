import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Role, SessionAnswer } from '../schemas/index.ts';
import type { Origins } from './origins.ts';
import type { Session, SessionLimits, Sessions } from './sessions.ts';
import type { TokenCheck } from './token-check.ts';
import type { UserDirectory, UserRecord } from './users.ts';

/** Whom a route serves. `public`: anybody who reaches the server. */
export type Access = 'public' | Role;

/** Who asks. */
export interface Identity {
  user: string;
  role: Role;
  /** Absent with a bearer token. */
  session?: Session;
}

/** Decides who asks, and whether they may. */
export class Guard {
  readonly #users: UserDirectory;
  readonly #tokens: TokenCheck;
  readonly #sessions: Sessions;
  readonly #limits: SessionLimits;
  readonly #origins: () => Origins;
  readonly #now: () => number;

  constructor(parts: { users: UserDirectory; tokens: TokenCheck; sessions: Sessions; limits: SessionLimits; origins: () => Origins; now: () => number }) {
    this.#users = parts.users;
    this.#tokens = parts.tokens;
    this.#sessions = parts.sessions;
    this.#limits = parts.limits;
    this.#origins = parts.origins;
    this.#now = parts.now;
  }

  /** The origin that the request was meant for. @throws ApiError HOST_NOT_ALLOWED */
  originOf(request: FastifyRequest): string {
    const origin = this.#origins().of(request.headers.host);
    if (origin === undefined) {
      throw new ApiError('HOST_NOT_ALLOWED', 'this server does not answer under that name', { hint: 'add the name to `origins` in the file of the server' });
    }
    return origin;
  }

  /** Who asks, when the route is not for everybody. @throws ApiError UNAUTHENTICATED, FORBIDDEN, CSRF, RATE_LIMITED, BUSY */
  async admit(request: FastifyRequest, access: Access): Promise<Identity | undefined> {
    const origin = this.originOf(request);
    const changes = request.method !== 'GET' && request.method !== 'HEAD';
    if (changes) refuseOtherOrigins(request, origin);
    if (access === 'public') return undefined;
    const identity = await this.#identify(request, isSecure(origin));
    if (identity === undefined) throw new ApiError('UNAUTHENTICATED', 'this takes a login', { headers: { 'www-authenticate': 'Bearer' } });
    if (identity.session !== undefined && changes) refuseWithoutCsrfToken(request, identity.session);
    if (access === 'operator' && identity.role !== 'operator') {
      throw new ApiError('FORBIDDEN', `${identity.user} has the role ${identity.role}, and this takes the role operator`);
    }
    return identity;
  }

  /** Is who asked a while ago still let in? For answers that take long. */
  async stillIn(identity: Identity): Promise<boolean> {
    const user = await this.#users.find(identity.user);
    if (user === undefined || user.role !== identity.role) return false;
    return identity.session === undefined || (identity.session.tokenHash === user.token && this.#now() < identity.session.expiresAt);
  }

  /** Opens a session and sets its cookie; a session that the request came with is over. @throws ApiError UNAUTHENTICATED, … */
  async login(request: FastifyRequest, reply: FastifyReply, token: string, name: string | undefined): Promise<SessionAnswer> {
    const user = await this.#tokens.userOf(token, request.ip);
    if (user === undefined || (name !== undefined && name !== user.name)) throw new ApiError('UNAUTHENTICATED', 'this token is not known');
    const secure = isSecure(this.originOf(request));
    const before = cookieOf(request, secure);
    if (before !== undefined) this.#sessions.close(before);
    const { id, session } = this.#sessions.open(user.name, user.role, user.token);
    const seconds = Math.floor(this.#limits.absoluteMs / 1_000);
    reply.header('set-cookie', `${cookieName(secure)}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${String(seconds)}${secure ? '; Secure' : ''}`);
    return this.describe({ user: user.name, role: user.role, session });
  }

  /** Ends the session that the request came with. */
  logout(request: FastifyRequest, reply: FastifyReply): void {
    const secure = isSecure(this.originOf(request));
    const id = cookieOf(request, secure);
    if (id === undefined) return;
    this.#sessions.close(id);
    reply.header('set-cookie', `${cookieName(secure)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${secure ? '; Secure' : ''}`);
  }

  /** What a user is told about their own login. */
  describe(identity: Identity): SessionAnswer {
    const { user, role, session } = identity;
    return {
      user, role,
      csrf: session?.csrf ?? null,
      expiresAt: session === undefined ? null : new Date(session.expiresAt).toISOString(),
      idleSeconds: session === undefined ? null : Math.floor(this.#limits.idleMs / 1_000),
    };
  }

  async #identify(request: FastifyRequest, secure: boolean): Promise<Identity | undefined> {
    const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{1,300})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      const user = await this.#tokens.userOf(bearer, request.ip);
      return user === undefined ? undefined : identityOf(user);
    }
    const id = cookieOf(request, secure);
    const session = id === undefined ? undefined : this.#sessions.find(id);
    if (session === undefined) return undefined;
    const user = await this.#users.find(session.user);
    if (user === undefined || user.token !== session.tokenHash) return undefined;
    this.#sessions.touch(session);
    return { ...identityOf(user), session };
  }
}

function identityOf(user: UserRecord): Identity {
  return { user: user.name, role: user.role };
}

function isSecure(origin: string): boolean {
  return origin.startsWith('https:');
}

/** The prefix binds the cookie to this host and to TLS: neighbours under the same domain cannot set it. */
function cookieName(secure: boolean): string {
  return secure ? '__Host-hsmfleet' : 'hsmfleet';
}

/** The session's id; undefined when there is none, or more than one: then somebody else set one of them. */
function cookieOf(request: FastifyRequest, secure: boolean): string | undefined {
  const found = (request.headers.cookie ?? '').split(';').flatMap((pair) => {
    const [name, value] = pair.trim().split('=', 2);
    return name === cookieName(secure) && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? [value] : [];
  });
  return found.length === 1 ? found[0] : undefined;
}

/** A browser says where a request that changes something comes from; scripts say nothing. */
function refuseOtherOrigins(request: FastifyRequest, origin: string): void {
  const { origin: from } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if ((from === undefined || from === origin) && (site === undefined || site === 'same-origin' || site === 'none')) return;
  throw new ApiError('CSRF', 'the request comes from a page of another origin');
}

function refuseWithoutCsrfToken(request: FastifyRequest, session: Session): void {
  const given = Buffer.from(String(request.headers['x-csrf-token'] ?? ''));
  const wanted = Buffer.from(session.csrf);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new ApiError('CSRF', 'the header X-CSRF-Token is missing or wrong', { hint: 'GET /api/v1/session tells it' });
}
