/**
 * Milliseconds, to a hundredth, since a `process.hrtime()`. (The global `performance` loads a module of its own when it
 * is first touched, which the agent's start would pay for.)
 */
export function millisecondsSince(start: [number, number]): number {
  const [seconds, nanoseconds] = process.hrtime(start);
  return Math.round(seconds * 100_000 + nanoseconds / 10_000) / 100;
}
