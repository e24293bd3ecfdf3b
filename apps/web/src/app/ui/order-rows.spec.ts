import { expect, test } from 'vitest';
import { nextOrder, orderRows, pageOf } from './order-rows.ts';

test('hosts are counted as people count, and what is unknown comes last both ways', () => {
  const hosts = ['web10', null, 'web2', 'Web1'];
  expect(orderRows(hosts, (host) => host, 'ascending')).toEqual(['Web1', 'web2', 'web10', null]);
  expect(orderRows(hosts, (host) => host, 'descending')).toEqual(['web10', 'web2', 'Web1', null]);
  expect(orderRows([10, 9, undefined, -1], (days) => days, 'ascending')).toEqual([-1, 9, 10, undefined]);
});

test('equal rows stay in their order', () => {
  const rows = [{ id: 1, type: 'rsa' }, { id: 2, type: 'ec' }, { id: 3, type: 'rsa' }];
  expect(orderRows(rows, ({ type }) => type, 'ascending').map(({ id }) => id)).toEqual([2, 1, 3]);
});

test('the same head turns the order around, another one begins anew', () => {
  const first = nextOrder(undefined, 'host');
  expect(first).toEqual({ column: 'host', direction: 'ascending' });
  expect(nextOrder(first, 'host').direction).toBe('descending');
  expect(nextOrder(nextOrder(first, 'host'), 'state')).toEqual({ column: 'state', direction: 'ascending' });
});

test('a page beyond the end is the last page', () => {
  const rows = Array.from({ length: 101 }, (_, index) => index);
  expect(pageOf(rows, 7, 50)).toEqual({ rows: [100], page: 2, pages: 3 });
  expect(pageOf([], 0, 50)).toEqual({ rows: [], page: 0, pages: 1 });
});
