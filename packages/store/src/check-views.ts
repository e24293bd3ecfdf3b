import { atInstant, column, since, sqlText, untilThen, type SqlText, type View } from './view.ts';

const host = column('host', 'text', 'name of the host in the hosts file');

const checkRun = since('check_run', 'finished_at');

/** Is it the last check of its schedule and profile, as of the instant asked about? */
const latest: SqlText = atInstant('check_run.latest', (now) => `cast(case when exists (select 1 from check_run later where later.profile = check_run.profile
  and coalesce(later.schedule, '') = coalesce(check_run.schedule, '') and later.finished_at > check_run.finished_at and later.finished_at <= ${now}) then 0 else 1 end as integer)`);

/** Checks after the instant asked about did not count yet. */
const lastSeen: SqlText = atInstant('last_seen_at', (now) => `case when last_seen_at <= ${now} then last_seen_at else ${now} end`);

/** Views of what checks found and what people were told. */
export const CHECK_VIEWS: readonly View[] = [
  {
    name: 'checks',
    description: 'one row per check of a profile',
    from: checkRun,
    columns: [
      column('check_id', 'text', 'id of the check; also of the run that read the hosts', 'id'),
      column('schedule', 'text', 'name of the schedule that asked for it; null when a person did'),
      column('profile', 'text', 'name of the profile'),
      column('title', 'text', 'title of the profile'),
      column('latest', 'boolean', 'is it the last check of its schedule and profile', latest),
      column('started_by', 'text', 'user whose process checked'),
      column('version', 'text', 'version of hsmfleet'),
      column('started_at', 'time', 'start of the check'),
      column('finished_at', 'time', 'end of the check'),
      column('hosts', 'integer', 'hosts that it was about'),
      column('pass', 'integer', 'results that are as they should be'),
      column('fail', 'integer', 'results with findings'),
      column('waived', 'integer', 'results with findings that somebody answers for'),
      column('error', 'integer', 'results that could not be judged'),
      column('unreachable', 'integer', 'results without evidence, since the host did not answer'),
      column('not_applicable', 'integer', 'results of controls that are not about the host'),
      column('collected_at', 'time', 'end of the check', 'finished_at'),
    ],
  },
  {
    name: 'check_results',
    description: 'one row per check, control and host; `latest` marks the last check of each schedule and profile',
    from: sqlText`check_result join ${checkRun} on check_run.id = check_result.check_id`,
    columns: [
      host,
      column('check_id', 'text', 'id of the check'),
      column('schedule', 'text', 'name of the schedule that asked for it; null when a person did', 'check_run.schedule'),
      column('profile', 'text', 'name of the profile', 'check_run.profile'),
      column('latest', 'boolean', 'does it belong to the last check of its schedule and profile', latest),
      column('control', 'text', 'id of the control'),
      column('severity', 'text', 'low, medium, high or critical'),
      column('outcome', 'text', 'pass, fail, waived, error, unreachable or not_applicable'),
      column('findings', 'integer', 'how many findings there are'),
      column('evidence', 'text', 'live: read by this check; passive: tokens were left alone; snapshot: an older one; null when there is nothing'),
      column('evidence_at', 'time', 'when what was judged was read from the host'),
      column('waiver_reason', 'text', 'reason of the waiver that silenced it, or would have if it had not expired'),
      column('waiver_owner', 'text', 'who answers for the waiver'),
      column('waiver_until', 'text', 'last day that the waiver holds'),
      column('waiver_expired', 'boolean', 'had it expired; null without a waiver'),
      column('error', 'text', 'why it could not be judged', 'check_result.error'),
      column('checked_at', 'time', 'end of the check', 'check_run.finished_at'),
      column('collected_at', 'time', 'when what was judged was read from the host', 'evidence_at'),
    ],
  },
  {
    name: 'findings',
    description: 'what controls found, open or resolved, one row from when it was first seen until it was resolved',
    from: since('finding', 'first_seen_at'),
    columns: [
      host,
      column('key', 'text', 'the same for the same finding in later checks'),
      column('control', 'text', 'id of the control'),
      column('severity', 'text', 'low, medium, high or critical'),
      column('profile', 'text', 'name of the profile'),
      column('schedule', 'text', 'name of the schedule; null when a person checked', "nullif(schedule, '')"),
      column('waived', 'boolean', 'does a waiver silence it'),
      column('message', 'text', 'one sentence for people'),
      column('row', 'text', 'the offending row, as a JSON object'),
      column('first_seen_at', 'time', 'end of the check that saw it first'),
      column('last_seen_at', 'time', 'end of the check that saw it last', lastSeen),
      column('resolved_at', 'time', 'end of the check that did not see it any more; null while it is open', untilThen('resolved_at')),
      column('first_check', 'text', 'id of the check that saw it first'),
      column('last_check', 'text', 'id of the check that saw it last'),
      column('collected_at', 'time', 'end of the check that saw it last', lastSeen),
    ],
  },
  {
    name: 'notifications',
    description: 'changes of state that people were told of, or are to be told of, one row per change and sink',
    from: since('notification', 'queued_at'),
    columns: [
      column('host', 'text', 'name of the host; null when it is about none'),
      column('sink', 'text', 'name of the sink'),
      column('kind', 'text', 'finding, resolved, host_lost, host_back, certificate_expires, waiver_expired, check_failed or check_recovered'),
      column('control', 'text', 'id of the control; null when it is about none'),
      column('severity', 'text', 'of the control'),
      column('title', 'text', 'one line for people'),
      column('queued_at', 'time', 'when it happened'),
      column('attempts', 'integer', 'how often it was tried'),
      column('next_at', 'time', 'not tried again before'),
      column('sent_at', 'time', 'when it was delivered; null when it was not', untilThen('sent_at')),
      column('given_up_at', 'time', 'when it was given up; null when it was not', untilThen('given_up_at')),
      column('error', 'text', 'why the last try failed'),
      column('collected_at', 'time', 'when it happened', 'queued_at'),
    ],
  },
];
