import { isIPv6 } from 'node:net';

/** How many wrong tokens an address may show before it has to wait. */
export interface AttemptLimits {
  /** Without waiting. */
  free: number;
  /** Wait after the first one too many, milliseconds; doubled with each further one. */
  firstWaitMs: number;
  /** The longest wait, milliseconds. */
  longestWaitMs: number;
  /** Forgotten after this time without a try, milliseconds. */
  forgetMs: number;
}

export const ATTEMPT_LIMITS: AttemptLimits = { free: 5, firstWaitMs: 1_000, longestWaitMs: 300_000, forgetMs: 15 * 60_000 };

/** Addresses remembered at most; beyond it the oldest are forgotten. */
const MAX_ADDRESSES = 10_000;

interface Attempt {
  count: number;
  /** Milliseconds since the epoch. */
  until: number;
  at: number;
}

/**
 * Counts wrong tokens by address. A try counts as wrong until it is known to be right, so many at the same time are no way
 * around the limit. Users are never locked: who knows a name cannot keep its owner out from another address.
 */
export class Attempts {
  readonly #attempts = new Map<string, Attempt>();
  readonly #limits: AttemptLimits;
  readonly #now: () => number;

  constructor(limits: AttemptLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Begins a try. Answers the milliseconds to wait when it may not be made, 0 when it may. */
  begin(address: string): number {
    const key = networkOf(address);
    const now = this.#now();
    const known = this.#attempts.get(key);
    const attempt = known === undefined || now - known.at > this.#limits.forgetMs ? { count: 0, until: 0, at: now } : known;
    if (attempt.until > now) return attempt.until - now;
    attempt.count += 1;
    attempt.at = now;
    const beyond = attempt.count - this.#limits.free;
    if (beyond >= 0) attempt.until = now + Math.min(this.#limits.longestWaitMs, this.#limits.firstWaitMs * 2 ** Math.min(beyond, 30));
    this.#attempts.delete(key);
    this.#attempts.set(key, attempt);
    if (this.#attempts.size > MAX_ADDRESSES) this.#attempts.delete(this.#attempts.keys().next().value as string);
    return 0;
  }

  /** The try that was begun was right, or was never made: it does not count. */
  forgive(address: string): void {
    const attempt = this.#attempts.get(networkOf(address));
    if (attempt === undefined) return;
    attempt.count = Math.max(0, attempt.count - 1);
    attempt.until = 0;
  }
}

/** Whoever has one IPv6 address usually has the /64 around it. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const filled = address.includes('::') ? [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right] : left;
  return `${filled.slice(0, 4).join(':')}::/64`;
}
