import { HsmfleetError } from '@hsmfleet/contract';
import { Cron } from 'croner';

/** When something is due. */
export interface When {
  /** The first instant after this one; null when there is none. */
  next(after: Date): Date | null;
  /** The last instant up to this one, itself included; null when there was none. */
  latest(upTo: Date): Date | null;
}

/**
 * Understands a cron expression: five fields, or six with seconds first, or @hourly, @daily, …; as in every cron, day of month
 * and day of week are alternatives when both are given.
 *
 * On days when clocks change, times without * and steps ("30 2 * * *") are due once: at the first instant after the gap when
 * the clock skips them, at the first of both when it shows them twice. Others ("*\/10 * * * *") follow the clock.
 * @param timezone name in the IANA time zone database: "Europe/Berlin"
 * @throws HsmfleetError USAGE for an expression or a time zone that is none
 */
export function parseWhen(cron: string, timezone: string): When {
  checkTimezone(timezone);
  let job: Cron;
  try {
    // paused, without a function: only its arithmetic is used. Its own timer knows nothing of runs that were missed
    job = new Cron(cron, { timezone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
  } catch (thrown) {
    throw new HsmfleetError('USAGE', `"${cron}" is no cron expression: ${reasonOf(thrown)}`, {
      hint: 'minute, hour, day of month, month, day of week: "30 2 * * *" is every day at 2:30', cause: thrown,
    });
  }
  const when: When = {
    next: (after) => job.nextRun(after),
    // what is asked for is "before", and runs are due on whole seconds
    latest: (upTo) => job.previousRuns(1, new Date(Math.floor(upTo.getTime() / 1_000) * 1_000 + 1_000))[0] ?? null,
  };
  if (when.next(new Date()) === null) throw new HsmfleetError('USAGE', `"${cron}" is never due`, { hint: 'there is no such day: 30 February, say' });
  return when;
}

function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch (thrown) {
    throw new HsmfleetError('USAGE', `"${timezone}" is no time zone`, { hint: 'name one as the IANA database does: Europe/Berlin, or UTC', cause: thrown });
  }
}

function reasonOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const reason = message.replace(/^CronPattern: /, '').replace(/\.$/, '');
  return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
}
