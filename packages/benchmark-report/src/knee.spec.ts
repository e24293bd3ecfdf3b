import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SiegePoint } from '@hsmfleet/contract';
import { SIEGE_AXES } from './axes.ts';
import { findKnee } from './knee.ts';
import { groupSiegePoints, median, type SiegeSeries } from './series.ts';
import { EC, RSA, siegePoint, unhealthyPoint } from './testkit/make-points.ts';

function group(points: readonly SiegePoint[]): SiegeSeries[] {
  return groupSiegePoints(SIEGE_AXES, points);
}

function cellsOf(points: readonly SiegePoint[]): SiegeSeries['cells'] {
  return group(points)[0]?.cells ?? [];
}

const point = fc.record({
  concurrency: fc.constantFrom(1, 5, 10, 20, 30, 40, 60, 100),
  rate: fc.double({ min: 0.1, max: 2_000, noNaN: true }),
  availability: fc.oneof({ weight: 3, arbitrary: fc.constant(100) }, { weight: 1, arbitrary: fc.double({ min: 0, max: 99.999, noNaN: true }) }),
  failed: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) }),
  outcome: fc.oneof({ weight: 6, arbitrary: fc.constant('measured' as const) }, { weight: 1, arbitrary: fc.constantFrom('hung' as const, 'unhealthy' as const) }),
}).map((given) => siegePoint(given));
const points = fc.array(point, { minLength: 1, maxLength: 40 });
const isClean = ({ outcome, availability, failed }: SiegePoint): boolean => outcome === 'measured' && availability === 100 && failed === 0;

describe('the knee', () => {
  it('is measured, and nothing failed at it or below', () => {
    fc.assert(fc.property(points, (given) => {
      const knee = findKnee(cellsOf(given));
      if (knee === undefined) return;
      expect(given.some(({ concurrency }) => concurrency === knee.concurrency)).toBe(true);
      expect(given.filter(({ concurrency }) => concurrency <= knee.concurrency).every(isClean)).toBe(true);
    }));
  });

  it('is the highest such concurrency', () => {
    fc.assert(fc.property(points, (given) => {
      const knee = findKnee(cellsOf(given));
      const users = [...new Set(given.map(({ concurrency }) => concurrency))].sort((a, b) => a - b);
      const next = users.find((one) => one > (knee?.concurrency ?? 0));
      expect(knee?.open ?? false).toBe(next === undefined);
      if (next !== undefined) expect(given.filter(({ concurrency }) => concurrency <= next).every(isClean)).toBe(false);
      if (knee !== undefined) expect(knee.brokenAt).toBe(next);
    }));
  });

  it('does not depend on the order of the points', () => {
    fc.assert(fc.property(points.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }))), ([given, shuffled]) => {
      expect(findKnee(cellsOf(shuffled))).toEqual(findKnee(cellsOf(given)));
    }));
  });

  it('never rises when one more repeat fails', () => {
    fc.assert(fc.property(points, fc.constantFrom(1, 5, 20, 60), (given, concurrency) => {
      const before = findKnee(cellsOf(given));
      const after = findKnee(cellsOf([...given, siegePoint({ concurrency, failed: 1 })]));
      expect(after?.concurrency ?? 0).toBeLessThanOrEqual(Math.max(before?.concurrency ?? 0, 0));
      expect(after?.concurrency ?? 0).toBeLessThan(concurrency > (before?.concurrency ?? 0) ? (before?.concurrency ?? 0) + 1 : concurrency);
    }));
  });

  it('has a best rate no worse than its own, found at or below it', () => {
    fc.assert(fc.property(points, (given) => {
      const knee = findKnee(cellsOf(given));
      if (knee === undefined) return;
      expect(knee.bestRate).toBeGreaterThanOrEqual(knee.rate);
      expect(knee.bestAt).toBeLessThanOrEqual(knee.concurrency);
    }));
  });

  it('is none for a server that fails at the lowest concurrency and serves at higher ones', () => {
    expect(findKnee(cellsOf([siegePoint({ concurrency: 5, availability: 84.8 }), siegePoint({ concurrency: 20 })]))).toBeUndefined();
    expect(findKnee([])).toBeUndefined();
  });
});

describe('series', () => {
  it('take the median of what was measured only', () => {
    const [cell] = cellsOf([siegePoint({ rate: 10 }), siegePoint({ rate: 30 }), siegePoint({ rate: 12 }), siegePoint({ rate: 1, outcome: 'hung' })]);
    expect(cell).toMatchObject({ repeats: 4, hung: 1, clean: false, medians: { rate: 12 } });
  });

  it('take in points of an unwell server that knows nothing of its key', () => {
    const series = group([siegePoint(), unhealthyPoint({ concurrency: 20 })]);
    expect(series).toHaveLength(1);
    expect(series[0]?.cells.map(({ x, unhealthy }) => [x, unhealthy])).toEqual([[5, 0], [20, 1]]);
  });

  it('do not guess to which of two keys such a point belongs', () => {
    expect(group([siegePoint(), siegePoint({ key: EC }), unhealthyPoint({ concurrency: 20 })])).toHaveLength(3);
    expect(group([siegePoint(), siegePoint({ key: EC }), unhealthyPoint({ concurrency: 20, key: { ...RSA, fingerprint: null } })])).toHaveLength(2);
  });

  it('lie between the least and the greatest in their median', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const middle = median(values);
      expect(middle).toBeGreaterThanOrEqual(Math.min(...values));
      expect(middle).toBeLessThanOrEqual(Math.max(...values));
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
    }));
    expect(() => median([])).toThrow(RangeError);
  });
});
