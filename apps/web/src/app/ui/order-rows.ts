/** What cells are sorted by: numbers as numbers, text as people do (`web2` before `web10`), nothing last. */
export type SortValue = string | number | null | undefined;

/** Which column a table is sorted by. */
export interface Order {
  column: string;
  direction: 'ascending' | 'descending';
}

const people = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** A sorted copy; rows without a value come last in both directions, equal rows stay in their order. */
export function orderRows<Row>(rows: readonly Row[], valueOf: (row: Row) => SortValue, direction: Order['direction']): Row[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return rows
    .map((row) => ({ row, value: valueOf(row) ?? null }))
    .sort((left, right) => {
      if (left.value === null || right.value === null) return Number(left.value === null) - Number(right.value === null);
      if (typeof left.value === 'number' && typeof right.value === 'number') return sign * (left.value - right.value);
      return sign * people.compare(String(left.value), String(right.value));
    })
    .map(({ row }) => row);
}

/** What a click on a column's head leads to: another column begins ascending, the same one turns around. */
export function nextOrder(order: Order | undefined, column: string): Order {
  return { column, direction: order?.column === column && order.direction === 'ascending' ? 'descending' : 'ascending' };
}

/** A page of rows; a page that is gone, since rows were filtered away, is the last one there is. */
export function pageOf<Row>(rows: readonly Row[], page: number, size: number): { rows: Row[]; page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const shown = Math.min(Math.max(0, page), pages - 1);
  return { rows: rows.slice(shown * size, (shown + 1) * size), page: shown, pages };
}
