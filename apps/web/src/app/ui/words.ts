const dateFormat = new Intl.DateTimeFormat('en-CA', { dateStyle: 'short', timeZone: 'UTC' });

/** `2026-11-24`, UTC. */
export function dayOf(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : dateFormat.format(date);
}

/** `2026-11-24 14:05 UTC`: the same words for readers in all time zones, as in the program's own output. */
export function minuteOf(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

const STEPS: readonly [limitSeconds: number, unitSeconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, 'second'], [3600, 60, 'minute'], [86_400, 3600, 'hour'], [45 * 86_400, 86_400, 'day'], [540 * 86_400, 30.44 * 86_400, 'month'],
  [Infinity, 365.25 * 86_400, 'year'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** `3 minutes ago`, `in 12 days`. */
export function relativeTime(time: string, now: Date): string {
  const seconds = (new Date(time).getTime() - now.getTime()) / 1000;
  if (Number.isNaN(seconds)) return time;
  if (Math.abs(seconds) < 5) return 'just now';
  const [, unitSeconds, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? (STEPS[5] as (typeof STEPS)[number]);
  return relative.format(Math.trunc(seconds / unitSeconds), unit);
}

/** `340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationOf(milliseconds: number): string {
  if (milliseconds < 1000) return `${String(Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 60) return `${String(minutes)} min ${String(Math.floor((milliseconds % 60_000) / 1000))} s`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}

const number = new Intl.NumberFormat('en');

/** `1 host`, `1,000 hosts`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${number.format(count)} ${count === 1 ? noun : plural}`;
}

/** How urgent an expiry is. */
export type Urgency = 'over' | 'week' | 'month' | 'later';

/** The steps at which people are told of a certificate: over, a week, a month. */
export function urgencyOf(daysLeft: number | null): Urgency {
  if (daysLeft === null) return 'later';
  return daysLeft < 0 ? 'over' : daysLeft <= 7 ? 'week' : daysLeft <= 30 ? 'month' : 'later';
}

/** `in 12 days`, `today`, `3 days ago`. */
export function daysLeftText(daysLeft: number | null): string {
  if (daysLeft === null) return 'unknown';
  if (daysLeft === 0) return 'today';
  return daysLeft > 0 ? `in ${countOf(daysLeft, 'day')}` : `${countOf(-daysLeft, 'day')} ago`;
}
