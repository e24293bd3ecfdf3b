/** A day of a month. */
export interface Day {
  /** `2026-11-24` */
  day: string;
  count: number;
}

/** A month as calendars show it. */
export interface Month {
  /** `2026-11` */
  month: string;
  /** `November 2026` */
  name: string;
  /** Weekday of the first day: 1 is Monday, 7 Sunday. */
  firstWeekday: number;
  days: Day[];
  /** Sum of its days. */
  count: number;
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

/** `count` months from one on, with all their days; days that are not counted have 0. */
export function monthGrid(counted: readonly Day[], first: string, count: number): Month[] {
  const counts = new Map(counted.map((one) => [one.day, one.count]));
  return Array.from({ length: count }, (_, index) => shiftMonth(first, index)).map((month) => {
    const [year, number] = month.split('-').map(Number) as [number, number];
    const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
    const days = Array.from({ length }, (_, index) => {
      const day = `${month}-${String(index + 1).padStart(2, '0')}`;
      return { day, count: counts.get(day) ?? 0 };
    });
    const start = new Date(Date.UTC(year, number - 1, 1));
    return { month, name: nameFormat.format(start), firstWeekday: start.getUTCDay() === 0 ? 7 : start.getUTCDay(), days, count: days.reduce((sum, day) => sum + day.count, 0) };
  });
}
