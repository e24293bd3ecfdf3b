import { HsmfleetError } from '@hsmfleet/contract';
import { PgBoss } from 'pg-boss';
import { DEFAULT_TIMINGS, type JobTimings, type LiveWorker } from './model.ts';
import { CREATE_TABLES, PRUNE, QUEUE_SCHEMA, SCHEMA } from './tables.ts';

/** Prefix of the queues: one for each state of a project and program, so that a worker is handed only what it has itself. */
const QUEUE = 'batches-';
/** Workers that may be lost in the middle of one batch: what ends them is likely to be in the batch. */
const MAX_LOST_WORKERS = 5;
/** Longest that a batch may take, in seconds; the queue bounds it by 24 hours. */
const LONGEST_BATCH = 12 * 3600;
/** Connections of one process to the database. */
const POOL = 4;

/** A row of an answer. Times are text. */
export type JobRow = Record<string, unknown>;

/** The job queue and the tables beside it, open in this process. */
export interface JobsDatabase {
  readonly boss: PgBoss;
  readonly timings: JobTimings;
  /** One statement. @throws HsmfleetError STORE */
  sql(text: string, values?: readonly unknown[]): Promise<JobRow[]>;
  /** Name of the queue for a project and program; it is there afterwards. */
  queue(digest: string, program: string): Promise<string>;
  /** Workers that were heard of within the heartbeat. */
  workers(): Promise<LiveWorker[]>;
  /** The last thing that went wrong by itself in the background. */
  problem(): Error | undefined;
  close(): Promise<void>;
}

/**
 * Opens the job queue in a PostgreSQL database, and makes its tables when they are missing.
 * @param url as HSMFLEET_DATABASE_URL
 * @throws HsmfleetError STORE when it cannot be reached
 */
export async function openJobs(url: string, timings: Partial<JobTimings> = {}): Promise<JobsDatabase> {
  const settings = { ...DEFAULT_TIMINGS, ...timings };
  const boss = new PgBoss({
    connectionString: url, schema: QUEUE_SCHEMA, max: POOL, application_name: 'hsmfleet-jobs', schedule: false, supervise: true,
    superviseIntervalSeconds: settings.watch, monitorIntervalSeconds: settings.watch,
  });
  let problem: Error | undefined;
  boss.on('error', (error) => { problem = error; });
  const known = new Map<string, Promise<string>>();

  const sql = async (text: string, values: readonly unknown[] = []): Promise<JobRow[]> => {
    try {
      return (await boss.getDb().executeSql(text, [...values])).rows as JobRow[];
    } catch (cause) {
      throw queueError(cause);
    }
  };

  try {
    await boss.start();
    await boss.getDb().executeSql(CREATE_TABLES);
    for (const statement of PRUNE) await boss.getDb().executeSql(statement);
  } catch (cause) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw queueError(cause);
  }

  return {
    boss,
    timings: settings,
    sql,
    queue(digest, program) {
      const name = `${QUEUE}${digest.slice(0, 16)}-${program.slice(0, 16)}`;
      let made = known.get(name);
      if (made === undefined) {
        made = boss.createQueue(name, { heartbeatSeconds: settings.heartbeat, expireInSeconds: LONGEST_BATCH, retryLimit: MAX_LOST_WORKERS, deleteAfterSeconds: 24 * 3600 })
          .then(() => name, (cause: unknown) => { throw queueError(cause); });
        known.set(name, made);
      }
      return made;
    },
    async workers() {
      const rows = await sql(
        `select id, machine, pid, project, digest, program, to_json(started_at)#>>'{}' as started_at from ${SCHEMA}.worker
         where seen_at > now() - $1 * interval '1 second' order by started_at`, [settings.heartbeat]);
      return rows.map((row) => ({
        id: String(row.id), machine: String(row.machine), pid: Number(row.pid), project: String(row.project), digest: String(row.digest),
        program: String(row.program), startedAt: String(row.started_at),
      }));
    },
    problem: () => problem,
    async close() {
      await boss.stop({ graceful: false });
    },
  };
}

function queueError(cause: unknown): HsmfleetError {
  if (cause instanceof HsmfleetError) return cause;
  return new HsmfleetError('STORE', `the job queue in PostgreSQL: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause, hint: 'does HSMFLEET_DATABASE_URL name a PostgreSQL database that runs, with a user that may create schemas in it?',
  });
}
