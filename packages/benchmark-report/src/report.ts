import type { BenchmarkPoint, SiegePoint, SignPoint } from '@hsmfleet/contract';
import type { Root } from 'mdast';
import { createNames, SIEGE_AXES, SIGN_AXES, type Axis, type Names } from './axes.ts';
import { bullets, heading, link, paragraph, picture, type Block, type Inline } from './blocks.ts';
import { chooseSiegePlots, chooseSignPlots, type ChosenPlots } from './choose-plots.ts';
import type { Plot } from './draw-plot.ts';
import { count } from './format.ts';
import { groupSiegePoints, groupSignPoints } from './series.ts';
import { comparisonSection, kneeSection, measurementSection, type SigningRate } from './siege-sections.ts';
import { signSection } from './sign-sections.ts';

/** So many values of a condition are listed at most. */
const MAX_LISTED = 12;

/** A report as data: a document in which pictures stand for plots, and the plots. */
export interface Report {
  title: string;
  document: Root;
  plots: Plot[];
}

/** Writes the report about points: knees, plots, comparisons, tables, signing rates. */
export function composeReport(points: readonly BenchmarkPoint[]): Report {
  const sieges = points.filter((point) => point.kind === 'siege');
  const signs = points.filter((point) => point.kind === 'sign');
  const title = 'Benchmark report';
  const siege = sieges.length === 0 ? { blocks: [], plots: [] } : composeSiege(sieges, signs);
  const sign = signs.length === 0 ? { blocks: [], plots: [] } : composeSign(signs);
  const body = [...siege.blocks, ...sign.blocks];
  const sections = body.flatMap((block) => (block.type === 'heading' && block.depth === 2 ? [headingText(block)] : []));
  const children = [
    heading(1, title), summary(points), bullets(sections.map((name): Inline[] => [link(`#${sectionId(name)}`, name)])), ...body,
  ];
  return { title, document: { type: 'root', children }, plots: [...siege.plots, ...sign.plots] };
}

/** The anchor of a section's heading, as hosting sites for Markdown make it. */
export function sectionId(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, '').replaceAll(' ', '-');
}

interface Part { blocks: Block[]; plots: Plot[] }

function composeSiege(points: readonly SiegePoint[], signs: readonly SignPoint[]): Part {
  const series = groupSiegePoints(SIEGE_AXES, points);
  const samples = series.map(({ sample }) => sample);
  const names = createNames(SIEGE_AXES, samples);
  const chosen = chooseSiegePlots(names, series);
  return {
    blocks: [
      ...conditions('What was measured', names, samples), ...kneeSection(names, series, findSigningRates(signs)), ...plotSection('Rate and availability', chosen),
      ...comparisonSection(names, series), ...measurementSection(names, series),
    ],
    plots: chosen.plots,
  };
}

/** Best rates by host, key and module: those of the newest day. */
function findSigningRates(signs: readonly SignPoint[]): SigningRate {
  const conditions = SIGN_AXES.filter(({ id }) => id === 'host' || id === 'key' || id === 'module') as readonly Axis<BenchmarkPoint>[];
  const identity = (point: BenchmarkPoint): string => JSON.stringify(conditions.map((axis) => axis.identity(point)));
  const newest = new Map<string, { at: string; rate: number }>();
  for (const { sample, cells } of groupSignPoints(SIGN_AXES, signs)) {
    const rate = cells.reduce((best, { medians }) => Math.max(best, medians?.rate ?? 0), 0);
    const known = newest.get(identity(sample));
    if (known === undefined || Date.parse(sample.at) > Date.parse(known.at)) newest.set(identity(sample), { at: sample.at, rate });
  }
  return (point) => newest.get(identity(point))?.rate;
}

function composeSign(points: readonly SignPoint[]): Part {
  const series = groupSignPoints(SIGN_AXES, points);
  const samples = series.map(({ sample }) => sample);
  const names = createNames(SIGN_AXES, samples);
  const chosen = chooseSignPlots(names, series);
  const [title, intro, ...rest] = signSection(names, series);
  const [, ...pictures] = plotSection('', chosen);
  const [, ...facts] = conditions('', names, samples);
  return { blocks: [title, intro, ...facts, ...pictures, ...rest].filter((block) => block !== undefined), plots: chosen.plots };
}

/** What was the same everywhere is said once. */
function conditions<P extends BenchmarkPoint>(title: string, names: Names<P>, samples: readonly P[]): Block[] {
  const [sample] = samples;
  if (sample === undefined) return [];
  const listed = (axis: Axis<P>): string => {
    const values = [...new Set(samples.map((one) => names.name(axis, one)))];
    return values.length <= MAX_LISTED ? values.join('; ') : `${values.slice(0, MAX_LISTED).join('; ')}; and ${String(values.length - MAX_LISTED)} more`;
  };
  const same = names.constant.map((axis: Axis<P>): Inline[] => [`${axis.title}: ${names.name(axis, sample)}`]);
  return [
    heading(2, title),
    ...(same.length === 0 ? [] : [paragraph('The same in all measurements:'), bullets(same)]),
    ...(names.varying.length === 0 ? [] : [paragraph('Different between measurements:'), bullets(names.varying.map((axis): Inline[] => [`${axis.title}: ${listed(axis)}`]))]),
  ];
}

function plotSection(title: string, { plots, left }: ChosenPlots): Block[] {
  return [
    heading(2, title),
    ...plots.map(({ id, title: name, subtitle }) => picture(id, `${name}. ${subtitle}`)),
    ...(left > 0 ? [paragraph(`${count(left, 'more plot')} left out: choose a host, a key or a time to see these.`)] : []),
  ];
}

function summary(points: readonly BenchmarkPoint[]): Block {
  const times = points.map(({ at }) => Date.parse(at));
  const first = times.reduce((a, b) => Math.min(a, b), Infinity);
  const last = times.reduce((a, b) => Math.max(a, b), -Infinity);
  const hosts = new Set(points.map(({ host }) => host)).size;
  const keys = new Set(points.flatMap(({ key }) => key.fingerprint ?? [])).size;
  const lost = points.filter(({ outcome }) => outcome !== 'measured').length;
  const minute = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
  return paragraph(
    `${count(points.length, 'point')} on ${count(hosts, 'host')} with ${count(keys, 'key')}, from ${minute(first)} to ${minute(last)} UTC.`,
    lost === 0 ? ' All were measured.' : ` ${String(lost)} of them hung or found the server unwell: they are shown as that, and count in no rate.`,
  );
}

function headingText(block: Block): string {
  const [first] = 'children' in block ? block.children : [];
  return first?.type === 'text' ? first.value : '';
}
