import { expect, test } from 'vitest';
import { groupByMonth, shiftMonth } from './month-grid.ts';

test('months follow one another over the turn of the year, both ways', () => {
  expect(shiftMonth('2026-11', 3)).toBe('2027-02');
  expect(shiftMonth('2026-01', -1)).toBe('2025-12');
});

test('every item is in its month, and empty months are not left out', () => {
  const months = groupByMonth(['2026-12-31T23:59:59Z', '2027-02-01T00:00:00Z', '2026-12-01T00:00:00Z', '2027-03-01T00:00:00Z'], (time) => time, '2026-12', 3);
  expect(months.map(({ name, items }) => [name, items.length])).toEqual([['December 2026', 2], ['January 2027', 0], ['February 2027', 1]]);
});
