import type { Cell, SiegeNumber } from './series.ts';

/** How far a server goes without failing anyone. */
export interface Knee {
  /** Highest concurrency of which every repeat, and every repeat of all lower ones measured, answered everything. */
  concurrency: number;
  /** Median rate there, transactions per second. */
  rate: number;
  /** Concurrency of {@link Knee.bestRate}. */
  bestAt: number;
  /** Best median rate up to the knee. */
  bestRate: number;
  /** Nothing above it was measured: the true knee may lie higher. */
  open: boolean;
  /** The first concurrency above the knee that was measured; undefined when {@link Knee.open}. */
  brokenAt: number | undefined;
}

/**
 * Finds the knee: the highest concurrency with 100 % availability and no failed transaction, at it and at every lower one
 * that was measured. Undefined when the lowest one already failed, hung or was not healthy, or nothing was measured.
 * @param cells by ascending concurrency
 */
export function findKnee(cells: readonly Cell<SiegeNumber>[]): Knee | undefined {
  const broken = cells.findIndex((cell) => !cell.clean);
  const clean = (broken === -1 ? cells : cells.slice(0, broken)).flatMap(({ x, medians }) => (medians === undefined ? [] : [{ x, rate: medians.rate }]));
  const top = clean.at(-1);
  if (top === undefined) return undefined;
  const best = clean.reduce((a, b) => (b.rate > a.rate ? b : a));
  return { concurrency: top.x, rate: top.rate, bestAt: best.x, bestRate: best.rate, open: broken === -1, brokenAt: cells[broken]?.x };
}
