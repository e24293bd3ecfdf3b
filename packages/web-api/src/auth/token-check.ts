import { createHmac, randomBytes } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import type { Attempts } from './attempts.ts';
import { userOfToken, verifyToken } from './token-hash.ts';
import type { UserDirectory, UserRecord } from './users.ts';

/** Hashes calculated at the same time, and how many may wait for their turn: each takes a core for tens of milliseconds. */
const AT_ONCE = 2;
const WAITING = 32;
/** Right bearer tokens are remembered this long, milliseconds, so that scripts do not pay for a hash with each request. */
const REMEMBER_MS = 5 * 60_000;
const REMEMBERED = 1_000;

/** Holds tokens against the hashes of users, within limits. */
export class TokenCheck {
  readonly #users: UserDirectory;
  readonly #attempts: Attempts;
  readonly #now: () => number;
  readonly #onWrong: (address: string) => void;
  readonly #key = randomBytes(32);
  readonly #right = new Map<string, { hash: string; until: number }>();
  #running = 0;
  readonly #queue: (() => void)[] = [];

  /** @param onWrong hears of each wrong token, by the address that it came from */
  constructor(users: UserDirectory, attempts: Attempts, now: () => number, onWrong: (address: string) => void) {
    this.#onWrong = onWrong;
    this.#users = users;
    this.#attempts = attempts;
    this.#now = now;
  }

  /**
   * The user whose token it is; undefined when it is nobody's.
   * @throws ApiError RATE_LIMITED after too many wrong ones from the address, BUSY
   */
  async userOf(token: string, address: string): Promise<UserRecord | undefined> {
    const name = userOfToken(token);
    const user = name === undefined ? undefined : await this.#users.find(name);
    const print = createHmac('sha256', this.#key).update(token).digest('base64url');
    const known = this.#right.get(print);
    if (user !== undefined && known?.hash === user.token && known.until > this.#now()) return user;
    const waitMs = this.#attempts.begin(address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      throw new ApiError('RATE_LIMITED', `too many wrong tokens from ${address}`, {
        hint: `try again in ${String(seconds)} s`, headers: { 'retry-after': String(seconds) },
      });
    }
    const right = await this.#verify(token, user?.token, address);
    if (!right || user === undefined) {
      this.#onWrong(address);
      return undefined;
    }
    this.#attempts.forgive(address);
    this.#remember(print, user.token);
    return user;
  }

  async #verify(token: string, hash: string | undefined, address: string): Promise<boolean> {
    if (this.#running >= AT_ONCE) {
      if (this.#queue.length >= WAITING) {
        this.#attempts.forgive(address);
        throw new ApiError('BUSY', 'too many logins at the same time', { headers: { 'retry-after': '1' } });
      }
      await new Promise<void>((resolve) => { this.#queue.push(resolve); });
    }
    this.#running += 1;
    try {
      return await verifyToken(token, hash);
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  #remember(print: string, hash: string): void {
    this.#right.set(print, { hash, until: this.#now() + REMEMBER_MS });
    if (this.#right.size > REMEMBERED) this.#right.delete(this.#right.keys().next().value as string);
  }
}
