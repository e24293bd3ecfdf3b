import { expect, test } from 'vitest';
import { countOf, dayOf, daysLeftText, durationOf, minuteOf, relativeTime, urgencyOf } from './words.ts';

const now = new Date('2026-11-24T12:00:00Z');

test('times are said in UTC, whatever the reader has', () => {
  expect(dayOf('2026-11-24T23:59:59Z')).toBe('2026-11-24');
  expect(minuteOf('2026-11-24T23:59:59.123+01:00')).toBe('2026-11-24 22:59 UTC');
  expect(minuteOf('never')).toBe('never');
});

test.each([
  ['2026-11-24T11:59:58Z', 'just now'],
  ['2026-11-24T11:57:00Z', '3 minutes ago'],
  ['2026-11-24T15:10:00Z', 'in 3 hours'],
  ['2026-12-06T12:00:00Z', 'in 12 days'],
  ['2026-01-24T12:00:00Z', '9 months ago'],
  ['2024-11-01T00:00:00Z', '2 years ago'],
])('%s is %s', (time, text) => {
  expect(relativeTime(time, now)).toBe(text);
});

test('durations and counts', () => {
  expect([340.4, 4230, 200_000, 7_500_000].map(durationOf)).toEqual(['340 ms', '4.2 s', '3 min 20 s', '2 h 5 min']);
  expect([countOf(1, 'host'), countOf(1000, 'host'), countOf(0, 'entry', 'entries')]).toEqual(['1 host', '1,000 hosts', '0 entries']);
});

test('the last day still counts, the day after is over', () => {
  expect([-1, 0, 7, 8, 30, 31, null].map(urgencyOf)).toEqual(['over', 'week', 'week', 'month', 'month', 'later', 'later']);
  expect([-3, 0, 1, 12, null].map(daysLeftText)).toEqual(['3 days ago', 'today', 'in 1 day', 'in 12 days', 'unknown']);
});
