import { expect, test } from 'vitest';
import { monthGrid, shiftMonth } from './month-grid.ts';

test('months follow one another over the turn of the year, both ways', () => {
  expect(shiftMonth('2026-11', 3)).toBe('2027-02');
  expect(shiftMonth('2026-01', -1)).toBe('2025-12');
});

test('months have all their days, each under its weekday', () => {
  const [february, march] = monthGrid([{ day: '2028-02-29', count: 3 }, { day: '2028-03-01', count: 1 }, { day: '2028-05-01', count: 9 }], '2028-02', 2);
  expect(february).toMatchObject({ name: 'February 2028', firstWeekday: 2, count: 3 });
  expect(february?.days).toHaveLength(29);
  expect(february?.days.at(-1)).toEqual({ day: '2028-02-29', count: 3 });
  expect(march).toMatchObject({ firstWeekday: 3, count: 1 });
  expect(monthGrid([], '2026-11', 1)[0]?.firstWeekday).toBe(7);
});
