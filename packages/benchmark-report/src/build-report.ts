import { HsmfleetError, type BenchmarkPoint } from '@hsmfleet/contract';
import { drawPlot } from './draw-plot.ts';
import { checkPoints } from './read-points.ts';
import { composeReport } from './report.ts';
import { writeHtml, writeMarkdown } from './write-documents.ts';

/** What a report can be written as. `json` is the points themselves, to be passed on. */
export const REPORT_FORMATS = ['markdown', 'html', 'svg', 'png', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** A file to write, below the folder of the report. */
export interface ReportFile {
  /** Relative path with slashes. */
  path: string;
  content: string | Buffer;
}

/**
 * Makes the files of a report: `report.md` (with pictures beside it when there are any), `report.html` (with the plots
 * inside), `plots/*.svg`, `plots/*.png`, `points.json`.
 * @throws HsmfleetError USAGE when there are no points
 */
export async function buildReport(given: readonly BenchmarkPoint[], formats: ReadonlySet<ReportFormat>): Promise<ReportFile[]> {
  if (given.length === 0) throw new HsmfleetError('USAGE', 'there is nothing to report: no benchmark points');
  const points = checkPoints(given, 'the points');
  const report = composeReport(points);
  const drawn = formats.has('html') || formats.has('svg') || formats.has('png');
  const svgs = new Map(drawn ? report.plots.map((plot) => [plot.id, drawPlot(plot)] as const) : []);
  const files: ReportFile[] = [];
  if (formats.has('markdown')) {
    const extension = formats.has('png') ? 'png' : formats.has('svg') ? 'svg' : undefined;
    files.push({ path: 'report.md', content: writeMarkdown(report, extension === undefined ? undefined : (id) => `plots/${id}.${extension}`) });
  }
  if (formats.has('html')) files.push({ path: 'report.html', content: writeHtml(report, svgs) });
  if (formats.has('svg')) for (const [id, content] of svgs) files.push({ path: `plots/${id}.svg`, content });
  if (formats.has('png')) {
    const { drawPng } = await import('./draw-png.ts');
    for (const [id, svg] of svgs) files.push({ path: `plots/${id}.png`, content: drawPng(svg) });
  }
  if (formats.has('json')) files.push({ path: 'points.json', content: `${JSON.stringify(points, null, 1)}\n` });
  return files;
}
