import type { QueryAnswer } from '@hsmfleet/web-api/schemas';
import { useMemo, useState } from 'preact/hooks';
import { hrefOf } from '../routing/match-path.ts';
import { Empty } from '../ui/notice.tsx';
import { nextOrder, orderRows, pageOf, type Order } from '../ui/order-rows.ts';
import { countOf } from '../ui/words.ts';
import { isNumeric, type Cell } from './query-columns.ts';
import { TablePager } from '../ui/table-pager.tsx';

const PAGE = 100;

/** Rows of an answer as they came; of any number of columns, so the table scrolls inside of its frame. */
export function AnswerTable({ answer: { columns, rows }, label = 'Rows' }: { answer: QueryAnswer; label?: string }) {
  const [order, setOrder] = useState<Order | undefined>(undefined);
  const [wanted, setPage] = useState(0);
  const numeric = useMemo(() => columns.map((_name, column) => isNumeric(rows, column)), [rows]);
  if (rows.length === 0) return <Empty>No row.</Empty>;
  const by = columns.indexOf(order?.column ?? '');
  const ordered = order === undefined || by < 0 ? rows : orderRows(rows, (row) => row[by], order.direction);
  const { rows: shown, page, pages } = pageOf(ordered, wanted, PAGE);
  return (
    <div class="stack tight">
      <div class="scroll" role="region" aria-label={label} tabIndex={0}>
        <table class="table-answer" aria-label={label}>
          <thead>
            <tr>
              {columns.map((name, index) => (
                <th key={index} scope="col" class={numeric[index] === true ? 'end' : undefined} aria-sort={order?.column === name ? order.direction : 'none'}>
                  <button type="button" class="head" onClick={() => { setOrder(nextOrder(order, name)); setPage(0); }}>
                    {name}{order?.column === name && <span class="arrow" aria-hidden="true">{order.direction === 'ascending' ? '▲' : '▼'}</span>}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, line) => (
              <tr key={line}>{row.map((cell, index) => <td key={index} class={numeric[index] === true ? 'end' : String(cell).length < 26 ? 'short' : undefined}><CellText name={columns[index] ?? ''} cell={cell} /></td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <div class="table-foot">
          <span role="status">{page * PAGE + 1}–{page * PAGE + shown.length} of {countOf(rows.length, 'row')}</span>
          <TablePager label={label} page={page} pages={pages} turn={setPage} />
        </div>
      )}
    </div>
  );
}

/** A cell; hosts, runs and controls lead to their pages. */
function CellText({ name, cell }: { name: string; cell: Cell }) {
  if (cell === null) return <span class="null">null</span>;
  const page = { host: '/hosts/:it', run: '/runs/:it', last_run: '/runs/:it', control: '/controls/:it', check: '/checks/:it' }[name];
  return page === undefined || cell === '' ? <>{String(cell)}</> : <a href={hrefOf(page, { it: String(cell) })}>{String(cell)}</a>;
}
