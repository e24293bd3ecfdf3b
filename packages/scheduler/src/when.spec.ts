import { HsmfleetError } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { parseWhen } from './when.ts';

const BERLIN = 'Europe/Berlin';

/** The next times, as UTC without milliseconds. */
function next(cron: string, timezone: string, after: string, count: number): string[] {
  const when = parseWhen(cron, timezone);
  const times: string[] = [];
  let at: Date | null = new Date(after);
  while (times.length < count && (at = when.next(at)) !== null) times.push(at.toISOString().replace('.000Z', 'Z'));
  return times;
}

describe('times', () => {
  it('follow the clock of their time zone over the year', () => {
    expect(next('30 2 * * *', BERLIN, '2026-01-10T00:00:00Z', 1)).toEqual(['2026-01-10T01:30:00Z']);
    expect(next('30 2 * * *', BERLIN, '2026-07-10T00:00:00Z', 1)).toEqual(['2026-07-10T00:30:00Z']);
    expect(next('30 2 * * *', 'UTC', '2026-07-10T00:00:00Z', 1)).toEqual(['2026-07-10T02:30:00Z']);
  });

  it('that the clock skips in spring are due right after the gap, once', () => {
    // 29 March 2026: 2:00 is followed by 3:00, which is 1:00 UTC
    expect(next('30 2 * * *', BERLIN, '2026-03-28T12:00:00Z', 3)).toEqual(['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z', '2026-03-31T00:30:00Z']);
    expect(next('30 2,14 * * *', BERLIN, '2026-03-28T20:00:00Z', 2)).toEqual(['2026-03-29T01:00:00Z', '2026-03-29T12:30:00Z']);
  });

  it('that the clock shows twice in autumn are due once', () => {
    // 25 October 2026: 3:00 is followed by 2:00, so that 2:30 is 0:30 and 1:30 UTC
    expect(next('30 2 * * *', BERLIN, '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z']);
  });

  it('at intervals go on through both', () => {
    expect(next('*/30 * * * *', BERLIN, '2026-03-29T00:20:00Z', 3)).toEqual(['2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z']);
    expect(next('*/30 * * * *', BERLIN, '2026-10-25T00:20:00Z', 4)).toEqual(['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z']);
  });

  it('know leap days', () => {
    expect(next('0 12 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual(['2028-02-29T12:00:00Z', '2032-02-29T12:00:00Z']);
    expect(next('0 0 L * *', 'UTC', '2028-02-01T00:00:00Z', 2)).toEqual(['2028-02-29T00:00:00Z', '2028-03-31T00:00:00Z']);
  });

  it('may have seconds, and names of days', () => {
    expect(next('*/20 * * * * *', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual(['2026-01-01T00:00:20Z', '2026-01-01T00:00:40Z', '2026-01-01T00:01:00Z']);
    expect(next('0 6 * * mon-fri', 'UTC', '2026-01-02T07:00:00Z', 1)).toEqual(['2026-01-05T06:00:00Z']);
    expect(next('@daily', 'UTC', '2026-01-02T07:00:00Z', 1)).toEqual(['2026-01-03T00:00:00Z']);
  });
});

describe('the latest time', () => {
  it('is that of an instant, when it is due right then', () => {
    const when = parseWhen('0 * * * *', 'UTC');
    expect(when.latest(new Date('2026-01-01T05:00:00.000Z'))?.toISOString()).toBe('2026-01-01T05:00:00.000Z');
    expect(when.latest(new Date('2026-01-01T04:59:59.999Z'))?.toISOString()).toBe('2026-01-01T04:00:00.000Z');
  });

  it('is found over a change of clocks', () => {
    expect(parseWhen('30 2 * * *', BERLIN).latest(new Date('2026-03-29T12:00:00Z'))?.toISOString()).toBe('2026-03-29T01:00:00.000Z');
    expect(parseWhen('0 12 29 2 *', 'UTC').latest(new Date('2027-01-01T00:00:00Z'))?.toISOString()).toBe('2024-02-29T12:00:00.000Z');
  });
});

describe('what is no time', () => {
  it.each([
    ['60 * * * *', 'UTC', '"60 * * * *" is no cron expression'],
    ['* * *', 'UTC', '"* * *" is no cron expression'],
    ['0 0 30 2 *', 'UTC', '"0 0 30 2 *" is never due'],
    ['0 0 * * * * 2020', 'UTC', 'is no cron expression'],
    ['0 0 * * *', 'Europe/Atlantis', '"Europe/Atlantis" is no time zone'],
  ])('%s in %s is told', (cron, timezone, message) => {
    expect(() => parseWhen(cron, timezone)).toThrow(HsmfleetError);
    expect(() => parseWhen(cron, timezone)).toThrow(message);
  });
});
