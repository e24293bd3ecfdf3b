import type { SiegePoint } from '@hsmfleet/contract';
import { describeKeyKind, SIEGE_AXES, type Axis, type Names } from './axes.ts';
import { bullets, heading, paragraph, strong, table, type Block, type Column, type Inline } from './blocks.ts';
import { compare, type ComparisonRule } from './comparison.ts';
import { count, fixed, percent, ratio, seconds } from './format.ts';
import { findKnee } from './knee.ts';
import { noteOf, outcomeWord } from './outcome-text.ts';
import type { Cell, SiegeNumber, SiegeSeries } from './series.ts';

const siteGoesAlong = ['site', 'token', 'tool'] as const;

/** What is compared, in this order. A key has its own site, so these may differ with it; a host its own keys and token. */
const COMPARISONS: readonly { title: string; rule: ComparisonRule<SiegePoint> }[] = [
  { title: 'Keys', rule: { axis: 'key', ignore: siteGoesAlong } },
  { title: 'Process models of Apache', rule: { axis: 'mpm', ignore: siteGoesAlong, rank: (point) => (point.mpm === 'prefork' ? 0 : 1) } },
  { title: 'PKCS#11 modules', rule: { axis: 'module', ignore: siteGoesAlong } },
  {
    title: 'Hosts',
    rule: { axis: 'host', ignore: siteGoesAlong, loosely: { key: (point) => describeKeyKind(point.key), module: ({ module }) => (module === null ? '' : [module.description, module.version].join(' ')) } },
  },
  { title: 'Dates', rule: { axis: 'day', ignore: ['tool'], rank: (point) => Date.parse(point.at) } },
];

/** The best rate at which the key of a point signs without a server; undefined when that was not measured. */
export type SigningRate = (point: SiegePoint) => number | undefined;

/** The knees of full handshakes and of resumed sessions, apart. */
export function kneeSection(names: Names<SiegePoint>, all: readonly SiegeSeries[], signingRate: SigningRate): Block[] {
  const full = all.filter(({ sample }) => sample.resumption === 'full');
  const resumed = all.filter(({ sample }) => sample.resumption === 'resumed');
  const blocks: Block[] = [
    heading(2, 'Knees'),
    paragraph(
      'The knee is the highest concurrency with 100 % availability and nothing failed, at it and at every lower concurrency that was measured, in every repeat. ',
      '“or more” says that nothing higher was measured. Rates are medians over repeats.',
    ),
  ];
  if (full.length > 0) {
    blocks.push(
      heading(3, 'Full handshakes'),
      paragraph('Every transaction is a new connection with a full handshake, and each asks the token for one private-key operation: the rate is that of full handshakes.'),
      kneeTable(names, full, 'Handshakes/s at the knee', signingRate),
      ...kneeFindings(names, full),
    );
  }
  if (resumed.length > 0) {
    blocks.push(
      heading(3, 'Resumed sessions'),
      paragraph(
        'Here clients come back with a session that they had before. A resumed session asks nothing of the token, so these rates are not full handshakes and must not be added to them. ',
        'They matter because a site with its key in a token lives from resumption: the token sets the pace for new visitors only.',
      ),
      kneeTable(names, resumed, 'Transactions/s at the knee', () => undefined),
      ...resumptionGain(names, all),
    );
  } else {
    blocks.push(paragraph('Resumed sessions were not measured. They ask nothing of the token; what a site serves to returning visitors may be far more than the rates above.'));
  }
  return blocks;
}

function kneeTable(names: Names<SiegePoint>, series: readonly SiegeSeries[], rateTitle: string, signingRate: SigningRate): Block {
  const axes = namedAxes(names);
  const rated = series.some(({ sample }) => signingRate(sample) !== undefined);
  const columns: Column[] = [
    ...axes.map(({ title }) => ({ title })), { title: 'Knee (users)', number: true }, { title: rateTitle, number: true },
    { title: 'Best rate up to it (/s)', number: true },
    ...(rated ? [{ title: 'Best in % of signing rate', number: true }] : []), { title: 'What comes next' },
  ];
  const rows = series.map(({ sample, cells }): Inline[] => {
    const knee = findKnee(cells);
    const named = axes.map((axis) => names.name(axis, sample));
    if (knee === undefined) return [...named, strong('none'), '–', '–', ...(rated ? ['–'] : []), firstTrouble(cells)];
    const ceiling = signingRate(sample);
    const at = `${String(knee.concurrency)}${knee.open ? ' or more' : ''}`;
    return [
      ...named, strong(at), fixed(knee.rate, 1), `${fixed(knee.bestRate, 1)} at ${count(knee.bestAt, 'user')}`,
      ...(rated ? [ceiling === undefined || ceiling <= 0 ? '–' : fixed((knee.bestRate / ceiling) * 100, 0)] : []), knee.open ? 'not measured' : firstTrouble(cells),
    ];
  });
  return table(columns, rows);
}

function kneeFindings(names: Names<SiegePoint>, series: readonly SiegeSeries[]): Block[] {
  const axes = namedAxes(names).filter(({ id }) => id !== 'resumption');
  const waited = series.some(({ sample }) => sample.delayS > 0);
  const found = series.flatMap(({ sample, cells }) => {
    const knee = findKnee(cells);
    if (knee === undefined || sample.delayS > 0) return [];
    return [{ knee, name: axes.map((axis) => names.name(axis, sample)).join(', ') }];
  });
  const most = found.length === 0 ? undefined : found.reduce((a, b) => (b.knee.bestRate > a.knee.bestRate ? b : a));
  const blocks: Block[] = [];
  if (most !== undefined) {
    blocks.push(paragraph(
      'The most full handshakes per second without any failure: ', strong(fixed(most.knee.bestRate, 1)), ` at ${count(most.knee.bestAt, 'user')}`,
      most.name === '' ? '' : ` (${most.name})`, `; that is ${Math.floor(most.knee.bestRate * 60).toLocaleString('en')} new visitors a minute.`,
    ));
  }
  const none = series.filter(({ cells }) => findKnee(cells) === undefined).length;
  if (none > 0) blocks.push(paragraph(`${String(none)} of ${String(series.length)} have no knee: already the lowest concurrency measured failed, hung or found the server unwell.`));
  if (waited) blocks.push(paragraph('Where users wait between requests, the rate follows from the number of users as much as from the token: it is no limit of the token.'));
  return blocks;
}

function resumptionGain(names: Names<SiegePoint>, all: readonly SiegeSeries[]): Block[] {
  const found = compare({ axis: 'resumption', ignore: ['tool'], rank: (point) => (point.resumption === 'full' ? 0 : 1) }, SIEGE_AXES, names, all);
  const items = found.flatMap(({ shared, rows }): Inline[][] => {
    const full = rows.find(({ series }) => series.sample.resumption === 'full')?.series;
    const resumed = rows.find(({ series }) => series.sample.resumption === 'resumed')?.series;
    const gains = (full?.cells ?? []).flatMap(({ x, medians }) => {
      const other = resumed?.cells.find((cell) => cell.x === x)?.medians;
      return medians === undefined || other === undefined || medians.rate <= 0 ? [] : [`${ratio(other.rate, medians.rate)} at ${count(x, 'user')}`];
    });
    return gains.length === 0 ? [] : [[shared === '' ? '' : `${shared}: `, gains.join(', ')]];
  });
  return items.length === 0 ? [] : [paragraph('Resumed over full, by rate:'), bullets(items)];
}

/** Keys, process models, modules, hosts and dates held against each other. */
export function comparisonSection(names: Names<SiegePoint>, all: readonly SiegeSeries[]): Block[] {
  const parts = COMPARISONS.flatMap(({ title, rule }): Block[] => {
    const comparisons = compare(rule, SIEGE_AXES, names, all);
    return comparisons.length === 0 ? [] : [heading(3, title), ...comparisons.flatMap(({ shared, rows, xs }): Block[] => [
      ...(shared === '' ? [] : [paragraph(strong(shared))]),
      table(
        [{ title: '' }, ...xs.map((x) => ({ title: count(x, 'user'), number: true })), { title: 'Knee', number: true }],
        rows.map(({ label, series }) => [label, ...xs.map((x) => compareCell(series, rows[0]?.series, x)), kneeText(series.cells)]),
      ),
    ])];
  });
  if (parts.length === 0) return [];
  return [
    heading(2, 'Comparisons'),
    paragraph(
      'Transactions per second, the availability where it is below 100 %, and how many times the rate of the first row. All other conditions are the same; ',
      'of several days the newest counts, except where dates are compared. A rate with failures among it is no fair rival of one without.',
    ),
    ...parts,
  ];
}

function compareCell(series: SiegeSeries, base: SiegeSeries | undefined, x: number): Inline {
  const cell = series.cells.find((one) => one.x === x);
  if (cell === undefined) return 'not measured';
  if (cell.medians === undefined) return strong(outcomeWord(cell));
  const other = base === series ? undefined : base?.cells.find((one) => one.x === x)?.medians;
  return [
    `${fixed(cell.medians.rate, 1)}/s`,
    ...(cell.medians.availability < 100 ? [`${percent(cell.medians.availability)} %`] : []),
    ...(cell.hung + cell.unhealthy > 0 ? [outcomeWord(cell)] : []),
    ...(other === undefined ? [] : [ratio(cell.medians.rate, other.rate)]),
  ].join(', ');
}

/** A table for each key and each way in which it was measured. */
export function measurementSection(names: Names<SiegePoint>, all: readonly SiegeSeries[]): Block[] {
  const axes = names.telling.length > 0 ? names.telling : SIEGE_AXES.filter(({ id }) => id === 'key');
  return [
    heading(2, 'Measurements'),
    ...all.flatMap(({ sample, cells }): Block[] => [
      heading(3, axes.map((axis) => names.name(axis, sample)).join(', ')),
      measurementTable(cells),
    ]),
  ];
}

function measurementTable(cells: SiegeSeries['cells']): Block {
  const noted = cells.some((cell) => noteOf(cell) !== '');
  const titles = [
    'Users', 'Transactions', 'Availability (%)', 'Elapsed (s)', 'Data (MB)', 'Response time (s)', 'Rate (/s)', 'Throughput (MB/s)', 'Concurrency', 'Successful',
    'Failed', 'Longest (s)', 'Shortest (s)',
  ];
  return table(
    [...titles.map((title) => ({ title, number: true })), ...(noted ? [{ title: 'Note' }] : [])],
    cells.map((cell) => [String(cell.x), ...measures(cell), ...(noted ? [noteOf(cell)] : [])]),
  );
}

function measures(cell: Cell<SiegeNumber>): Inline[] {
  const { medians } = cell;
  if (medians === undefined) return ['–', strong(outcomeWord(cell)), ...Array.from({ length: 10 }, () => '–')];
  const whole = (value: number): string => fixed(value, Number.isInteger(value) ? 0 : 1);
  return [
    whole(medians.transactions), percent(medians.availability), fixed(medians.elapsedS, 2), fixed(medians.dataMB, 2), seconds(medians.responseS), fixed(medians.rate, 2),
    fixed(medians.throughput, 3), fixed(medians.reachedConcurrency, 2), whole(medians.successful), whole(medians.failed), seconds(medians.longestS), seconds(medians.shortestS),
  ];
}

function kneeText(cells: SiegeSeries['cells']): Inline {
  const knee = findKnee(cells);
  return knee === undefined ? 'none' : `${String(knee.concurrency)}${knee.open ? ' or more' : ''}`;
}

function firstTrouble(cells: SiegeSeries['cells']): string {
  const cell = cells.find((one) => !one.clean);
  if (cell === undefined) return 'nothing was measured';
  const users = count(cell.x, 'user');
  if (cell.hung + cell.unhealthy > 0) return `${users}: ${outcomeWord(cell)}`;
  const failed = cell.medians?.failed ?? 0;
  return `${users}: ${percent(cell.medians?.availability ?? 0)} % available${failed > 0 ? `, ${fixed(failed, 0)} failed` : ''}`;
}

/** What tells rows apart; the key always, for a table without one says little. */
function namedAxes(names: Names<SiegePoint>): readonly Axis<SiegePoint>[] {
  const telling = names.telling.filter(({ id }) => id !== 'resumption');
  return telling.some(({ id }) => id === 'key') ? telling : [...SIEGE_AXES.filter(({ id }) => id === 'key'), ...telling];
}
