/** A cell of an answer. */
export type Cell = string | number | null;

/** True when every value of a column that there is, is a number: such columns stand at the end. */
export function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  let seen = false;
  for (const row of rows) {
    const cell = row[column];
    if (cell === null || cell === undefined) continue;
    if (typeof cell !== 'number') return false;
    seen = true;
  }
  return seen;
}

/** A text with another put in place of what is selected, and where the cursor then stands. */
export function insertAt(text: string, start: number, end: number, insertion: string): { text: string; cursor: number } {
  const before = text.slice(0, start);
  const space = before !== '' && !/[\s(,.]$/.test(before) ? ' ' : '';
  return { text: `${before}${space}${insertion}${text.slice(end)}`, cursor: start + space.length + insertion.length };
}

/** When a query is asked: a date means its end, so that `as of today` is what is known by then. Undefined: now. */
export function asOfTime(date: string): string | undefined {
  return date === '' ? undefined : `${date}T23:59:59.999Z`;
}
