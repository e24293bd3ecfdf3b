import { hostFacts } from './inventory/host-facts.ts';
import { tableOf, valid } from './inventory/kind.ts';
import { atInstant, column, sqlText, textOf, type SqlText, type View } from './view.ts';

/** Hours after which an inventory snapshot counts as stale. */
export const FRESH_HOURS = 24;

/** The name of a plain column, which the present has in `h` and the past in what it is put together from. */
const own = (name: string, past: string): SqlText => atInstant(`h.${name}`, () => past);
const collectedAt = own('collected_at', 'c.at');
const problem = own('attempt_error', 'r.attempt_error');
const errors = own('inventory_errors', 'coalesce(c.errors, 0)');
const tokensAt: SqlText = atInstant('h.tokens_at', (now) => `(select max(t.at) from collection t where t.host = h.name and t.at <= ${now} and t.evidence = 'live')`);

/** The past is put together: the last snapshot and the last run of each host that had ended there by then. */
const from: SqlText = atInstant(
  sqlText`host h left join ${tableOf(hostFacts)} i on i.host = h.name and ${valid}`,
  (now, context) => `(select * from host where first_seen_at <= ${now}) h
    left join ${tableOf(hostFacts)} i on i.host = h.name and ${textOf(valid, context)}
    left join collection c on c.host = h.name and c.at = (select max(x.at) from collection x where x.host = h.name and x.at <= ${now})
    left join run_host r on r.host = h.name and r.run = (
      select x.run from run_host x where x.host = h.name and x.last_event_at <= ${now} order by x.last_event_at desc, x.run desc limit 1)`,
);

/** One row per host. */
export const HOSTS_VIEW: View = {
  name: 'hosts',
  description: 'one row per host that a run has ever tried to reach',
  from,
  columns: [
    column('host', 'text', 'name of the host in the hosts file', 'h.name'),
    column('state', 'text', 'fresh, stale (older than a day), error (the last try failed or was incomplete) or never (no inventory yet)', sqlText`case
        when ${problem} is not null or ${errors} > 0 then 'error'
        when ${collectedAt} is null then 'never'
        when ${isFresh(collectedAt)} then 'fresh'
        else 'stale' end`),
    column('collected_at', 'time', 'when the newest inventory snapshot was taken; null when there is none', collectedAt),
    column('age_hours', 'real', 'hours since then', (context) => context.dialect.hoursBetween(textOf(collectedAt, context), context.now)),
    column('tokens_read_at', 'time', 'when the newest inventory snapshot was taken that read tokens; null when there is none', tokensAt),
    column('inventory_errors', 'integer', 'errors in the newest inventory snapshot', errors),
    column('inventory_problem', 'text', 'why the last try to reach the host or to collect failed; null when it did not', problem),
    column('evidence', 'text', 'live, or passive: the token was left alone, because reading it disturbs the site', own('evidence', 'c.evidence')),
    column('disturbed', 'boolean', 'did collecting disturb a serving site; null when nothing served', own('disturbed', 'c.disturbed')),
    column('first_seen_at', 'time', 'first mention in a run', 'h.first_seen_at'),
    column('last_seen_at', 'time', 'last time an agent answered', atInstant('h.last_seen_at', (now) =>
      `(select max(x.last_event_at) from run_host x where x.host = h.name and x.last_event_at <= ${now} and x.status <> 'unreachable')`)),
    column('last_run', 'text', 'id of the last run that named the host', own('last_run', 'r.run')),
    column('last_status', 'text', 'how that run ended on the host: ok, failed, refused, stopped, unreachable; running while it goes on', own('last_status', 'r.status')),
    column('last_error', 'text', 'the error that ended that run on the host', own('last_error', 'r.error')),
    ...hostFacts.columns.map((fact) => ({ ...fact, sql: `i."${fact.name}"` })),
    column('agent', 'text', 'version of the agent that answered last; null when another instant is asked about', own('agent', 'cast(null as text)')),
    column('node', 'text', 'version of Node that ran it; null when another instant is asked about', own('node', 'cast(null as text)')),
  ],
};

/** Is a time less than {@link FRESH_HOURS} ago? */
function isFresh(time: SqlText): SqlText {
  return (context) => `${context.dialect.hoursBetween(textOf(time, context), context.now)} < ${String(FRESH_HOURS)}`;
}
