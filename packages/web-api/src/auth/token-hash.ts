import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { USER_NAME } from './users.ts';

/** Cost of a hash: 16 MiB and some 40 ms of one core. Tokens are random, so more would only slow the server down. */
const COST = { N: 2 ** 14, r: 8, p: 1 };
const KEY_BYTES = 32;

/** Makes a token for a user: shown once, kept only as its hash. The user's name stands before the dot. */
export async function createToken(name: string): Promise<{ token: string; hash: string }> {
  if (!USER_NAME.test(name)) throw new RangeError('not a name of a user');
  const token = `${name}.${randomBytes(32).toString('base64url')}`;
  return { token, hash: await hashToken(token) };
}

/** The user that a token names; undefined when it has not the form of a token. */
export function userOfToken(token: string): string | undefined {
  const dot = token.indexOf('.');
  const name = token.slice(0, Math.max(0, dot));
  return USER_NAME.test(name) && token.length <= 300 ? name : undefined;
}

/** `scrypt$N$r$p$SALT$HASH`, salt and hash in base64url. */
export async function hashToken(token: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(token, salt, COST, KEY_BYTES);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/**
 * Is the hash that of the token? Takes as long for a user who does not exist (undefined) as for one who does, and compares in
 * constant time. A malformed hash, or one that costs more than this server is willing to pay, fits nothing.
 */
export async function verifyToken(token: string, hash: string | undefined): Promise<boolean> {
  const parsed = hash === undefined ? undefined : parseHash(hash);
  const { cost, salt, key } = parsed ?? { cost: COST, salt: Buffer.alloc(16), key: Buffer.alloc(KEY_BYTES) };
  const derived = await derive(token, salt, cost, key.length);
  return timingSafeEqual(derived, key) && parsed !== undefined;
}

interface ParsedHash {
  cost: typeof COST;
  salt: Buffer;
  key: Buffer;
}

function parseHash(hash: string): ParsedHash | undefined {
  const [scheme, N, r, p, salt, key, ...rest] = hash.split('$');
  if (scheme !== 'scrypt' || salt === undefined || key === undefined || rest.length > 0) return undefined;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const known = Number.isInteger(Math.log2(cost.N)) && cost.N >= 2 && cost.N <= 2 ** 17 && cost.r >= 1 && cost.r <= 16 && cost.p >= 1 && cost.p <= 4;
  const parsed = { cost, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') };
  return known && Number.isInteger(cost.r) && Number.isInteger(cost.p) && parsed.key.length === KEY_BYTES && parsed.salt.length >= 8 ? parsed : undefined;
}

function derive(token: string, salt: Buffer, cost: typeof COST, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(token, salt, length, { ...cost, maxmem: 256 * cost.N * cost.r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
