/** A column of a documented view. */
export interface ViewColumn {
  name: string;
  /** `boolean` is 0 or 1; `time` is ISO 8601 in UTC, so it compares and sorts as text. */
  type: 'text' | 'integer' | 'real' | 'boolean' | 'time';
  description: string;
  /** The SQL expression behind it when it is not a plain column. */
  sql?: string;
}

/** A view that people query: documentation, error messages and SQL come from this one declaration. */
export interface View {
  name: string;
  description: string;
  /** The FROM clause. */
  from: string;
  columns: readonly ViewColumn[];
}

const column = (name: string, type: ViewColumn['type'], description: string, sql?: string): ViewColumn => ({
  name, type, description, ...(sql === undefined ? {} : { sql }),
});
const host = column('host', 'text', 'name of the host in the hosts file');
const collectedAt = column('collected_at', 'time', 'when the inventory snapshot that this row belongs to was taken');
const fact = (name: string, description: string, path = name) =>
  column(name, 'text', description, `json_extract(facts, '$.${path}')`);
const onToken = [
  column('module', 'text', 'path of the PKCS#11 library through which it was seen'),
  column('token', 'text', 'label of the token'),
  column('token_serial', 'text', 'serial number of the token; empty with some modules'),
  column('token_identity', 'text', 'hash over label, serial and public keys: tells equal tokens apart from equal labels'),
];

/** Hours after which an inventory snapshot counts as stale. */
export const FRESH_HOURS = 24;

/** Every view, in the order of the documentation. */
export const VIEWS: readonly View[] = [
  {
    name: 'hosts',
    description: 'one row per host that a run has ever tried to reach',
    from: 'host',
    columns: [
      column('host', 'text', host.description, 'name'),
      column('state', 'text', 'fresh, stale (older than a day), error (the last try failed or was incomplete) or never (no inventory yet)', `case
        when attempt_error is not null or inventory_errors > 0 then 'error'
        when collected_at is null then 'never'
        when julianday('now') - julianday(collected_at) < ${String(FRESH_HOURS)} / 24.0 then 'fresh'
        else 'stale' end`),
      column('collected_at', 'time', 'when the newest inventory snapshot was taken; null when there is none'),
      column('inventory_errors', 'integer', 'errors in the newest inventory snapshot'),
      column('inventory_problem', 'text', 'why the last try to reach the host or to collect failed; null when it did not', 'attempt_error'),
      column('evidence', 'text', 'live, or passive: the token was left alone, because reading it disturbs the site'),
      column('disturbed', 'boolean', 'did collecting disturb a serving site; null when nothing served'),
      column('first_seen_at', 'time', 'first mention in a run'),
      column('last_seen_at', 'time', 'last time an agent answered'),
      column('last_run', 'text', 'id of the last run that named the host'),
      column('last_status', 'text', 'how that run ended on the host: ok, failed, refused, stopped, unreachable; running while it goes on'),
      column('last_error', 'text', 'the error that ended that run on the host'),
      fact('fqdn', 'fully qualified name, as the host knows it'),
      fact('distribution', 'Debian, Ubuntu, Fedora, RedHat, AlmaLinux, Archlinux, …'),
      fact('distribution_version', 'for example 12.5'),
      fact('architecture', 'x86_64, aarch64, …'),
      fact('kernel', 'kernel release'),
      fact('address', 'address of the default route', 'default_ipv4.address'),
      fact('apache_service', 'apache2 or httpd', 'apache.service'),
      column('apache_installed', 'boolean', 'is Apache installed', "json_extract(facts, '$.apache.installed')"),
      column('agent', 'text', 'version of the agent that answered last'),
      column('node', 'text', 'version of Node that ran it'),
    ],
  },
  {
    name: 'modules',
    description: 'PKCS#11 libraries on the hosts, with the verdict whether they can change a token',
    from: 'latest_module',
    columns: [
      host,
      column('path', 'text', 'path of the library'),
      column('real_path', 'text', 'where the path leads when links are followed'),
      column('sha256', 'text', 'of the library file, hex'),
      column('manufacturer', 'text', 'as the library says'),
      column('description', 'text', 'as the library says'),
      column('version', 'text', 'library version, major.minor'),
      column('cryptoki_version', 'text', 'PKCS#11 version, major.minor'),
      column('read_only', 'text', 'verdict of the proof: read_only, writable or unproven'),
      column('read_only_reason', 'text', 'the evidence in one sentence'),
      column('read_only_at', 'time', 'when it was proven'),
      column('tokens', 'integer', 'tokens present'),
      column('error', 'text', 'why the library could not be read; null when it could'),
      collectedAt,
    ],
  },
  {
    name: 'tokens',
    description: 'tokens present in the slots of the modules',
    from: 'latest_token',
    columns: [
      host,
      column('module', 'text', 'path of the PKCS#11 library through which it was seen'),
      column('read_only', 'text', 'verdict on that library: read_only, writable or unproven'),
      column('label', 'text', 'label of the token'),
      column('serial', 'text', 'serial number; empty with some modules'),
      column('manufacturer', 'text', 'as the token says'),
      column('model', 'text', 'as the token says'),
      column('slot_id', 'integer', 'CK_SLOT_ID'),
      column('slot_description', 'text', 'usually the name of the reader'),
      column('flags', 'text', 'CKF_ names without the prefix, separated by blanks'),
      column('pin_state', 'text', 'ok, count_low, final_try, locked, uninitialized or unknown; read without a login'),
      column('login_required', 'boolean', 'does the token want a PIN'),
      column('identity', 'text', 'hash over label, serial and the public keys'),
      column('keys', 'integer', 'keys seen'),
      column('certificates', 'integer', 'certificates seen'),
      collectedAt,
    ],
  },
  {
    name: 'keys',
    description: 'keys on the tokens, as their public halves show them',
    from: 'latest_key',
    columns: [
      host,
      ...onToken,
      column('read_only', 'text', 'verdict on the module: read_only, writable or unproven'),
      column('id', 'text', 'CKA_ID in lower-case hex'),
      column('label', 'text', 'label of the key'),
      column('class', 'text', 'objects seen: public, private, pair, or certificate (only a certificate tells of the key)'),
      column('type', 'text', 'rsa, ec, or another CKK name in lower case'),
      column('bits', 'integer', 'size from the modulus or the curve'),
      column('curve', 'text', 'prime256v1, secp384r1, …; null for rsa'),
      column('fingerprint', 'text', 'SHA-256 of the SubjectPublicKeyInfo, hex'),
      column('sensitive', 'boolean', 'null when it takes a login to know'),
      column('extractable', 'boolean', 'null when it takes a login to know'),
      collectedAt,
    ],
  },
  {
    name: 'certificates',
    description: 'certificates on the tokens',
    from: 'latest_certificate',
    columns: [
      host,
      ...onToken,
      column('id', 'text', 'CKA_ID in lower-case hex'),
      column('label', 'text', 'label of the certificate'),
      column('subject', 'text', 'distinguished name'),
      column('issuer', 'text', 'distinguished name'),
      column('serial', 'text', 'serial number, hex'),
      column('not_before', 'time', 'start of validity'),
      column('not_after', 'time', 'end of validity'),
      column('days_left', 'integer', 'whole days until the end of validity, negative when it is over', "cast(floor(julianday(not_after) - julianday('now')) as integer)"),
      column('sha256', 'text', 'of the certificate, hex'),
      column('key_fingerprint', 'text', "SHA-256 of the certificate's public key, hex; joins keys.fingerprint and sites.served_key_fingerprint"),
      column('matches_key', 'boolean', 'does it match the key with the same id; null when there is none'),
      collectedAt,
    ],
  },
  {
    name: 'nss_modules',
    description: 'modules registered in NSS databases',
    from: 'latest_nss_module',
    columns: [
      host,
      column('database', 'text', 'directory of the NSS database'),
      column('database_kind', 'text', 'sql or dbm'),
      column('database_mode', 'text', 'permission bits of the directory'),
      column('database_owner', 'text', 'user that owns it'),
      column('database_group', 'text', 'group that owns it'),
      column('name', 'text', 'name of the module in the database'),
      column('library', 'text', 'path of the library; empty for the internal module'),
      column('enabled', 'boolean', 'does NSS use it'),
      collectedAt,
    ],
  },
  {
    name: 'sites',
    description: 'TLS sites of the web servers and what they really served',
    from: 'latest_site',
    columns: [
      host,
      column('name', 'text', 'server name'),
      column('port', 'integer', 'TCP port'),
      column('engine', 'text', 'mod_nss or mod_ssl'),
      column('config', 'text', 'file that defines it'),
      column('key', 'text', 'nickname or PKCS#11 URI, without a PIN'),
      column('serving', 'boolean', 'did a TLS handshake succeed; null when the server does not run'),
      column('served_key_fingerprint', 'text', 'SHA-256 of the served public key, hex'),
      column('served_certificate_sha256', 'text', 'of the served certificate, hex'),
      column('served_from_token', 'boolean', 'is the served public key on one of the tokens'),
      column('error', 'text', 'why it does not serve'),
      collectedAt,
    ],
  },
  {
    name: 'custody',
    description: 'tokens held against their manifests, one row per run, host and token; `latest` marks the last look at each token of a host',
    from: 'custody_proof',
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('latest', 'boolean', 'is it the last look at this token of this host', 'not exists (select 1 from custody_proof as later where later.host = custody_proof.host and later.token = custody_proof.token and later.at > custody_proof.at)'),
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
    from: 'artifact',
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
      column('latest', 'boolean', 'is it the one of its name, format and architecture that was told of last: the one that is installed when no version is asked for', 'not exists (select 1 from artifact as later where later.name = artifact.name and later.format = artifact.format and later.architecture = artifact.architecture and later.told_at > artifact.told_at)'),
      column('told_run', 'text', 'id of the last run that told of it'),
      column('log', 'text', 'end of the build log'),
      column('collected_at', 'time', 'when a run last told of it', 'told_at'),
    ],
  },
  {
    name: 'runs',
    description: 'one row per run and host',
    from: 'run_host join run on run.id = run_host.run',
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('playbook', 'text', 'file that was run', 'run.playbook'),
      column('user', 'text', 'who ran it', 'run.user'),
      column('check_mode', 'boolean', 'was it a dry run', 'run.check_mode'),
      column('version', 'text', 'version of hsmfleet', 'run.version'),
      column('started_at', 'time', 'start of the run', 'run.started_at'),
      column('finished_at', 'time', 'end of the run; null when it was cut off', 'run.finished_at'),
      column('exit_code', 'integer', 'of the whole run', 'run.exit_code'),
      column('duration_ms', 'real', 'of the whole run, milliseconds', 'run.duration_ms'),
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
    from: 'task_result left join host on host.name = task_result.host',
    columns: [
      host,
      column('run', 'text', 'id of the run'),
      column('latest', 'boolean', 'does it belong to the last run of its host', 'task_result.run = host.last_run'),
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

/** The statement that creates a view. */
export function viewSql(view: View): string {
  const columns = view.columns.map(({ name, sql }) => (sql === undefined ? name : `${sql} as ${name}`));
  return `create view ${view.name} as select ${columns.join(', ')} from ${view.from}`;
}
