import { createHash } from 'node:crypto';

const N = 624;
const M = 397;

/**
 * Python's generator (Mersenne Twister, seeded as `random.Random` does), so that `random` and `shuffle` with a seed choose
 * what Ansible chose: minutes of cron jobs stay where they are.
 */
export class PythonRandom {
  readonly #state = new Uint32Array(N);
  #index = N;

  constructor(seed: string | number) {
    this.#seedByArray(keyOf(seed));
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    const bits = Math.floor(Math.log2(limit)) + 1;
    for (;;) {
      const value = this.#bits(bits);
      if (value < limit) return value;
    }
  }

  #bits(count: number): number {
    if (count <= 32) return this.#next() >>> (32 - count);
    const low = this.#next();
    return (this.#next() >>> (64 - count)) * 2 ** 32 + low;
  }

  #seedBy(value: number): void {
    this.#state[0] = value;
    for (let at = 1; at < N; at += 1) {
      const before = this.#at(at - 1);
      this.#state[at] = Math.imul(1812433253, before ^ (before >>> 30)) + at;
    }
  }

  #seedByArray(key: number[]): void {
    this.#seedBy(19650218);
    let [i, j] = [1, 0];
    for (let left = Math.max(N, key.length); left > 0; left -= 1) {
      const before = this.#at(i - 1);
      this.#state[i] = (this.#at(i) ^ Math.imul(before ^ (before >>> 30), 1664525)) + (key[j] as number) + j;
      i += 1;
      j = (j + 1) % key.length;
      if (i >= N) {
        this.#state[0] = this.#at(N - 1);
        i = 1;
      }
    }
    for (let left = N - 1; left > 0; left -= 1) {
      const before = this.#at(i - 1);
      this.#state[i] = (this.#at(i) ^ Math.imul(before ^ (before >>> 30), 1566083941)) - i;
      i += 1;
      if (i >= N) {
        this.#state[0] = this.#at(N - 1);
        i = 1;
      }
    }
    this.#state[0] = 0x80000000;
  }

  #at(index: number): number {
    return this.#state[index] as number;
  }

  #next(): number {
    if (this.#index >= N) {
      for (let at = 0; at < N; at += 1) {
        const mixed = (this.#at(at) & 0x80000000) | (this.#at((at + 1) % N) & 0x7fffffff);
        this.#state[at] = this.#at((at + M) % N) ^ (mixed >>> 1) ^ ((mixed & 1) === 0 ? 0 : 0x9908b0df);
      }
      this.#index = 0;
    }
    let value = this.#at(this.#index);
    this.#index += 1;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    value ^= value >>> 18;
    return value >>> 0;
  }
}

/** The seed as 32-bit words, the lowest first: a whole number as it is, a text together with its SHA-512. */
function keyOf(seed: string | number): number[] {
  let number = typeof seed === 'number' ? BigInt(Math.abs(seed)) : BigInt(`0x${Buffer.concat([Buffer.from(seed), createHash('sha512').update(seed).digest()]).toString('hex')}`);
  const words: number[] = [];
  do {
    words.push(Number(number & 0xffffffffn));
    number >>= 32n;
  } while (number > 0n);
  return words;
}
