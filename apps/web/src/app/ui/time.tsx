import { dayOf, daysLeftText, minuteOf, relativeTime, urgencyOf } from './words.ts';

/** A point in time as a reader wants it: how long ago; the exact time is in the title and, with `exact`, beside it. */
export function Time({ at, exact = false }: { at: string | null; exact?: boolean }) {
  if (at === null) return <span class="soft">never</span>;
  const ago = relativeTime(at, new Date());
  return (
    <time datetime={at} title={minuteOf(at)}>
      {exact ? `${minuteOf(at)} (${ago})` : ago}
    </time>
  );
}

/** The end of a certificate, in the colour of its urgency. */
export function Expiry({ at, daysLeft }: { at: string; daysLeft: number | null }) {
  const urgency = urgencyOf(daysLeft);
  return (
    <span class={`urgency-${urgency}`}>
      <time datetime={at} class="nowrap">{dayOf(at)}</time> <span class="nowrap">({daysLeftText(daysLeft)})</span>
    </span>
  );
}
