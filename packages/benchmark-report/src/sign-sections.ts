import type { SignPoint } from '@hsmfleet/contract';
import { SIGN_AXES, type Names } from './axes.ts';
import { heading, paragraph, strong, table, type Block, type Inline } from './blocks.ts';
import { compare, type ComparisonRule } from './comparison.ts';
import { count, fixed, ratio } from './format.ts';
import { noteOf, outcomeWord } from './outcome-text.ts';
import type { SignSeries } from './series.ts';

/** From so many times the rate of one session on, signing counts as parallel. */
const PARALLEL = 1.3;

const COMPARISONS: readonly { title: string; rule: ComparisonRule<SignPoint> }[] = [
  { title: 'Modules side by side', rule: { axis: 'module', ignore: ['token'] } },
  { title: 'Keys side by side', rule: { axis: 'key', ignore: ['token', 'algorithm'] } },
  { title: 'Dates side by side', rule: { axis: 'day', ignore: [], rank: (point) => Date.parse(point.at) } },
];

/** How fast keys sign without a server, and whether sessions help. */
export function signSection(names: Names<SignPoint>, all: readonly SignSeries[]): Block[] {
  const axes = names.telling.length > 0 ? names.telling : SIGN_AXES.filter(({ id }) => id === 'key' || id === 'module');
  const parts = all.flatMap((series): Block[] => {
    const told = scaling(series);
    return [
      heading(3, axes.map((axis) => names.name(axis, series.sample)).join(', ')),
      ...(told === undefined ? [] : [paragraph(told)]),
      signTable(series),
    ];
  });
  const compared = COMPARISONS.flatMap(({ title, rule }): Block[] => {
    const found = compare(rule, SIGN_AXES, names, all);
    return found.length === 0 ? [] : [heading(3, title), ...found.flatMap(({ shared, rows, xs }): Block[] => [
      ...(shared === '' ? [] : [paragraph(strong(shared))]),
      table(
        [{ title: '' }, ...xs.map((x) => ({ title: count(x, 'session'), number: true }))],
        rows.map(({ label, series }) => [label, ...xs.map((x) => compareCell(series, rows[0]?.series, x))]),
      ),
    ])];
  });
  return [
    heading(2, 'Signing rate of the token'),
    paragraph(
      'Signatures per second without any server: the most full handshakes per second that a server with this key can reach. ',
      'A rate that stays the same with more sessions says that signatures wait for each other: for a lock in the module, or for a token that signs one at a time. ',
      'Where more sessions help with another module on the same token, the lock is in the module.',
    ),
    ...compared, ...parts,
  ];
}

function scaling({ cells }: SignSeries): string | undefined {
  const one = cells.find(({ x }) => x === 1)?.medians;
  const many = cells.filter(({ x, medians }) => x > 1 && medians !== undefined);
  const best = many.length === 0 ? undefined : many.reduce((a, b) => ((b.medians?.rate ?? 0) > (a.medians?.rate ?? 0) ? b : a));
  if (one === undefined || best?.medians === undefined || one.rate <= 0) return undefined;
  const times = ratio(best.medians.rate, one.rate);
  return best.medians.rate / one.rate >= PARALLEL
    ? `Sessions help: ${times} with ${count(best.x, 'session')}.`
    : `Sessions do not help: at best ${times}, with ${count(best.x, 'session')}. Signatures wait for each other.`;
}

function signTable({ cells }: SignSeries): Block {
  const noted = cells.some((cell) => noteOf(cell) !== '');
  const base = cells.find(({ x }) => x === 1)?.medians;
  const titles = ['Sessions', 'Signatures', 'Failed', 'Elapsed (s)', 'Rate (/s)', 'Rate of each session (/s)', 'Over one session'];
  return table(
    [...titles.map((title) => ({ title, number: true })), ...(noted ? [{ title: 'Note' }] : [])],
    cells.map((cell): Inline[] => {
      const { medians } = cell;
      const numbers: Inline[] = medians === undefined ? [strong(outcomeWord(cell)), '–', '–', '–', '–', '–'] : [
        fixed(medians.signatures, 0), fixed(medians.failed, 0), fixed(medians.elapsedS, 2), fixed(medians.rate, 2), fixed(medians.rate / Math.max(1, cell.x), 2),
        base === undefined ? '–' : ratio(medians.rate, base.rate),
      ];
      return [String(cell.x), ...numbers, ...(noted ? [noteOf(cell)] : [])];
    }),
  );
}

function compareCell(series: SignSeries, base: SignSeries | undefined, x: number): Inline {
  const cell = series.cells.find((one) => one.x === x);
  if (cell === undefined) return 'not measured';
  if (cell.medians === undefined) return strong(outcomeWord(cell));
  const other = base === series ? undefined : base?.cells.find((one) => one.x === x)?.medians;
  return [
    `${fixed(cell.medians.rate, 1)}/s`, ...(cell.medians.failed > 0 ? [`${fixed(cell.medians.failed, 0)} failed`] : []),
    ...(cell.hung + cell.unhealthy > 0 ? [outcomeWord(cell)] : []), ...(other === undefined ? [] : [ratio(cell.medians.rate, other.rate)]),
  ].join(', ');
}
