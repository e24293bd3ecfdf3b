import type { HostFacts, InventoryReport } from '@hsmfleet/contract';
import type { Sql } from './database.ts';
import { recordFacts, recordInventory } from './inventory-history.ts';

/** One step of the schema. Released steps never change: a mistake is mended by a further one. */
export interface Migration {
  version: number;
  /** What it brings, for people. */
  name: string;
  /** Written as SQLite wants it; PostgreSQL gets it translated. */
  sql: string;
  /** Carries over what an older program stored, after the tables of inventory rows were brought to what is declared now. */
  fill?(sql: Sql): Promise<void>;
}

/*
 * Tables hold what the views show; people query the views, so tables may change with a migration. Booleans are 0 and 1, times
 * are ISO 8601 in UTC. The tables of inventory rows are not in here since version 6: each migration brings them to what
 * the folder inventory declares.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'runs, events, hosts and inventory snapshots',
    sql: `
create table run (
  id text primary key, playbook text not null, user text not null, check_mode integer not null, version text not null,
  started_at text not null, finished_at text, exit_code integer, duration_ms real
) strict, without rowid;

create table run_host (
  run text not null, host text not null, status text not null, error text, last_event_at text not null,
  ok integer not null, changed integer not null, skipped integer not null, failed integer not null,
  refused integer not null, ignored integer not null, unreachable integer not null,
  primary key (run, host)
) strict, without rowid;

create table event (
  run text not null, host text not null, seq integer not null, type text not null, at text not null, body text not null,
  primary key (run, host, seq, type)
) strict, without rowid;

create table task_result (
  run text not null, host text not null, seq integer not null, at text not null, task text not null, name text not null,
  resource text not null, handler integer not null, outcome text not null, ignored integer not null,
  duration_ms real not null, changes text not null, message text, error_code text, error_message text,
  file text, line integer,
  primary key (run, host, seq)
) strict, without rowid;

create table host (
  name text primary key, first_seen_at text not null, last_seen_at text, facts text, agent text, node text,
  last_run text, last_status text, last_error text,
  collected_at text, evidence text, disturbed integer, inventory_errors integer not null default 0, attempt_error text
) strict, without rowid;

create table snapshot (
  id integer primary key, host text not null, at text not null, run text, report text not null, unique (host, at)
) strict;

create table latest_module (
  host text not null, path text not null, real_path text, sha256 text, manufacturer text not null,
  description text not null, version text not null, cryptoki_version text not null, read_only text not null,
  read_only_reason text not null, read_only_at text not null, tokens integer not null, error text,
  collected_at text not null
) strict;
create index latest_module_host on latest_module (host);

create table latest_token (
  host text not null, module text not null, read_only text not null, label text not null, serial text not null,
  manufacturer text not null, model text not null, slot_id integer not null, slot_description text not null,
  flags text not null, pin_state text not null, login_required integer not null, identity text not null,
  keys integer not null, certificates integer not null, collected_at text not null
) strict;
create index latest_token_host on latest_token (host);

create table latest_key (
  host text not null, module text not null, token text not null, token_serial text not null,
  token_identity text not null, read_only text not null, id text not null, label text not null, class text not null,
  type text not null, bits integer, curve text, fingerprint text, sensitive integer, extractable integer,
  collected_at text not null
) strict;
create index latest_key_host on latest_key (host);

create table latest_certificate (
  host text not null, module text not null, token text not null, token_serial text not null,
  token_identity text not null, id text not null, label text not null, subject text not null, issuer text not null,
  serial text not null, not_before text not null, not_after text not null, sha256 text not null,
  key_fingerprint text not null, matches_key integer, collected_at text not null
) strict;
create index latest_certificate_host on latest_certificate (host);

create table latest_nss_module (
  host text not null, database text not null, database_kind text not null, database_mode text not null,
  database_owner text not null, database_group text not null, name text not null, library text not null,
  enabled integer not null, collected_at text not null
) strict;
create index latest_nss_module_host on latest_nss_module (host);

create table latest_site (
  host text not null, name text not null, port integer not null, engine text not null, config text not null,
  key text not null, serving integer, served_key_fingerprint text, served_certificate_sha256 text,
  served_from_token integer, error text, collected_at text not null
) strict;
create index latest_site_host on latest_site (host);
`,
  },
  {
    version: 2,
    name: 'whether tokens are those that were prepared',
    sql: `
create table custody_proof (
  run text not null, host text not null, seq integer not null, at text not null, module text not null, token text not null,
  token_serial text not null, token_identity text not null, verdict text not null, manifest text, file text,
  prepared_by text, prepared_at text, differences text not null, notes text not null,
  primary key (run, host, seq)
) strict, without rowid;
`,
  },
  {
    version: 3,
    name: 'packages that hosts built',
    sql: `
create table artifact (
  sha256 text primary key, name text not null, version text not null, architecture text not null, format text not null,
  size integer not null, build_host text not null, built_at text not null, inputs_sha256 text not null, log text not null,
  file text not null, run text not null, told_at text not null, told_run text not null
) strict, without rowid;
create index artifact_name on artifact (name);
`,
  },
  {
    version: 4,
    name: 'points of benchmarks',
    sql: `
create table benchmark_point (
  run text not null, source text not null, seq integer not null, host text not null, kind text not null, at text not null,
  outcome text not null, problem text, driver text, tool text, site text, port integer, path text, engine text, mpm text, processes integer,
  tls_protocol text, module text, module_description text, module_version text, module_sha256 text, token text,
  key_fingerprint text, key_label text, key_type text, key_bits integer, key_curve text, algorithm text, sessions integer,
  concurrency integer, delay_s real, seconds real not null, resumption text, transactions integer, successful integer,
  failed integer not null, availability real, elapsed_s real not null, data_mb real, response_s real, rate real not null, throughput real,
  reached_concurrency real, longest_s real, shortest_s real, resumed_share real, signatures integer, point text not null,
  unique (run, source, seq)
) strict;
`,
  },
  {
    version: 5,
    name: 'checks, their findings, what people are to be told, what schedules did, and the order of events',
    sql: `
alter table event add column position integer;
update event set position = numbered.n from (
  select run, host, seq, type, row_number() over (partition by run order by at, host, seq) as n from event
) as numbered where numbered.run = event.run and numbered.host = event.host and numbered.seq = event.seq and numbered.type = event.type;
create index event_position on event (run, position);

create table check_run (
  id text primary key, schedule text, profile text not null, title text not null, file text not null, sha256 text not null,
  started_by text not null, version text not null, started_at text not null, finished_at text not null, hosts integer not null,
  pass integer not null, fail integer not null, waived integer not null, error integer not null, unreachable integer not null,
  not_applicable integer not null, latest integer not null, head text not null
) strict, without rowid;
create index check_run_latest on check_run (profile, schedule, finished_at);

create table check_result (
  check_id text not null, control text not null, host text not null, seq integer not null, severity text not null, outcome text not null,
  evidence text, evidence_at text, findings integer not null, error text, waiver_reason text, waiver_owner text, waiver_until text, waiver_expired integer,
  result text not null, primary key (check_id, control, host)
) strict, without rowid;

create table finding (
  profile text not null, schedule text not null, key text not null, host text not null, control text not null, severity text not null,
  waived integer not null, message text not null, row text not null, first_check text not null, last_check text not null,
  first_seen_at text not null, last_seen_at text not null, resolved_at text, primary key (profile, schedule, key, first_seen_at)
) strict, without rowid;
create index finding_open on finding (profile, schedule, key) where resolved_at is null;

create table notification (
  id integer primary key, sink text not null, kind text not null, host text, control text, severity text, title text not null, change text not null,
  queued_at text not null, attempts integer not null, next_at text, sent_at text, given_up_at text, error text
) strict;
create index notification_waiting on notification (id) where sent_at is null and given_up_at is null;

create table schedule_state (
  name text primary key, last_due_at text, last_started_at text, last_finished_at text, running text, outcome text, error text
) strict, without rowid;
`,
  },
  {
    version: 6,
    name: 'a history of inventory rows',
    sql: `
create table collection (
  host text not null, at text not null, run text, evidence text not null, disturbed integer, errors integer not null, primary key (host, at)
) strict, without rowid;
alter table host add column tokens_at text;
alter table host add column inventory_digest text;
alter table run_host add column attempt_error text;
create index run_host_host on run_host (host, last_event_at);
create table upkeep (name text primary key, done_at text not null) strict, without rowid;
`,
    async fill(sql) {
      for (const { name, first_seen_at: at, facts } of await sql.all('select name, first_seen_at, facts from host where facts is not null')) {
        await recordFacts(sql, String(name), String(at), JSON.parse(String(facts)) as HostFacts);
      }
      // what recordInventory writes about the last attempt is known better
      const attempts = await sql.all('select name, attempt_error from host where attempt_error is not null');
      await sql.run('update host set collected_at = null');
      for (const { id } of await sql.all('select id from snapshot order by host, at')) {
        const [snapshot] = await sql.all('select report, run from snapshot where id = $id', { id: Number(id) });
        await recordInventory(sql, JSON.parse(String(snapshot?.report)) as InventoryReport, snapshot?.run as string | null);
      }
      for (const { name, attempt_error: error } of attempts) await sql.run('update host set attempt_error = $error where name = $name', { name: String(name), error: String(error) });
      await sql.script(`drop table snapshot; drop table latest_module; drop table latest_token; drop table latest_key; drop table latest_certificate;
        drop table latest_nss_module; drop table latest_site; alter table host drop column facts;`);
    },
  },
  {
    version: 7,
    name: 'PIN files, web servers, files of NSS databases, pcscd and agents, and what sites are configured to do',
    // only rows that inventories bring, see the folder inventory
    sql: '',
  },
  {
    version: 8,
    name: 'tokens over time',
    // a view only
    sql: '',
  },
  {
    version: 9,
    name: 'views of inventory rows without a join, and indexes that hold all of what is asked most',
    sql: '',
  },
  {
    version: 10,
    name: 'indexes in the order in which keys and certificates are asked for',
    sql: '',
  },
  {
    version: 11,
    name: 'how many certificates a key has; known from the next inventory of a host on',
    sql: '',
  },
  {
    version: 12,
    name: 'what runs were asked for, so that they can be taken up again, stopped from elsewhere, or repeated',
    sql: `
create table run_control (
  run text primary key, request text not null, holder text not null, heard_at text not null, cancelled_at text, cancelled_by text, cancel_reason text
) strict, without rowid;
`,
  },
];

/** The schema this program reads and writes; kept in SQLite's `user_version`. */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)?.version ?? 0;
