import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { HsmfleetError, type BenchmarkPoint } from '@hsmfleet/contract';
import { buildReport, type ReportFormat } from './build-report.ts';
import { MAX_PLOTS } from './choose-plots.ts';
import { PLOT_WIDTH } from './draw-plot.ts';
import { INK, LINE_COLORS } from './plot-style.ts';
import { EC, RSA, siegePoint, unhealthyPoint } from './testkit/make-points.ts';
import { fullSample, measuredPoints } from './testkit/sample-points.ts';

async function build(points: readonly BenchmarkPoint[], ...formats: ReportFormat[]): Promise<Map<string, string | Buffer>> {
  return new Map((await buildReport(points, new Set(formats))).map(({ path, content }) => [path, content]));
}

async function buildText(points: readonly BenchmarkPoint[], format: 'markdown' | 'html'): Promise<string> {
  return String((await build(points, format)).get(format === 'html' ? 'report.html' : 'report.md'));
}

describe('a report', () => {
  it('tells all of a rich sample in Markdown', async () => {
    const files = await build(fullSample(), 'markdown', 'svg');
    await expect(String(files.get('report.md'))).toMatchFileSnapshot('testdata/full-report.md');
    const pictures = [...String(files.get('report.md')).matchAll(/\]\((plots\/[^)]+)\)/g)].map(([, path]) => path);
    expect(pictures).toHaveLength(5);
    expect([...files.keys()].sort()).toEqual(['report.md', ...pictures].sort());
  });

  it('tells what a card gave in one page', async () => {
    await expect(await buildText(measuredPoints(), 'html')).toMatchFileSnapshot('testdata/measured-report.html');
  });

  it('is the same whenever it is made', async () => {
    await expect(buildText(fullSample(), 'html')).resolves.toBe(await buildText(fullSample(), 'html'));
  });

  it('does not depend on the order of the points', async () => {
    const points = fullSample();
    await expect(buildText([...points].reverse(), 'markdown')).resolves.toBe(await buildText(points, 'markdown'));
  });

  it('has no pictures in Markdown alone', async () => {
    expect(await buildText(measuredPoints(), 'markdown')).not.toContain('](plots');
  });

  it('passes points on that give the same report', async () => {
    const json = String((await build(fullSample(), 'json')).get('points.json'));
    await expect(buildText(JSON.parse(json) as BenchmarkPoint[], 'markdown')).resolves.toBe(await buildText(fullSample(), 'markdown'));
  });

  it('is refused when there are no points', async () => {
    await expect(buildReport([], new Set(['markdown']))).rejects.toThrow(HsmfleetError);
  });
});

describe('points without a measurement', () => {
  const hung = siegePoint({ concurrency: 60, outcome: 'hung', rate: 99.9, availability: 12.5, transactions: 31, problem: 'ended at its deadline' });
  const unhealthy = unhealthyPoint({ concurrency: 80 });

  it('are named as what they are, and none of their numbers is told', async () => {
    const markdown = await buildText([siegePoint({ concurrency: 5 }), hung, unhealthy], 'markdown');
    expect(markdown).toContain('| 60 | – | **hung** | – | – | – | – | – | – | – | – | – | – | hung; ended at its deadline |');
    expect(markdown).toContain('| 80 | – | **unhealthy** |');
    expect(markdown).toContain('60 users: hung');
    expect(markdown).not.toMatch(/99\.9|12\.5/);
  });

  it('get a mark in the plot, and a break in the line', async () => {
    const [five, ten] = [siegePoint({ concurrency: 5 }), siegePoint({ concurrency: 10 })];
    const svg = String((await build([five, ten, hung], 'svg')).get('plots/load-1.svg'));
    expect(svg).toContain('hung or unhealthy: no measurement');
    expect(String((await build([five, ten], 'svg')).get('plots/load-1.svg'))).not.toContain('hung');
  });

  it('make a report even when there is nothing else', async () => {
    const files = await build([unhealthy], 'markdown', 'html', 'svg', 'png');
    expect(String(files.get('report.md'))).toContain('**none**');
    expect([...files.keys()]).toContain('plots/load-1.png');
  });
});

describe('texts from hosts', () => {
  const nasty = '<script>alert(1)</script>|`x`&amp;"\'\u202eevil\u0007\n# no heading';
  const points = [5, 10].map((concurrency) => siegePoint({
    host: nasty, site: '<img src=x onerror=alert(1)>', path: '/a|b?<c>', token: ']](javascript:alert(1))', key: { ...RSA, label: '</title><svg onload=x>' }, concurrency,
    problem: '</svg>|<b>', driver: 'control',
  }));
  const both = [...points, ...points.map((point) => ({ ...point, host: 'plain', key: { ...EC, label: '|' } }))];

  it('open no element in the page', async () => {
    const html = await buildText(both, 'html');
    const names = new Set([...html.matchAll(/<([a-zA-Z][a-zA-Z0-9]*)/g)].map(([, name]) => name));
    expect([...names].sort()).toEqual([
      'a', 'body', 'clipPath', 'defs', 'div', 'g', 'h1', 'h2', 'h3', 'head', 'html', 'li', 'main', 'meta', 'p', 'path', 'rect', 'span', 'strong', 'style', 'svg', 'table',
      'tbody', 'td', 'text', 'th', 'thead', 'title', 'tr', 'ul',
    ]);
    expect(html).not.toMatch(/<[^>]*\son\w+=/);
    expect(html).not.toMatch(/[\u202e\u0007]/);
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
  });

  it('neither split cells nor open elements in Markdown', async () => {
    const markdown = await buildText(both, 'markdown');
    const lines = markdown.split('\n').filter((line) => line.startsWith('|'));
    const cells = (line: string): number => line.replaceAll('\\|', '').split('|').length;
    expect(lines.length).toBeGreaterThan(10);
    for (const [index, line] of lines.entries()) if (/^\|( -:? \|)+$/.test(line)) expect(cells(lines[index + 1] ?? '')).toBe(cells(line));
    expect(markdown).not.toMatch(/(?<!\\)<(script|img|svg|b|c)\b/);
    expect(markdown.match(/^# /gm)).toHaveLength(1);
    expect(markdown).not.toContain('](javascript');
  });

  it('leave the plots well-formed', async () => {
    for (const [path, content] of await build(both, 'png')) expect(PNG.sync.read(content as Buffer).width, path).toBe(PLOT_WIDTH * 2);
  });
});

describe('a PNG', () => {
  it('is twice the size of its SVG and shows ground, lines and text', async () => {
    const files = await build(measuredPoints(), 'svg', 'png');
    const height = Number(/height="(\d+)"/.exec(String(files.get('plots/load-1.svg')))?.[1]);
    const { data, width, height: pixels } = PNG.sync.read(files.get('plots/load-1.png') as Buffer);
    expect([width, pixels]).toEqual([PLOT_WIDTH * 2, height * 2]);
    const counts = new Map<number, number>();
    for (let at = 0; at < data.length; at += 4) {
      const color = data.readUIntBE(at, 3);
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
    const painted = (color: string): number => counts.get(Number.parseInt(color.slice(1), 16)) ?? 0;
    expect(painted(INK.ground)).toBeGreaterThan(width * pixels * 0.7);
    for (const { light } of LINE_COLORS.slice(0, 4)) expect(painted(light), light).toBeGreaterThan(500);
    // nothing but text has this colour: without a font there would be none
    expect(painted(INK.text)).toBeGreaterThan(2_000);
  });
});

describe('a report about very many points', () => {
  it('is made in bounded time, with a bounded number of plots', async () => {
    const points = Array.from({ length: 5_000 }, (_, index) => siegePoint({
      host: `web${String(index % 50)}`, key: index % 3 === 0 ? RSA : EC, mpm: index % 2 === 0 ? 'event' : 'prefork', concurrency: [5, 10, 20, 30, 40, 60][index % 6] ?? 1,
      at: new Date(Date.UTC(2026, 0, 1 + (index % 40))).toISOString(), rate: 5 + (index % 13), availability: index % 7 === 0 ? 93.2 : 100,
    }));
    const before = performance.now();
    const files = await build(points, 'markdown', 'html', 'svg');
    expect(performance.now() - before).toBeLessThan(15_000);
    expect([...files.keys()].filter((path) => path.endsWith('.svg'))).toHaveLength(MAX_PLOTS);
    expect(String(files.get('report.md'))).toMatch(/\d+ more plots left out/);
  }, 30_000);
});
