import { dirname, join } from 'node:path';
import type { BenchmarkPoint, CheckReport, CheckResult, HsmfleetError, InventoryReport, RunEvent, StateChange, ScheduleState } from '@hsmfleet/contract';
import { readBenchmarkPoints } from './benchmark-points.ts';
import { forgetArtifact, readArtifacts, type StoredArtifact } from './artifacts.ts';
import { BlobFiles } from './blob-files.ts';
import { readChanges, type ChangesOptions, type InventoryChange } from './changes.ts';
import { readCheck, readCheckHead, readCheckResults, readChecks, readLastCheck, recordCheck, type CheckSummary, type ResultFilter } from './checks.ts';
import type { Database, Row, Sql } from './database.ts';
import { createEventWriter } from './event-writer.ts';
import { readFreshness, type Freshness } from './freshness.ts';
import { asOfInstant } from './instant.ts';
import { recordInventory } from './inventory-history.ts';
import { queue, readPending, settle, type DeliveryResult, type PendingNotification } from './notifications.ts';
import { storeError } from './store-error.ts';
import { prune } from './prune.ts';
import type { QueryCell, QueryOptions, QueryResult } from './query.ts';
import { findRuns, readRunControls, requestCancel, saveRunControl, touchRun, type RunCancel, type RunControl } from './run-requests.ts';
import { readScheduleStates, writeScheduleState } from './schedule-states.ts';
import { openSqlite } from './sqlite-database.ts';
import { defaultLocation, defaultStorePath, isPostgresUrl, queryLocation } from './store-path.ts';

/** How long events wait for company before they are written, milliseconds. */
const FLUSH_AFTER_MS = 200;
/** How long until events are tried again that could not be written for a reason that passes, milliseconds. */
const RETRY_AFTER_MS = 1_000;
/** Events that wait for that at most. */
const MOST_WAITING = 200_000;

/** One run, newest first in {@link Store.runs}. */
export interface RunSummaryRow {
  id: string;
  playbook: string;
  user: string;
  check: boolean;
  startedAt: string;
  /** Absent when the run was cut off or still goes on. */
  finishedAt?: string;
  exitCode?: number;
  hosts: number;
  changed: number;
  failed: number;
}

/** A stored event and where it stands among those of its run; positions count up. */
export interface StoredEvent {
  position: string;
  event: RunEvent;
}

/** History and inventory of the fleet. Whatever rejects, rejects with HsmfleetError STORE unless something else is said. */
export interface Store {
  /** For people: the path, or the URL without its password. */
  readonly location: string;
  /** Package files that hosts built, beside the database. */
  readonly blobs: BlobFiles;
  /**
   * Takes an event; it is written within 200 ms together with others, in one transaction. Never throws, since the run
   * must go on when the disk is full: see {@link Store.problem}. An event that is already stored is ignored.
   */
  appendEvent(event: RunEvent): void;
  /** Stores a snapshot that did not come as an event. */
  recordInventory(report: InventoryReport): Promise<void>;
  /** Writes what waits. Never rejects: see {@link Store.problem}. */
  flush(): Promise<void>;
  /**
   * What went wrong while writing events: nothing is written after it, unless it is something that passes, such as a server that
   * restarts; then they are tried again, and it is undefined as soon as they are written.
   */
  problem(): HsmfleetError | undefined;
  /** The newest runs, after those that are left out. */
  runs(limit?: number, offset?: number): Promise<RunSummaryRow[]>;
  /** One run; undefined when there is none with that id. */
  run(id: string): Promise<RunSummaryRow | undefined>;
  runCount(): Promise<number>;
  /** Ids of runs that begin with these letters, or whose last part does; the newest first. */
  findRuns(start: string, limit?: number): Promise<string[]>;
  /** Keeps what a run was asked for, and which process controls it now. */
  saveRunControl(control: Omit<RunControl, 'cancel'>): Promise<void>;
  /** What is kept of runs; of those that are kept. */
  runControls(runs: readonly string[]): Promise<RunControl[]>;
  /** Writes down that the process of a run lives. Answers who wants the run to end, if anybody does. */
  touchRun(run: string, now?: Date): Promise<RunCancel | undefined>;
  /** Asks the process of a run to end it. False when nothing is kept of that run. */
  requestCancel(run: string, cancel: RunCancel): Promise<boolean>;
  /** Events of a run in the order in which they were stored, all or those after a position; of some hosts, or the first ones. */
  runEvents(run: string, after?: string, of?: { hosts?: readonly string[]; limit?: number }): Promise<StoredEvent[]>;
  /** Packages that hosts built, the one told of last first; all, or those of a name. */
  artifacts(name?: string): Promise<StoredArtifact[]>;
  /** Forgets a package and deletes its file. False when there is none with that hash. */
  forgetArtifact(sha256: string): Promise<boolean>;
  /** Points of benchmarks in the order in which they were measured; all, or those of a run. */
  benchmarkPoints(run?: string): Promise<BenchmarkPoint[]>;
  /**
   * Runs one read-only statement of a person over the documented views; the database itself sees to it that it only reads.
   * @throws HsmfleetError USAGE for a bad query, TIMEOUT, STORE
   */
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /**
   * Answers one of our own read-only statements over the documented views, in this process. Parameters are written `$name`;
   * those that it does not mention are ignored. `asOf`: as it was then, ISO 8601, a date (its end, UTC) or a time with its offset.
   * @throws HsmfleetError USAGE for a bad statement or a parameter without a value, STORE
   */
  read(sql: string, params?: Record<string, QueryCell>, options?: { asOf?: string | undefined }): Promise<Record<string, QueryCell>[]>;
  /** What inventories saw change in an interval, by time and host. */
  changes(options: ChangesOptions): Promise<InventoryChange[]>;
  /** Where each token was proven to be one that was prepared, the last time, by its identity. */
  custodyHolders(): Promise<Map<string, { host: string; at: string }>>;
  /** How much the newest snapshots of these hosts can be relied on; of all hosts in the store when none are given. */
  freshness(hosts: readonly string[] | undefined, now?: Date): Promise<Freshness>;
  /** Stores a check; `changes` are queued once for each sink, in the same transaction. */
  recordCheck(report: CheckReport, changes: readonly StateChange[], sinks: readonly string[]): Promise<void>;
  check(id: string): Promise<CheckReport | undefined>;
  /** A check without its results. */
  checkHead(id: string): Promise<CheckReport | undefined>;
  /** Some results of a check, the worst first, and how many there are of them. */
  checkResults(id: string, filter: ResultFilter): Promise<{ total: number; results: CheckResult[] }>;
  /** The last check of a schedule (null: by hand) and profile. */
  lastCheck(of: { schedule: string | null; profile: string }): Promise<CheckReport | undefined>;
  /** The newest checks; of one schedule when it is named. */
  checks(options?: { limit?: number; offset?: number; schedule?: string }): Promise<CheckSummary[]>;
  /** Queues changes that no check saw, once for each sink: that a check could not be performed, say. */
  queueNotifications(changes: readonly StateChange[], sinks: readonly string[]): Promise<void>;
  /** What sinks are to be told and is due, the oldest first. */
  pendingNotifications(now: Date, limit?: number): Promise<PendingNotification[]>;
  settleNotification(ids: readonly number[], result: DeliveryResult): Promise<void>;
  scheduleStates(): Promise<ScheduleState[]>;
  saveScheduleState(state: ScheduleState): Promise<void>;
  /** Drops what is old, so that the database stays bounded. */
  prune(now?: Date): Promise<void>;
  /** Writes what waits and closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the store, creating it when it is missing.
 * @param location the path of an SQLite file, or the URL of a PostgreSQL database; what {@link defaultLocation} says when absent
 * @param options.blobs folder for the package files that hosts built, which stay on this machine; beside the file of this user when absent
 * @throws HsmfleetError STORE when it cannot be opened or was written by a newer hsmfleet
 */
export async function openStore(location: string = defaultLocation(), options: { blobs?: string } = {}): Promise<Store> {
  const folder = options.blobs ?? join(dirname(isPostgresUrl(location) ? defaultStorePath() : location), 'blobs');
  if (!isPostgresUrl(location)) return new DatabaseStore(await openSqlite(location), new BlobFiles(folder));
  // whoever uses no PostgreSQL need not load its driver
  const { openPostgres } = await import('./postgres-database.ts');
  return new DatabaseStore(await openPostgres(location, queryLocation()), new BlobFiles(folder));
}

class DatabaseStore implements Store {
  readonly blobs: BlobFiles;
  readonly #database: Database;
  readonly #writer = createEventWriter();
  #waiting: RunEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #problem: HsmfleetError | undefined;
  /** Why the events that wait could not be written yet. */
  #late: HsmfleetError | undefined;
  #open = true;

  constructor(database: Database, blobs: BlobFiles) {
    this.#database = database;
    this.blobs = blobs;
  }

  get location(): string {
    return this.#database.location;
  }

  appendEvent(event: RunEvent): void {
    this.#waiting.push(event);
    this.#writeSoon(FLUSH_AFTER_MS);
  }

  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length > 0) this.#flushing = this.#flushing.then(() => this.#writeEvents());
    return this.#flushing;
  }

  async #writeEvents(): Promise<void> {
    const events = this.#waiting;
    if (this.#problem !== undefined || !this.#open || events.length === 0) return;
    this.#waiting = [];
    try {
      await this.#database.transaction((sql) => this.#writer.write(sql, events));
      this.#late = undefined;
    } catch (thrown) {
      this.#writer.forget();
      const error = storeError('cannot write to', this.location, thrown);
      if (!this.#database.isPassing(thrown) || events.length + this.#waiting.length > MOST_WAITING) {
        this.#problem = error;
        return;
      }
      // the server restarts, or another process holds the file: nothing is lost as long as this process lives
      this.#late = error;
      this.#waiting = [...events, ...this.#waiting];
      this.#writeSoon(RETRY_AFTER_MS);
    }
  }

  #writeSoon(ms: number): void {
    this.#timer ??= setTimeout(() => { void this.flush(); }, ms).unref();
  }

  /** Writes in one transaction, after the events that wait. */
  async #write<T>(work: (sql: Sql) => Promise<T>, what = 'cannot write to'): Promise<T> {
    await this.flush();
    try {
      return await this.#database.transaction(work);
    } catch (thrown) {
      throw storeError(what, this.location, thrown);
    }
  }

  /** Reads after the events that wait were written. */
  async #read<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    await this.flush();
    try {
      return await work(this.#database);
    } catch (thrown) {
      throw storeError('cannot read', this.location, thrown);
    }
  }

  problem(): HsmfleetError | undefined {
    return this.#problem ?? this.#late;
  }

  recordInventory(report: InventoryReport): Promise<void> {
    return this.#write((sql) => recordInventory(sql, report, null));
  }

  async runs(limit = 20, offset = 0): Promise<RunSummaryRow[]> {
    const rows = await this.#read((sql) => sql.all(runsSql('(select * from run order by started_at desc, id desc limit $limit offset $offset)'), { limit, offset }));
    return rows.map(runSummaryOf);
  }

  async run(id: string): Promise<RunSummaryRow | undefined> {
    const rows = await this.#read((sql) => sql.all(runsSql('(select * from run where id = $id)'), { id }));
    return rows.map(runSummaryOf)[0];
  }

  async runCount(): Promise<number> {
    const [row] = await this.#read((sql) => sql.all('select count(*) as runs from run'));
    return Number(row?.runs);
  }

  findRuns(start: string, limit = 10): Promise<string[]> {
    return this.#read((sql) => findRuns(sql, start, limit));
  }

  saveRunControl(control: Omit<RunControl, 'cancel'>): Promise<void> {
    return this.#write((sql) => saveRunControl(sql, control));
  }

  runControls(runs: readonly string[]): Promise<RunControl[]> {
    return this.#read((sql) => readRunControls(sql, runs));
  }

  touchRun(run: string, now = new Date()): Promise<RunCancel | undefined> {
    return this.#write((sql) => touchRun(sql, run, now));
  }

  requestCancel(run: string, cancel: RunCancel): Promise<boolean> {
    return this.#write((sql) => requestCancel(sql, run, cancel));
  }

  async runEvents(run: string, after = '0', { hosts, limit }: { hosts?: readonly string[]; limit?: number } = {}): Promise<StoredEvent[]> {
    const named = Object.fromEntries((hosts ?? []).map((host, index) => [`host${String(index)}`, host]));
    const some = hosts === undefined ? '' : `and host in (${Object.keys(named).map((name) => `$${name}`).join(', ')})`;
    const first = limit === undefined ? '' : 'limit $limit';
    const rows = await this.#read((sql) => sql.all(`select position, body from event where run = $run ${some} and position > $after order by position ${first}`,
      { run, after: Number(after), ...named, ...(limit === undefined ? {} : { limit }) }));
    return rows.map(({ position, body }) => ({ position: String(position), event: JSON.parse(String(body)) as RunEvent }));
  }

  artifacts(name?: string): Promise<StoredArtifact[]> {
    return this.#read((sql) => readArtifacts(sql, this.blobs, name));
  }

  async forgetArtifact(sha256: string): Promise<boolean> {
    const known = await this.#write((sql) => forgetArtifact(sql, sha256));
    this.blobs.remove(sha256);
    return known;
  }

  benchmarkPoints(run?: string): Promise<BenchmarkPoint[]> {
    return this.#read((sql) => readBenchmarkPoints(sql, run));
  }

  async query(sql: string, options: QueryOptions = {}): Promise<QueryResult> {
    const { maxRows = 10_000, timeoutMs = 10_000, asOf } = options;
    await this.flush();
    return this.#database.query(sql, { maxRows, timeoutMs, asOf: asOf === undefined ? undefined : asOfInstant(asOf) });
  }

  async read(sql: string, params: Record<string, QueryCell> = {}, { asOf }: { asOf?: string | undefined } = {}): Promise<Record<string, QueryCell>[]> {
    await this.flush();
    return this.#database.read(sql, params, asOf === undefined ? undefined : asOfInstant(asOf));
  }

  changes(options: ChangesOptions): Promise<InventoryChange[]> {
    return this.#read((sql) => readChanges(sql, options));
  }

  async custodyHolders(): Promise<Map<string, { host: string; at: string }>> {
    const rows = await this.#read((sql) => sql.all("select token_identity, host, at from custody_proof where verdict = 'proven' order by at"));
    return new Map(rows.map((row) => [String(row.token_identity), { host: String(row.host), at: String(row.at) }]));
  }

  freshness(hosts: readonly string[] | undefined, now = new Date()): Promise<Freshness> {
    return this.#read((sql) => readFreshness(sql, hosts, now));
  }

  recordCheck(report: CheckReport, changes: readonly StateChange[], sinks: readonly string[]): Promise<void> {
    return this.#write((sql) => recordCheck(sql, report, changes, sinks));
  }

  check(id: string): Promise<CheckReport | undefined> {
    return this.#read((sql) => readCheck(sql, id));
  }

  checkHead(id: string): Promise<CheckReport | undefined> {
    return this.#read((sql) => readCheckHead(sql, id));
  }

  checkResults(id: string, filter: ResultFilter): Promise<{ total: number; results: CheckResult[] }> {
    return this.#read((sql) => readCheckResults(sql, id, filter));
  }

  lastCheck(of: { schedule: string | null; profile: string }): Promise<CheckReport | undefined> {
    return this.#read((sql) => readLastCheck(sql, of));
  }

  checks(options: { limit?: number; offset?: number; schedule?: string } = {}): Promise<CheckSummary[]> {
    return this.#read((sql) => readChecks(sql, options));
  }

  queueNotifications(changes: readonly StateChange[], sinks: readonly string[]): Promise<void> {
    return this.#write((sql) => queue(sql, changes, sinks));
  }

  pendingNotifications(now: Date, limit?: number): Promise<PendingNotification[]> {
    return this.#read((sql) => readPending(sql, now, limit));
  }

  settleNotification(ids: readonly number[], result: DeliveryResult): Promise<void> {
    return this.#write((sql) => settle(sql, ids, result, new Date()));
  }

  scheduleStates(): Promise<ScheduleState[]> {
    return this.#read(readScheduleStates);
  }

  saveScheduleState(state: ScheduleState): Promise<void> {
    return this.#write((sql) => writeScheduleState(sql, state));
  }

  prune(now = new Date()): Promise<void> {
    return this.#write((sql) => prune(sql, now), 'cannot prune');
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    await this.flush();
    this.#open = false;
    await this.#database.close();
  }
}

/** Runs with their hosts counted: only those of the runs wanted. */
function runsSql(wanted: string): string {
  return `
  select wanted.id, wanted.playbook, wanted."user", wanted.check_mode, wanted.started_at, wanted.finished_at, wanted.exit_code, count(run_host.host) as hosts,
    coalesce(sum(run_host.changed), 0) as changed,
    coalesce(sum(case when run_host.status in ('failed', 'refused', 'unreachable') then 1 else 0 end), 0) as failed
  from ${wanted} as wanted left join run_host on run_host.run = wanted.id
  group by wanted.id, wanted.playbook, wanted."user", wanted.check_mode, wanted.started_at, wanted.finished_at, wanted.exit_code
  order by wanted.started_at desc, wanted.id desc`;
}

function runSummaryOf(row: Row): RunSummaryRow {
  return {
    id: String(row.id), playbook: String(row.playbook), user: String(row.user), check: row.check_mode === 1,
    startedAt: String(row.started_at),
    ...(row.finished_at === null || row.finished_at === undefined ? {} : { finishedAt: String(row.finished_at), exitCode: Number(row.exit_code) }),
    hosts: Number(row.hosts), changed: Number(row.changed), failed: Number(row.failed),
  };
}
