import { HsmfleetError } from '@hsmfleet/contract';

/**
 * Reads an instant that a person wrote.
 * @param text ISO 8601: a date (2026-11-01, UTC), or a date and a time with its offset (2026-11-01T12:00Z)
 * @param edge which end of the day a bare date means
 * @param name what it is, for the error
 * @throws HsmfleetError USAGE
 */
export function parseInstant(text: string, edge: 'start' | 'end', name: string): Date {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? new Date(`${text}T${edge === 'start' ? '00:00:00.000' : '23:59:59.999'}Z`)
    : /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(text) ? new Date(text.replace(' ', 'T')) : new Date(NaN);
  // 2026-02-31 would become a day of March
  const day = Number.isNaN(date.getTime()) || (text.length === 10 && date.toISOString().slice(0, 10) !== text) ? undefined : date;
  if (day === undefined) {
    throw new HsmfleetError('USAGE', `${name} wants a date or a time, not "${text}"`, { hint: 'write 2026-11-01 (UTC), or a time with its offset such as 2026-11-01T12:00Z' });
  }
  return day;
}

/** The instant that an answer is to be about, as stored times are written; a date means its end, and nothing is later than now. */
export function asOfInstant(text: string, now = new Date()): string {
  const instant = parseInstant(text, 'end', 'the instant to answer for');
  return (instant > now ? now : instant).toISOString();
}
