/** Schema of the job queue's own tables. */
export const QUEUE_SCHEMA = 'hsmfleet_queue';
/** Schema of what coordinator and workers tell each other beside the queue. */
export const SCHEMA = 'hsmfleet_jobs';

/** Rows of runs that ended so long ago are dropped. */
const KEEP = "interval '7 days'";

/** Makes the tables. Any number of processes may do so at once. */
export const CREATE_TABLES = `
begin;
select pg_advisory_xact_lock(hashtext('${SCHEMA}'));
create schema if not exists ${SCHEMA};
create table if not exists ${SCHEMA}.worker (
  id text primary key, machine text not null, pid integer not null, project text not null, digest text not null,
  program text not null, started_at timestamptz not null default now(), seen_at timestamptz not null default now()
);
create table if not exists ${SCHEMA}.batch (
  id uuid primary key, run text not null, play integer not null, hosts integer not null, worker text,
  attempt integer not null default 0, created_at timestamptz not null default now(), started_at timestamptz,
  finished_at timestamptz, result jsonb
);
create index if not exists batch_run on ${SCHEMA}.batch (run, play);
create table if not exists ${SCHEMA}.stopped_run (run text primary key, at timestamptz not null default now());
create table if not exists ${SCHEMA}.run_pin (
  run text primary key, worker text, host text, frozen text, at timestamptz not null default now()
);
create table if not exists ${SCHEMA}.run_custody (
  run text not null, manifest text not null, host text not null, at timestamptz not null default now(), primary key (run, manifest)
);
commit;`;

/** Forgets what nobody asks for any more. */
export const PRUNE = [
  `delete from ${SCHEMA}.worker where seen_at < now() - ${KEEP}`,
  `delete from ${SCHEMA}.batch where created_at < now() - ${KEEP}`,
  `delete from ${SCHEMA}.stopped_run where at < now() - ${KEEP}`,
  `delete from ${SCHEMA}.run_pin where at < now() - ${KEEP}`,
  `delete from ${SCHEMA}.run_custody where at < now() - ${KEEP}`,
];
