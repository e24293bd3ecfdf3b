import * as echarts from 'echarts/core';
import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import { shorten } from './format.ts';
import { DARK_STYLE, FONT_FAMILY, INK, LINE_COLORS, LINE_DASHES, LINE_MARKS } from './plot-style.ts';

echarts.use([LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** One line of a plot. */
export interface PlotLine {
  label: string;
  /** By ascending x; undefined where nothing was measured. */
  values: readonly { x: number; y: number | undefined; availability?: number; problem: 'hung' | 'unhealthy' | undefined }[];
  /** x of the point to ring, the knee. */
  ringed?: number | undefined;
}

/** What a plot shows. */
export interface Plot {
  /** File name without extension: lower-case letters, digits and dashes, unique in the report. */
  id: string;
  title: string;
  subtitle: string;
  xTitle: string;
  yTitle: string;
  /** Draws a second panel with the availability. */
  availability: boolean;
  /** At most as many as there are looks. */
  lines: readonly PlotLine[];
}

/** Width of every plot in CSS pixels. */
export const PLOT_WIDTH = 860;
const LEFT = 66;
const RIGHT = 26;
const MAIN_HEIGHT = 250;
const AVAILABILITY_HEIGHT = 110;
const ROW = 17;
const TICK_GAP = 30;

/** Draws a plot as a stand-alone SVG document that follows light and dark. */
export function drawPlot(plot: Plot): string {
  const layout = arrange(plot);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: PLOT_WIDTH, height: layout.height });
  try {
    chart.setOption(describePlot(plot, layout));
    return finishSvg(chart.renderToSVGString(), plot);
  } finally {
    chart.dispose();
  }
}

interface Panel { top: number; height: number }
interface Layout { main: Panel; availability: Panel | undefined; strip: Panel | undefined; legendTop: number; height: number; troubled: number[] }

function arrange(plot: Plot): Layout {
  const troubled = plot.lines.flatMap((line, index) => (line.values.some(({ problem }) => problem !== undefined) ? [index] : []));
  let y = 94;
  const place = (height: number, gap: number): Panel => {
    const panel = { top: y, height };
    y += height + gap;
    return panel;
  };
  const main = place(MAIN_HEIGHT, plot.availability ? 42 : 24);
  const availability = plot.availability ? place(AVAILABILITY_HEIGHT, 24) : undefined;
  if (troubled.length > 0) y += 12;
  const strip = troubled.length > 0 ? place(troubled.length * ROW, 24) : undefined;
  const legendTop = y + 26;
  return { main, availability, strip, legendTop, height: legendTop + plot.lines.length * 22 + 10, troubled };
}

function describePlot(plot: Plot, layout: Layout): echarts.EChartsCoreOption {
  const panels = [layout.main, layout.availability, layout.strip].filter((panel) => panel !== undefined);
  const last = panels.length - 1;
  const xs = [...new Set(plot.lines.flatMap(({ values }) => values.map(({ x }) => x)))].sort((a, b) => a - b);
  const scale = chooseScale(xs);
  const stripIndex = layout.strip === undefined ? -1 : last;
  const series = plot.lines.flatMap((line, index) => drawLine(plot, line, index, layout, stripIndex));
  return {
    animation: false,
    backgroundColor: INK.ground,
    textStyle: { fontFamily: FONT_FAMILY, color: INK.text },
    title: {
      left: 14, top: 10, text: shorten(plot.title, 92), subtext: shorten(plot.subtitle, 128), itemGap: 6,
      textStyle: { fontSize: 16, fontWeight: 'bold', color: INK.text, fontFamily: FONT_FAMILY },
      subtextStyle: { fontSize: 12, color: INK.faint, fontFamily: FONT_FAMILY },
    },
    legend: {
      orient: 'vertical', type: 'plain', left: LEFT - 12, top: layout.legendTop, itemWidth: 44, itemHeight: 11, itemGap: 8, selectedMode: false, padding: 0,
      textStyle: { color: INK.text, fontSize: 12, fontFamily: FONT_FAMILY, lineHeight: 14 },
      data: plot.lines.map((_, index) => ({ name: String(index) })),
      formatter: (name: string) => shorten(plot.lines[Number(name)]?.label ?? '', 118),
    },
    grid: panels.map(({ top, height }) => ({ left: LEFT, right: RIGHT, top, height })),
    xAxis: panels.map((_, index) => ({
      gridIndex: index, type: scale.type, min: scale.min, max: scale.max, ...(index === last ? { name: `${plot.xTitle}${scale.type === 'log' ? ' (logarithmic)' : ''}`, nameLocation: 'middle', nameGap: 28 } : {}),
      nameTextStyle: { color: INK.faint, fontSize: 12, fontFamily: FONT_FAMILY },
      axisLine: { show: true, onZero: false, lineStyle: { color: INK.axis } },
      axisTick: { show: index !== stripIndex, customValues: xs, lineStyle: { color: INK.axis } },
      axisLabel: { show: index === last, customValues: scale.labels, color: INK.text, fontFamily: FONT_FAMILY, hideOverlap: true, margin: 9 },
      splitLine: { show: false },
    })),
    yAxis: panels.map((_, index) => yAxis(plot, index, stripIndex, layout)),
    series,
  };
}

function yAxis(plot: Plot, index: number, stripIndex: number, layout: Layout): object {
  const name = { nameLocation: 'end', nameGap: 12, nameTextStyle: { color: INK.faint, fontSize: 12, align: 'left', padding: [0, 0, 0, -46], fontFamily: FONT_FAMILY } };
  const label = { color: INK.text, fontFamily: FONT_FAMILY };
  if (index === stripIndex) {
    return {
      ...name, gridIndex: index, type: 'value', min: 0, max: layout.troubled.length, name: 'hung or unhealthy: no measurement', interval: 1,
      axisLabel: { show: false }, axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false },
    };
  }
  const availability = index > 0;
  return {
    ...name, gridIndex: index, ...(availability ? { type: 'value', min: 0, max: 100, interval: 25 } : rateScale(plot)),
    name: availability ? 'availability, %' : `${plot.yTitle}${rateScale(plot).type === 'log' ? ' (logarithmic)' : ''}`, axisLabel: label, axisTick: { show: false },
    axisLine: { show: false }, splitLine: { lineStyle: { color: INK.grid } },
  };
}

/** From zero, unless some lines would lie flat on the ground beside others. */
function rateScale(plot: Plot): { type: 'value'; min: number; splitNumber: number } | { type: 'log' } {
  const tops = plot.lines.map(({ values }) => values.reduce((top, { y }) => Math.max(top, y ?? 0), 0)).filter((top) => top > 0);
  const all = plot.lines.flatMap(({ values }) => values.flatMap(({ y }) => y ?? []));
  const far = tops.length > 0 && Math.max(...tops) / Math.min(...tops) > 20;
  return far && all.every((y) => y > 0) ? { type: 'log' } : { type: 'value', min: 0, splitNumber: 5 };
}

function drawLine(plot: Plot, line: PlotLine, index: number, layout: Layout, stripIndex: number): object[] {
  const color = LINE_COLORS[index % LINE_COLORS.length]?.light ?? INK.text;
  const look = {
    name: String(index), type: 'line', silent: true, connectNulls: false, showAllSymbol: true, clip: false, symbol: LINE_MARKS[index % LINE_MARKS.length],
    // lines that lie on each other stay visible: later ones have smaller marks
    symbolSize: 12 - index, itemStyle: { color, borderWidth: 2 }, lineStyle: { color, width: 2, type: LINE_DASHES[index % LINE_DASHES.length] },
    z: 10 + index,
  };
  const row = layout.troubled.indexOf(index);
  const ring = line.values.find(({ x, y }) => x === line.ringed && y !== undefined);
  return [
    { ...look, xAxisIndex: 0, yAxisIndex: 0, data: line.values.map(({ x, y }) => [x, y ?? null]) },
    ...(plot.availability ? [{ ...look, xAxisIndex: 1, yAxisIndex: 1, data: line.values.map(({ x, availability }) => [x, availability ?? null]) }] : []),
    ...(ring === undefined ? [] : [{
      type: 'scatter', silent: true, clip: false, xAxisIndex: 0, yAxisIndex: 0, z: 9, symbol: 'circle', symbolSize: 22,
      itemStyle: { color: 'none', borderColor: color, borderWidth: 1.5, opacity: 1 }, data: [[ring.x, ring.y]],
    }]),
    ...(row === -1 ? [] : [{
      type: 'scatter', silent: true, clip: false, xAxisIndex: stripIndex, yAxisIndex: stripIndex, z: 10,
      symbol: 'path://M0,0L10,10M10,0L0,10', symbolSize: 9, itemStyle: { color: 'none', borderColor: color, borderWidth: 2.5, opacity: 1 },
      data: line.values.filter(({ problem }) => problem !== undefined).map(({ x }) => [x, layout.troubled.length - row - 0.5]),
    }]),
  ];
}

/** Every x measured gets a tick, and a label where there is room; a wide range is drawn on a logarithmic scale. */
function chooseScale(xs: readonly number[]): { type: 'value' | 'log'; min: number; max: number; labels: number[] } {
  const low = xs[0] ?? 1;
  const high = xs.at(-1) ?? 1;
  const log = low > 0 && high / low > 30;
  const span = log ? Math.log(high / low) : high - low;
  const margin = span === 0 ? 1 : span * 0.03;
  const place = (x: number): number => (span === 0 ? 0 : ((log ? Math.log(x / low) : x - low) / span) * (PLOT_WIDTH - LEFT - RIGHT) * 0.94);
  const labels: number[] = [];
  for (const x of [...xs].reverse()) {
    const right = labels.at(-1);
    if (right === undefined || place(right) - place(x) >= TICK_GAP) labels.push(x);
  }
  return log ? { type: 'log', min: low * Math.exp(-margin), max: high * Math.exp(margin), labels: labels.reverse() }
    : { type: 'value', min: low - margin, max: high + margin, labels: labels.reverse() };
}

/** Takes out what serves pages with scripts only, and makes the document the same whenever it is drawn. */
function finishSvg(svg: string, plot: Plot): string {
  const bare = svg.replace(/<style\s*>[\s\S]*?<\/style>/g, '').replace(/ (?:class="zr\d+-cls-\d+"|ecmeta_\w+="[^"]*"|pointer-events="visible")/g, '')
    .replace(/\bzr\d+-/g, `${plot.id}-`).replace(/(\.\d{2})\d+/g, '$1').replace(/\n+/g, '\n').trim();
  const open = bare.indexOf('>');
  const head = bare.slice(0, open).replace(/^<svg width="(\d+)" height="(\d+)"/, '<svg class="hsmfleet-plot" role="img" width="$1" height="$2"');
  return `${head}>\n<title>${echarts.format.encodeHTML(`${plot.title}. ${plot.subtitle}`)}</title>\n<style>${DARK_STYLE}</style>${bare.slice(open + 1)}\n`;
}
