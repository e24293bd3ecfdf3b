import pico from 'picocolors';

export type Colors = ReturnType<typeof pico.createColors>;

/** Colour functions, or functions that leave text alone. */
export function createColors(enabled: boolean): Colors {
  return pico.createColors(enabled);
}

/**
 * Does this stream get colours? NO_COLOR (any non-empty value) turns them off, FORCE_COLOR on; otherwise a terminal that
 * is not "dumb" gets them. See https://no-color.org.
 */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}
