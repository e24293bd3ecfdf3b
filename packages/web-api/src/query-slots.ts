import { ApiError } from './api-error.ts';

/** Queries of people at the same time, of all and of one user: each may take a core and much memory until its deadline. */
const AT_ONCE = 4;
const PER_USER = 2;

/** Bounds the queries that run at the same time. */
export class QuerySlots {
  readonly #running: string[] = [];

  /** @throws ApiError BUSY when there is no slot left */
  async run<T>(user: string, work: () => Promise<T>): Promise<T> {
    if (this.#running.length >= AT_ONCE || this.#running.filter((name) => name === user).length >= PER_USER) {
      throw new ApiError('BUSY', 'too many queries run at the same time', { headers: { 'retry-after': '2' } });
    }
    this.#running.push(user);
    try {
      return await work();
    } finally {
      this.#running.splice(this.#running.indexOf(user), 1);
    }
  }
}
