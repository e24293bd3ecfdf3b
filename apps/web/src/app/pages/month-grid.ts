/** A month with what ends in it. */
export interface Month<Item> {
  /** `2026-11` */
  month: string;
  /** `November 2026` */
  name: string;
  items: Item[];
}

const nameFormat = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** `2026-11` of a time or of a date. */
export function monthOf(time: string): string {
  return time.slice(0, 7);
}

/** The month that lies `by` months after another. */
export function shiftMonth(month: string, by: number): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** `count` months from one on, each with the items that end in it; months in which nothing ends are there as well. */
export function groupByMonth<Item>(items: readonly Item[], timeOf: (item: Item) => string, first: string, count: number): Month<Item>[] {
  const months = Array.from({ length: count }, (_, index) => shiftMonth(first, index));
  return months.map((month) => ({
    month,
    name: nameFormat.format(new Date(`${month}-01T00:00:00Z`)),
    items: items.filter((item) => monthOf(timeOf(item)) === month),
  }));
}
