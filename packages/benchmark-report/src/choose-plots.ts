import type { BenchmarkPoint, SiegePoint, SignPoint } from '@hsmfleet/contract';
import type { Axis, AxisId, Names } from './axes.ts';
import type { Plot, PlotLine } from './draw-plot.ts';
import { count, fixed } from './format.ts';
import { findKnee } from './knee.ts';
import { MAX_LINES } from './plot-style.ts';
import type { Cell, Series, SiegeSeries, SignSeries } from './series.ts';

/** Most plots of one kind in a report; more would bury what they show. */
export const MAX_PLOTS = 40;

/** By these plots are split first: what was measured in another way is never drawn into the same plot. */
const SIEGE_SCENE: readonly AxisId[] = ['host', 'driver', 'tool', 'wait', 'seconds', 'path', 'resumption'];
/** By these they are split when there are too many lines, in this order. */
const SIEGE_SPLITS: readonly AxisId[] = ['day', 'engine', 'tls', 'site', 'module', 'token', 'mpm', 'key'];
const SIGN_SCENE: readonly AxisId[] = ['host', 'algorithm', 'seconds'];
const SIGN_SPLITS: readonly AxisId[] = ['day', 'token', 'key', 'module'];

/** What the report says once, and a plot need not repeat when it is the same everywhere. */
const UNTOLD: readonly AxisId[] = ['seconds', 'tool', 'token', 'path'];

/** The plots chosen, and how many were left out. */
export interface ChosenPlots {
  plots: Plot[];
  left: number;
}

/** Rate and availability over concurrency: one line for each key, and for whatever else differs. */
export function chooseSiegePlots(names: Names<SiegePoint>, series: readonly SiegeSeries[]): ChosenPlots {
  return choose(names, series, SIEGE_SCENE, SIEGE_SPLITS, (titles, line, index) => ({
    id: `load-${String(index)}`, availability: true, xTitle: 'concurrent users',
    yTitle: 'transactions per second; a ring marks the knee', title: `Rate and availability${titles.title}`, subtitle: titles.subtitle,
    lines: line.map(({ series: { cells }, label }) => siegeLine(cells, label)),
  }));
}

/** Signatures per second over sessions: one line for each module, and for whatever else differs. */
export function chooseSignPlots(names: Names<SignPoint>, series: readonly SignSeries[]): ChosenPlots {
  return choose(names, series, SIGN_SCENE, SIGN_SPLITS, (titles, line, index) => ({
    id: `signing-${String(index)}`, availability: false, xTitle: 'parallel sessions', yTitle: 'signatures per second',
    title: `Signing rate${titles.title}`, subtitle: titles.subtitle,
    lines: line.map(({ series: { cells }, label }) => ({ label, values: cells.map((cell) => ({ x: cell.x, y: cell.medians?.rate, problem: problemOf(cell) })) })),
  }));
}

interface Titles { title: string; subtitle: string }
interface Labelled<S> { series: S; label: string }

function choose<P extends BenchmarkPoint, N extends string>(
  names: Names<P>, all: readonly Series<P, N>[], scene: readonly AxisId[], splits: readonly AxisId[],
  draw: (titles: Titles, lines: Labelled<Series<P, N>>[], index: number) => Plot,
): ChosenPlots {
  const axes = [...names.varying, ...names.constant];
  const axisOf = (id: AxisId): Axis<P> | undefined => axes.find((axis) => axis.id === id);
  const groups = split(all, scene.map(axisOf)).flatMap((group) => splitUntilFew(group, splits.map(axisOf)));
  const plots = groups.slice(0, MAX_PLOTS).map((group, index) => {
    const differing = names.telling.filter((axis) => new Set(group.map(({ sample }) => axis.identity(sample))).size > 1);
    const same = names.telling.filter((axis) => !differing.includes(axis));
    const [first] = group;
    const told = first === undefined ? [] : same.map((axis) => names.name(axis, first.sample));
    const rest = first === undefined ? [] : names.constant.filter(({ id }) => !UNTOLD.includes(id)).map((axis) => phrase(axis, names.name(axis, first.sample)));
    const shown = differing.length > 0 ? differing : axes.filter(({ id }) => id === 'key');
    return draw(
      { title: told.length === 0 ? '' : `: ${told.join(', ')}`, subtitle: rest.join(' · ') },
      group.map((series) => ({ series, label: shown.map((axis) => names.name(axis, series.sample)).join(' · ') })),
      index + 1,
    );
  });
  return { plots, left: groups.length - plots.length };
}

function phrase(axis: { id: AxisId; title: string }, name: string): string {
  if (axis.id === 'wait') return name === 'none' ? 'no wait' : `wait ${name}`;
  if (axis.id === 'resumption') return `${name} handshakes`;
  if (axis.id === 'driver') return `from ${name}`;
  return name === 'not known' || name === 'none' ? `${axis.title} ${name}` : name;
}

function split<P extends BenchmarkPoint, S extends { sample: P }>(group: readonly S[], by: readonly (Axis<P> | undefined)[]): S[][] {
  return [...Map.groupBy(group, ({ sample }) => JSON.stringify(by.map((axis) => axis?.identity(sample)))).values()];
}

function splitUntilFew<P extends BenchmarkPoint, S extends { sample: P }>(group: readonly S[], by: readonly (Axis<P> | undefined)[]): S[][] {
  if (group.length <= MAX_LINES) return [[...group]];
  const [axis, ...rest] = by;
  if (axis !== undefined) return split(group, [axis]).flatMap((part) => splitUntilFew(part, rest));
  return by.length > 0 ? splitUntilFew(group, rest)
    : Array.from({ length: Math.ceil(group.length / MAX_LINES) }, (_, index) => group.slice(index * MAX_LINES, (index + 1) * MAX_LINES));
}

function siegeLine(cells: SiegeSeries['cells'], label: string): PlotLine {
  const knee = findKnee(cells);
  const told = knee === undefined ? 'no knee' : `knee ${count(knee.concurrency, 'user')}${knee.open ? ' or more' : ''}, ${fixed(knee.rate, 1)}/s`;
  return {
    label: `${label}: ${told}`, ringed: knee?.concurrency,
    values: cells.map((cell) => ({
      x: cell.x, y: cell.medians?.rate, problem: problemOf(cell),
      ...(cell.medians === undefined ? {} : { availability: cell.medians.availability }),
    })),
  };
}

function problemOf({ hung, unhealthy }: Cell<string>): 'hung' | 'unhealthy' | undefined {
  if (hung > 0) return 'hung';
  return unhealthy > 0 ? 'unhealthy' : undefined;
}
