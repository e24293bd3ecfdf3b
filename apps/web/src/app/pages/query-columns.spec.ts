import { expect, test } from 'vitest';
import { asOfTime, insertAt, isNumeric } from './query-columns.ts';

test('a column is of numbers when all that is in it are numbers', () => {
  const rows = [[1, 'a', null], [null, 2, null], [3, 'b', null]];
  expect([0, 1, 2].map((column) => isNumeric(rows, column))).toEqual([true, false, false]);
});

test('a name is put where the cursor is, apart from what stands before it', () => {
  expect(insertAt('select  from keys', 7, 7, 'host')).toEqual({ text: 'select host from keys', cursor: 11 });
  expect(insertAt('select host,', 12, 12, 'bits')).toEqual({ text: 'select host,bits', cursor: 16 });
  expect(insertAt('select host', 11, 11, 'bits').text).toBe('select host bits');
  expect(insertAt('', 0, 0, 'select').text).toBe('select');
});

test('a date means its end', () => {
  expect(asOfTime('2026-11-01')).toBe('2026-11-01T23:59:59.999Z');
  expect(asOfTime('')).toBeUndefined();
});
