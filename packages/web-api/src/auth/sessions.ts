import { createHash, randomBytes } from 'node:crypto';
import type { Role } from '../schemas/index.ts';

/** How long sessions last and how many there may be. */
export interface SessionLimits {
  /** Without a request, milliseconds. */
  idleMs: number;
  /** Used or not, milliseconds. */
  absoluteMs: number;
  /** Of one user; a further login ends the oldest. */
  perUser: number;
}

export const SESSION_LIMITS: SessionLimits = { idleMs: 30 * 60_000, absoluteMs: 12 * 3_600_000, perUser: 20 };

/** A login that is still good. */
export interface Session {
  user: string;
  role: Role;
  /** Hash of the token that opened it: a token that is replaced ends its sessions. */
  tokenHash: string;
  csrf: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  usedAt: number;
}

/**
 * Sessions, in memory only: a restart of the server ends them all. Their ids are known to browsers; here only hashes of them
 * are kept, so that whoever reads the memory of the server in a dump cannot go on as somebody else.
 */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #limits: SessionLimits;
  readonly #now: () => number;

  constructor(limits: SessionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Opens a session under a new id: no id that came with a request ever becomes one. */
  open(user: string, role: Role, tokenHash: string): { id: string; session: Session } {
    this.#sweep();
    const own = [...this.#sessions].filter(([, session]) => session.user === user);
    for (const [key] of own.slice(0, Math.max(0, own.length + 1 - this.#limits.perUser))) this.#sessions.delete(key);
    const id = randomBytes(32).toString('base64url');
    const now = this.#now();
    const session = { user, role, tokenHash, csrf: randomBytes(32).toString('base64url'), expiresAt: now + this.#limits.absoluteMs, usedAt: now };
    this.#sessions.set(keyOf(id), session);
    return { id, session };
  }

  /** The session with an id, when it is still good. */
  find(id: string): Session | undefined {
    const key = keyOf(id);
    const session = this.#sessions.get(key);
    if (session !== undefined && this.#over(session)) {
      this.#sessions.delete(key);
      return undefined;
    }
    return session;
  }

  /** Somebody used it: the idle time starts again. */
  touch(session: Session): void {
    session.usedAt = this.#now();
  }

  close(id: string): void {
    this.#sessions.delete(keyOf(id));
  }

  #over(session: Session): boolean {
    const now = this.#now();
    return now >= session.expiresAt || now - session.usedAt >= this.#limits.idleMs;
  }

  #sweep(): void {
    for (const [key, session] of this.#sessions) if (this.#over(session)) this.#sessions.delete(key);
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
