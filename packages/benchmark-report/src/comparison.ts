import type { BenchmarkPoint } from '@hsmfleet/contract';
import type { Axis, AxisId, Names } from './axes.ts';
import type { Series } from './series.ts';

/** Series that differ in one condition. */
export interface Comparison<S> {
  /** The conditions they share, for people: "web1, RSA-2048 (site)"; empty when these are the same in the whole report. */
  shared: string;
  /** The first is what the others are held against. */
  rows: { label: string; series: S }[];
  /** Every concurrency, or number of sessions, that any of them has. */
  xs: number[];
}

/** What is compared, and which other conditions may differ, because they go along with it. */
export interface ComparisonRule<P extends BenchmarkPoint> {
  axis: AxisId;
  /** Conditions that do not count. */
  ignore: readonly AxisId[];
  /** Replaces the identity of a condition that counts only in part. */
  loosely?: Partial<Record<AxisId, (point: P) => string>>;
  /** Order of the rows; by name without. */
  rank?(point: P): number;
}

/**
 * Finds what can be compared: series that are equal but for one condition. Of series from several days the newest is
 * taken, unless days are what is compared; the label says so where days differ.
 */
export function compare<P extends BenchmarkPoint, N extends string>(
  rule: ComparisonRule<P>, axes: readonly Axis<P>[], names: Names<P>, all: readonly Series<P, N>[],
): Comparison<Series<P, N>>[] {
  const axis = axes.find(({ id }) => id === rule.axis);
  if (axis === undefined) return [];
  const byDay = rule.axis === 'day';
  const counting = axes.filter(({ id }) => id !== rule.axis && id !== 'day' && !rule.ignore.includes(id));
  const identity = (one: Axis<P>, point: P): string => rule.loosely?.[one.id]?.(point) ?? one.identity(point);
  const buckets = Map.groupBy(all, ({ sample }) => JSON.stringify(counting.map((one) => identity(one, sample))));
  return [...buckets.values()].flatMap((bucket) => {
    const kept = byDay ? bucket : newestOnly(bucket, axes, names);
    if (new Set(kept.map(({ sample }) => axis.identity(sample))).size < 2) return [];
    const sorted = rule.rank === undefined ? kept : [...kept].sort((a, b) => (rule.rank?.(a.sample) ?? 0) - (rule.rank?.(b.sample) ?? 0));
    const [first] = sorted;
    if (first === undefined) return [];
    const differing = axes.filter((one) => one !== axis && new Set(sorted.map(({ sample }) => one.identity(sample))).size > 1);
    const telling = tellingAxes(axis, differing, sorted.map(({ sample }) => sample));
    const shared = counting.filter((one) => names.telling.includes(one) && !telling.includes(one))
      .map((one) => rule.loosely?.[one.id]?.(first.sample) ?? names.name(one, first.sample));
    return [{
      shared: shared.join(', '),
      rows: sorted.map((series) => ({ series, label: [axis, ...telling].map((one) => names.name(one, series.sample)).join(', ') })),
      xs: [...new Set(sorted.flatMap(({ cells }) => cells.map(({ x }) => x)))].sort((a, b) => a - b),
    }];
  });
}

/** The conditions without which two rows would have the same label, and the day where days differ. */
function tellingAxes<P extends BenchmarkPoint>(axis: Axis<P>, differing: readonly Axis<P>[], samples: readonly P[]): Axis<P>[] {
  const telling = differing.filter(({ id }) => id === 'day');
  const distinct = (): number => new Set(samples.map((sample) => JSON.stringify([axis, ...telling].map((one) => one.identity(sample))))).size;
  for (const one of differing) {
    if (distinct() === samples.length) break;
    if (!telling.includes(one)) telling.push(one);
  }
  return telling;
}

function newestOnly<P extends BenchmarkPoint, S extends { sample: P }>(bucket: readonly S[], axes: readonly Axis<P>[], names: Names<P>): S[] {
  if (!names.varying.some(({ id }) => id === 'day')) return [...bucket];
  const lasting = axes.filter(({ id }) => id !== 'day');
  const same = Map.groupBy(bucket, ({ sample }) => JSON.stringify(lasting.map((one) => one.identity(sample))));
  return [...same.values()].flatMap((members) => {
    const newest = members.reduce((a, b) => (Date.parse(b.sample.at) > Date.parse(a.sample.at) ? b : a));
    return [newest];
  });
}
