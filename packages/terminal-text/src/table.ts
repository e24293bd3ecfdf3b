import Table from 'cli-table3';
import type { Colors } from './colors.ts';
import { printable } from './printable.ts';

/** A cell to print: null is shown as "-". */
export type TableCell = string | number | null;

const NO_BORDER = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
};

/** Aligned columns under bold headings, without borders; control characters are escaped. Ends with a line end. */
export function formatTable(columns: readonly string[], rows: readonly (readonly TableCell[])[], colors: Colors): string {
  const numeric = columns.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === 'number' || row[index] === null));
  const table = new Table({
    head: columns.map((name) => colors.bold(printable(name))),
    chars: NO_BORDER,
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => (cell === null ? '-' : printable(String(cell)))));
  return table.toString().split('\n').map((line) => `${line.trimEnd()}\n`).join('');
}
