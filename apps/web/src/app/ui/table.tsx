import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Empty } from './notice.tsx';
import { nextOrder, orderRows, pageOf, type Order, type SortValue } from './order-rows.ts';
import { countOf } from './words.ts';
import { TablePager } from './table-pager.tsx';

/** A column of a table. */
export interface Column<Row> {
  id: string;
  title: string;
  cell(row: Row): ComponentChildren;
  /** What it is sorted by; a column without it cannot be sorted. */
  sort?(row: Row): SortValue;
  /** Numbers stand at the end of their column. */
  end?: boolean;
  /** True when there is nothing in a cell: cards leave it out. */
  empty?(row: Row): boolean;
}

/** What stands in for a table's own order and pages where the server has them, since it has more rows than a page wants to load. */
export interface RemoteRows {
  total: number;
  /** From 0 on. */
  page: number;
  pageSize: number;
  order: Order;
  setOrder(order: Order): void;
  setPage(page: number): void;
}

/**
 * A table that is sorted by its heads and comes in pages. Its first column names the row. Where there is little room, every
 * row becomes a card with the heads as labels, and a list to choose the order stands in for the heads.
 */
export function Table<Row>({ label, columns: allColumns, rows, keyOf, order: initialOrder, pageSize: ownPageSize = 50, empty, noun, rest, remote }: {
  /** What the table is about, for those who do not see where it stands. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf(row: Row): string;
  order?: Order;
  pageSize?: number;
  /** Said when there are no rows. */
  empty: ComponentChildren;
  /** One row: "host". */
  noun: string;
  /** Stands after the count, such as a way to have more rows. */
  rest?: ComponentChildren;
  /** The rows are one page of many, in the server's order; the `sort` of columns then says only that there is such an order. */
  remote?: RemoteRows;
}) {
  const [ownOrder, setOwnOrder] = useState(initialOrder);
  const [wantedPage, setOwnPage] = useState(0);
  const sortId = useId();
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  // a column in which no row has anything tells nothing
  const columns = allColumns.filter(({ empty: isEmpty }) => isEmpty === undefined || rows.some((row) => !isEmpty(row)));

  const order = remote?.order ?? ownOrder;
  const setPage = remote?.setPage ?? setOwnPage;
  const choose = (next: Order): void => {
    if (remote !== undefined) return remote.setOrder(next);
    setOwnOrder(next);
    setOwnPage(0);
  };
  const by = columns.find(({ id }) => id === order?.column);
  const ordered = remote !== undefined || by?.sort === undefined || order === undefined ? rows : orderRows(rows, by.sort, order.direction);
  const pageSize = remote?.pageSize ?? ownPageSize;
  const total = remote?.total ?? rows.length;
  const { rows: shown, page, pages } = remote === undefined ? pageOf(ordered, wantedPage, pageSize) : { rows, page: remote.page, pages: Math.max(1, Math.ceil(total / pageSize)) };

  return (
    <div class={`table ${columns.length <= 3 ? 'few' : columns.length <= 6 ? 'some' : 'many'}`}>
      {rows.length > 1 && <SortChoice id={sortId} columns={columns} order={order} choose={choose} />}
      {/* the roles are said aloud, since cards are no tables to some browsers */}
      <table class="table-cards" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Head key={column.id} column={column} direction={order?.column === column.id ? order.direction : undefined} turn={() => choose(nextOrder(order, column.id))} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr role="row" key={keyOf(row)}>
              {columns.map(({ id, title, cell, end, empty: isEmpty }, index) =>
                index === 0
                  ? <th key={id} role="rowheader" scope="row">{cell(row)}</th>
                  : <td key={id} role="cell" class={end === true ? 'end' : undefined} data-label={title} data-empty={isEmpty?.(row) === true ? 'true' : undefined}><div>{cell(row)}</div></td>,
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {(pages > 1 || rest !== undefined) && (
        <div class="table-foot">
          <span role="status">{pages > 1 ? `${String(page * pageSize + 1)}–${String(page * pageSize + shown.length)} of ${countOf(total, noun)}` : countOf(total, noun)} {rest}</span>
          {pages > 1 && <TablePager label={label} page={page} pages={pages} turn={setPage} />}
        </div>
      )}
    </div>
  );
}

function Head<Row>({ column: { title, sort, end }, direction, turn }: { column: Column<Row>; direction: Order['direction'] | undefined; turn(): void }) {
  return (
    <th role="columnheader" scope="col" class={end === true ? 'end' : undefined} aria-sort={sort === undefined ? undefined : (direction ?? 'none')}>
      {sort === undefined ? title : (
        <button type="button" onClick={turn}>
          {title}{direction !== undefined && <span class="arrow" aria-hidden="true">{direction === 'ascending' ? '▲' : '▼'}</span>}
        </button>
      )}
    </th>
  );
}

function SortChoice<Row>({ id, columns, order, choose }: { id: string; columns: readonly Column<Row>[]; order: Order | undefined; choose(order: Order): void }) {
  const sortable = columns.filter(({ sort }) => sort !== undefined);
  if (sortable.length === 0) return null;
  return (
    <div class="field sort-by">
      <label for={id}>Sort by</label>
      <select id={id} value={order === undefined ? '' : `${order.column} ${order.direction}`} onChange={(event) => {
        const [column, direction] = event.currentTarget.value.split(' ');
        if (column !== undefined && (direction === 'ascending' || direction === 'descending')) choose({ column, direction });
      }}>
        {order === undefined && <option value="">as it is</option>}
        {sortable.flatMap(({ id: column, title }) => [
          <option key={`${column}+`} value={`${column} ascending`}>{title}, ascending</option>,
          <option key={`${column}-`} value={`${column} descending`}>{title}, descending</option>,
        ])}
      </select>
    </div>
  );
}
