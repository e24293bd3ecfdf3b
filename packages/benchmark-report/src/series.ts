import type { BenchmarkPoint, SiegePoint, SignPoint } from '@hsmfleet/contract';
import type { Axis } from './axes.ts';

/** All that was measured at one concurrency (or number of sessions) under the same conditions. */
export interface Cell<N extends string> {
  /** Users of a point of load, sessions of a signing point. */
  x: number;
  repeats: number;
  hung: number;
  unhealthy: number;
  /** Different problems, in the order of the points. */
  problems: readonly string[];
  /** Every repeat was measured, and nothing failed. */
  clean: boolean;
  /** Medians over the measured repeats; undefined when there is none, for a point that hung says nothing about speed. */
  medians: Readonly<Record<N, number>> | undefined;
}

/** Points with equal conditions: a line of a plot, a table of the report. */
export interface Series<P extends BenchmarkPoint, N extends string> {
  /** Any of its points: all conditions are those of the series. A served one if there is one. */
  sample: P;
  /** By ascending x. */
  cells: readonly Cell<N>[];
}

const SIEGE_NUMBERS = [
  'transactions', 'availability', 'elapsedS', 'dataMB', 'responseS', 'rate', 'throughput', 'reachedConcurrency', 'successful', 'failed',
  'longestS', 'shortestS',
] as const satisfies readonly (keyof SiegePoint)[];
export type SiegeNumber = (typeof SIEGE_NUMBERS)[number];
export type SiegeSeries = Series<SiegePoint, SiegeNumber>;

const SIGN_NUMBERS = ['signatures', 'failed', 'elapsedS', 'rate'] as const satisfies readonly (keyof SignPoint)[];
export type SignNumber = (typeof SIGN_NUMBERS)[number];
export type SignSeries = Series<SignPoint, SignNumber>;

/** Groups points of load. Points before which the server was unwell join the series they would have belonged to. */
export function groupSiegePoints(axes: readonly Axis<SiegePoint>[], points: readonly SiegePoint[]): SiegeSeries[] {
  return group(axes, points, (point) => point.concurrency, SIEGE_NUMBERS,
    (point) => point.outcome === 'measured' && point.failed === 0 && point.availability >= 100, mayBe);
}

/** Groups signing points. */
export function groupSignPoints(axes: readonly Axis<SignPoint>[], points: readonly SignPoint[]): SignSeries[] {
  return group(axes, points, (point) => point.sessions, SIGN_NUMBERS, (point) => point.outcome === 'measured' && point.failed === 0, () => false);
}

function group<P extends BenchmarkPoint, N extends string & keyof P>(
  axes: readonly Axis<P>[], points: readonly P[], xOf: (point: P) => number, numbers: readonly N[], isClean: (point: P) => boolean,
  belongs: (stray: P, sample: P, axes: readonly Axis<P>[]) => boolean,
): Series<P, N>[] {
  const identity = (point: P): string => JSON.stringify(axes.map((axis) => axis.identity(point)));
  const groups = new Map<string, P[]>();
  const strays: P[] = [];
  for (const point of points) {
    if (point.outcome === 'unhealthy') strays.push(point);
    else push(groups, identity(point), point);
  }
  const served = [...groups.values()];
  for (const stray of strays) {
    const own = groups.get(identity(stray));
    const candidates = own === undefined ? served.filter(([sample]) => sample !== undefined && belongs(stray, sample, axes)) : [own];
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1) only.push(stray);
    else push(groups, identity(stray), stray);
  }
  const series = [...groups.values()].flatMap((members) => {
    const [sample] = members;
    if (sample === undefined) return [];
    const cells = [...Map.groupBy(members, xOf)].map(([x, repeats]) => summarize(x, repeats, numbers, isClean)).sort((a, b) => a.x - b.x);
    return [{ sample, cells }];
  });
  return sortByAxes(axes, series);
}

/** An unhealthy point knows neither key, module nor protocol when nothing was served: whatever it does know has to agree. */
function mayBe(stray: SiegePoint, sample: SiegePoint, axes: readonly Axis<SiegePoint>[]): boolean {
  const unknown = new Set<string>([
    ...(stray.key.fingerprint === null && (stray.key.label === null || stray.key.label === sample.key.label) ? ['key'] : []),
    ...(stray.module === null ? ['module'] : []), ...(stray.token === null ? ['token'] : []),
    ...(stray.tlsProtocol === null ? ['tls'] : []), ...(stray.mpm === null ? ['mpm'] : []),
  ]);
  return axes.every((axis) => unknown.has(axis.id) || axis.identity(stray) === axis.identity(sample));
}

function summarize<P extends BenchmarkPoint, N extends string & keyof P>(
  x: number, repeats: readonly P[], numbers: readonly N[], isClean: (point: P) => boolean,
): Cell<N> {
  const measured = repeats.filter((point) => point.outcome === 'measured');
  const medians = measured.length === 0 ? undefined
    : Object.fromEntries(numbers.map((name) => [name, median(measured.map((point) => Number(point[name])))])) as Record<N, number>;
  return {
    x, medians, repeats: repeats.length, clean: repeats.every(isClean),
    hung: repeats.filter((point) => point.outcome === 'hung').length,
    unhealthy: repeats.filter((point) => point.outcome === 'unhealthy').length,
    problems: [...new Set(repeats.flatMap((point) => (point.problem === null || point.problem === '' ? [] : [point.problem])))],
  };
}

/** The middle value, or the mean of the two in the middle. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('no values have no median');
  return (lower + upper) / 2;
}

/** Sorted by what is read first, numbers in texts by value. */
function sortByAxes<P extends BenchmarkPoint, S extends { sample: P }>(axes: readonly Axis<P>[], series: readonly S[]): S[] {
  const collator = new Intl.Collator('en', { numeric: true });
  const keyed = series.map((one) => ({ one, texts: axes.map((axis) => axis.text(one.sample)) }));
  keyed.sort((a, b) => {
    for (const [index, text] of a.texts.entries()) {
      const order = collator.compare(text, b.texts[index] ?? '');
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map(({ one }) => one);
}

function push<P>(groups: Map<string, P[]>, id: string, point: P): void {
  const members = groups.get(id);
  if (members === undefined) groups.set(id, [point]);
  else members.push(point);
}
