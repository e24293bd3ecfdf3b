import { atInstant, column, since, sqlText, untilThen, type SqlText, type View } from './view.ts';

const host = column('host', 'text', 'name of the host in the hosts file');

/** Is a row the newest of those that agree with it in some columns? */
function isLast(table: string, time: string, ...alike: string[]): SqlText {
  const same = alike.map((name) => `later.${name} = ${table}.${name}`).join(' and ');
  return sqlText`cast(case when exists (select 1 from ${table} later where ${same} and later.${time} > ${table}.${time}${atInstant('', (now) => ` and later.${time} <= ${now}`)}) then 0 else 1 end as integer)`;
}

/** What is known of a run once it has ended. */
const ended = (name: string): SqlText => atInstant(name, (now) => `case when run.finished_at <= ${now} then ${name} end`);

const lastRun: SqlText = atInstant(
  'cast(case when task_result.run = host.last_run then 1 else 0 end as integer)',
  (now) => `cast(case when task_result.run = (select x.run from run_host x where x.host = task_result.host and x.last_event_at <= ${now}
    order by x.last_event_at desc, x.run desc limit 1) then 1 else 0 end as integer)`,
);

/** Views of tokens held against manifests, and of packages. */
export const PROOF_VIEWS: readonly View[] = [
  {
    name: 'custody',
    description: 'tokens held against their manifests, one row per run, host and token; `latest` marks the last look at each token of a host',
    from: since('custody_proof', 'at'),
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('latest', 'boolean', 'is it the last look at this token of this host', isLast('custody_proof', 'at', 'host', 'token')),
      column('module', 'text', 'path of the PKCS#11 library through which it was seen'),
      column('token', 'text', 'label of the token, as the host sees it'),
      column('token_serial', 'text', 'serial number; empty with some modules'),
      column('token_identity', 'text', 'hash over label, serial and public keys; joins tokens.identity'),
      column('verdict', 'text', 'proven: it is the one that was prepared; differs; unknown: no manifest tells of it; elsewhere: another host had it too'),
      column('manifest', 'text', 'SHA-256 of the manifest, hex; null when none tells of the token'),
      column('file', 'text', 'file of the manifest'),
      column('prepared_by', 'text', 'who prepared the token'),
      column('prepared_at', 'time', 'when it was prepared'),
      column('differences', 'text', 'what is not as it was prepared, one line each'),
      column('notes', 'text', 'what could not be compared, one line each'),
      column('collected_at', 'time', 'when it was looked at', 'at'),
    ],
  },
  {
    name: 'artifacts',
    description: 'packages that hosts built and that the package resource can install by name, one row per package file',
    from: since('artifact', 'built_at'),
    columns: [
      column('host', 'text', 'name of the host that built it', 'build_host'),
      column('name', 'text', 'name of the package'),
      column('version', 'text', "the package manager's version, revision included"),
      column('architecture', 'text', "in the package manager's own words: amd64, x86_64, all"),
      column('format', 'text', 'deb, rpm or arch'),
      column('sha256', 'text', 'of the package file, hex'),
      column('size', 'integer', 'bytes'),
      column('inputs_sha256', 'text', 'over the sources, options and build dependencies that it was built from, hex'),
      column('file', 'text', 'name of the package file'),
      column('built_at', 'time', 'when it was built'),
      column('run', 'text', 'id of the first run that told of it'),
      column('latest', 'boolean', 'is it the one of its name, format and architecture that was told of last: the one that is installed when no version is asked for', isLast('artifact', 'told_at', 'name', 'format', 'architecture')),
      column('told_run', 'text', 'id of the last run that told of it'),
      column('log', 'text', 'end of the build log'),
      column('collected_at', 'time', 'when a run last told of it', 'told_at'),
    ],
  },
];

/** Views of runs. */
export const RUN_VIEWS: readonly View[] = [
  {
    name: 'runs',
    description: 'one row per run and host',
    from: sqlText`${since('run_host', 'last_event_at')} join run on run.id = run_host.run`,
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('playbook', 'text', 'file that was run', 'run.playbook'),
      column('user', 'text', 'who ran it; in PostgreSQL write runs.user', 'run."user"'),
      column('check_mode', 'boolean', 'was it a dry run', 'run.check_mode'),
      column('version', 'text', 'version of hsmfleet', 'run.version'),
      column('started_at', 'time', 'start of the run', 'run.started_at'),
      column('finished_at', 'time', 'end of the run; null when it was cut off', untilThen('run.finished_at')),
      column('exit_code', 'integer', 'of the whole run', ended('run.exit_code')),
      column('duration_ms', 'real', 'of the whole run, milliseconds', ended('run.duration_ms')),
      column('status', 'text', 'how it ended on this host: ok, failed, refused, stopped or unreachable; running while it goes on'),
      column('error', 'text', 'the error that ended it on this host'),
      column('ok', 'integer', 'tasks that ended well, the changed ones included'),
      column('changed', 'integer', 'tasks that changed something (or would, in check mode)'),
      column('skipped', 'integer', 'tasks whose condition did not hold'),
      column('failed', 'integer', 'tasks that failed'),
      column('refused', 'integer', 'tasks stopped for safety'),
      column('ignored', 'integer', 'failures that the playbook ignores'),
      column('unreachable', 'integer', '1 when the host could not be reached'),
      column('collected_at', 'time', 'time of the last event of this host in the run', 'last_event_at'),
    ],
  },
  {
    name: 'task_results',
    description: 'one row per run, host and task; `latest` marks the last run of each host',
    from: sqlText`${since('task_result', 'at')} left join host on host.name = task_result.host`,
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('latest', 'boolean', 'does it belong to the last run of its host', lastRun),
      column('seq', 'integer', "number of the event in the host's run"),
      column('task', 'text', 'id of the task: play, t or h, index'),
      column('name', 'text', 'name of the task', 'task_result.name'),
      column('resource', 'text', 'which resource it used'),
      column('handler', 'boolean', 'is it a handler'),
      column('outcome', 'text', 'ok, changed, skipped, failed or refused'),
      column('ignored', 'boolean', 'failed, but the playbook ignores it'),
      column('duration_ms', 'real', 'milliseconds on the host'),
      column('changes', 'text', 'what was done, one line per step'),
      column('message', 'text', 'what debug, assert or a skipped task said'),
      column('error_code', 'text', 'documented error code'),
      column('error_message', 'text', 'what failed'),
      column('file', 'text', 'playbook file that defines the task'),
      column('line', 'integer', 'line in that file'),
      column('collected_at', 'time', 'when the task ended', 'at'),
    ],
  },
];
