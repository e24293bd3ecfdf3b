import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { onThemeChange, resolveColour } from './theme.ts';

/** A line of a plot. */
export interface PlotLine {
  name: string;
  /** Custom property of its colour, such as `--fail`. */
  colour: string;
  /** As long as the plot's `x`; null leaves a gap. */
  values: readonly (number | null)[];
  /** Marks of their own for every point: where there are few of them. */
  points?: boolean;
}

/** Lines over time or over a number. */
export interface PlotData {
  /** Ascending; of time: seconds since 1970. */
  x: readonly number[];
  time: boolean;
  xName: string;
  lines: readonly PlotLine[];
}

/**
 * Lines on a canvas, drawn by uPlot, which is loaded when the first plot is. Readers of screens are led past it: the page has
 * the same numbers in words or in a table.
 */
export function Plot({ data, height = 200 }: { data: PlotData; height?: number }) {
  const place = useRef<HTMLDivElement>(null);
  const [colours, setColours] = useState(0);
  useEffect(() => onThemeChange(() => setColours((before) => before + 1)), []);
  useEffect(() => {
    const within = place.current;
    if (within === null) return undefined;
    let plot: uPlot | undefined;
    let gone = false;
    const resize = new ResizeObserver(() => plot?.setSize({ width: within.clientWidth, height }));
    void import('./load-uplot.ts').then(({ UPlot }) => {
      if (gone) return;
      plot = new UPlot({ ...options(data, within, height), tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') }, [data.x, ...data.lines.map(({ values }) => values)] as uPlot.AlignedData, within);
      resize.observe(within);
    });
    return () => {
      gone = true;
      resize.disconnect();
      plot?.destroy();
    };
  }, [data, height, colours]);
  // room is kept for the plot and its legend, so that nothing jumps when it is drawn
  return <div class="plot" aria-hidden="true" ref={place} style={{ minHeight: `${String(height + 32)}px` }} />;
}

function options(data: PlotData, within: HTMLElement, height: number): uPlot.Options {
  const [text, line] = [resolveColour('--text-soft', within), resolveColour('--line', within)];
  const font = `12px ${getComputedStyle(within).fontFamily}`;
  // the legend tells the newest values, and while the pointer is on the plot those below it
  const tellLast = (plot: uPlot): void => {
    if (plot.cursor.idx === null || plot.cursor.idx === undefined) plot.setLegend({ idx: data.x.length - 1 }, false);
  };
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width: within.clientWidth,
    height,
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: data.time }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    hooks: { ready: [tellLast], setCursor: [tellLast] },
    axes: [{ ...axis, space: 70, grid: { show: false }, ...(data.time ? { values: (_plot: uPlot, splits: number[], _axis: number, _space: number, step: number) => splits.map((at) => tickText(at, step)) } : {}) }, { ...axis, size: 56 }],
    series: [
      { label: data.xName, ...(data.time ? { value: '{YYYY}-{MM}-{DD} {HH}:{mm}' } : {}) },
      ...data.lines.map(({ name, colour, points }) => {
        const stroke = resolveColour(colour, within);
        return { label: name, stroke, width: 2, spanGaps: true, points: { show: points ?? data.x.length < 3, size: 7, fill: stroke, stroke } };
      }),
    ],
  };
}

/** A point on the axis of time, in UTC: a day, or below a day an hour. */
function tickText(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString();
  return step >= 86_400 ? text.slice(5, 10) : text.slice(11, 16);
}
