import type { WaiverUse } from '@hsmfleet/contract';

const DAY_MS = 86_400_000;

/** A waiver in words, with what is left of it or since when it does not hold: "waived by a.b until 2026-12-01 (7 days left): reason". */
export function waiverText({ reason, owner, until, expired }: WaiverUse, finishedAt: string): string {
  const days = Math.round((Date.parse(until) - Date.parse(finishedAt.slice(0, 10))) / DAY_MS);
  if (expired) return `the waiver of ${owner} expired after ${until}${Number.isNaN(days) ? '' : ` (${plural(-days, 'day')} ago)`}: ${reason}`;
  return `waived by ${owner} until ${until}${Number.isNaN(days) ? '' : ` (${days === 0 ? 'its last day' : `${plural(days, 'day')} left`})`}: ${reason}`;
}

/** "1 host", "2 hosts". */
export function plural(count: number, word: string): string {
  return `${String(count)} ${word}${count === 1 ? '' : 's'}`;
}
