import { dirname, join } from 'node:path';
import type { BenchmarkPoint, HsmfleetError, InventoryReport, RunEvent } from '@hsmfleet/contract';
import { readBenchmarkPoints } from './benchmark-points.ts';
import { forgetArtifact, readArtifacts, type StoredArtifact } from './artifacts.ts';
import { BlobFiles } from './blob-files.ts';
import { createEventWriter } from './event-writer.ts';
import { readFreshness, type Freshness } from './freshness.ts';
import { openDatabase, storeError } from './open-database.ts';
import { prune } from './prune.ts';
import { runQuery, type QueryOptions, type QueryResult } from './query.ts';

/** How long events wait for company before they are written, milliseconds. */
const FLUSH_AFTER_MS = 200;

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

/** History and inventory of the fleet in one file. */
export interface Store {
  readonly path: string;
  /** Package files that hosts built, beside the database. */
  readonly blobs: BlobFiles;
  /**
   * Takes an event; it is written within 200 ms together with others, in one transaction. Never throws, since the run
   * must go on when the disk is full: see {@link Store.problem}. An event that is already stored is ignored.
   */
  appendEvent(event: RunEvent): void;
  /** Stores a snapshot that did not come as an event. @throws HsmfleetError STORE */
  recordInventory(report: InventoryReport): void;
  /** Writes what waits. Never throws: see {@link Store.problem}. */
  flush(): void;
  /** The first thing that went wrong while writing events; nothing is written after it. */
  problem(): HsmfleetError | undefined;
  /** The newest runs. @throws HsmfleetError STORE */
  runs(limit?: number): RunSummaryRow[];
  /** Packages that hosts built, the one told of last first; all, or those of a name. @throws HsmfleetError STORE */
  artifacts(name?: string): StoredArtifact[];
  /** Forgets a package and deletes its file. False when there is none with that hash. @throws HsmfleetError STORE */
  forgetArtifact(sha256: string): boolean;
  /** Points of benchmarks in the order in which they were measured; all, or those of a run. @throws HsmfleetError STORE */
  benchmarkPoints(run?: string): BenchmarkPoint[];
  /**
   * Runs one read-only statement over the documented views, in a process of its own that is ended at the deadline.
   * @throws HsmfleetError USAGE for a bad query, TIMEOUT, STORE
   */
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /** Where each token was proven to be one that was prepared, the last time, by its identity. @throws HsmfleetError STORE */
  custodyHolders(): Map<string, { host: string; at: string }>;
  /** How much the newest snapshots of these hosts can be relied on; of all hosts in the store when none are given. */
  freshness(hosts: readonly string[] | undefined, now?: Date): Freshness;
  /** Drops the events of old runs and old snapshots, so that the file stays bounded. @throws HsmfleetError STORE */
  prune(): void;
  /** Writes what waits and closes. Idempotent. */
  close(): void;
}

/**
 * Opens the store, creating the file when it is missing.
 * @throws HsmfleetError STORE when it cannot be opened or was written by a newer hsmfleet
 */
export function openStore(path: string): Store {
  const database = openDatabase(path);
  const writer = createEventWriter(database);
  let waiting: RunEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  let problem: HsmfleetError | undefined;
  let open = true;

  function transaction(what: string, work: () => void): void {
    try {
      database.exec('begin immediate');
      try {
        work();
        database.exec('commit');
      } catch (thrown) {
        database.exec('rollback');
        throw thrown;
      }
    } catch (thrown) {
      throw storeError(what, path, thrown);
    }
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const events = waiting;
    waiting = [];
    if (events.length === 0 || problem !== undefined || !open) return;
    try {
      transaction('cannot write to', () => {
        for (const event of events) writer.write(event);
        writer.writeCounts();
      });
    } catch (thrown) {
      problem = storeError('cannot write to', path, thrown);
    }
  }

  const blobs = new BlobFiles(join(dirname(path), 'blobs'));

  return {
    path,
    blobs,
    flush,
    problem: () => problem,
    appendEvent(event) {
      waiting.push(event);
      timer ??= setTimeout(flush, FLUSH_AFTER_MS).unref();
    },
    recordInventory(report) {
      flush();
      transaction('cannot write to', () => { writer.inventory(report, null); });
    },
    runs(limit = 20) {
      flush();
      const rows = database.prepare(RUNS).all(limit);
      return rows.map((row) => ({
        id: String(row.id), playbook: String(row.playbook), user: String(row.user), check: row.check_mode === 1,
        startedAt: String(row.started_at),
        ...(row.finished_at === null ? {} : { finishedAt: String(row.finished_at), exitCode: Number(row.exit_code) }),
        hosts: Number(row.hosts), changed: Number(row.changed), failed: Number(row.failed),
      }));
    },
    artifacts(name) {
      flush();
      return readArtifacts(database, blobs, name);
    },
    benchmarkPoints(runId) {
      flush();
      return readBenchmarkPoints(database, runId);
    },
    forgetArtifact(sha256) {
      flush();
      let known = false;
      transaction('cannot write to', () => { known = forgetArtifact(database, sha256); });
      blobs.remove(sha256);
      return known;
    },
    query(sql, options) {
      flush();
      return runQuery(path, sql, options);
    },
    custodyHolders() {
      flush();
      const rows = database.prepare("select token_identity, host, max(at) as at from custody_proof where verdict = 'proven' group by token_identity").all();
      return new Map(rows.map((row) => [String(row.token_identity), { host: String(row.host), at: String(row.at) }]));
    },
    freshness(hosts, now = new Date()) {
      flush();
      return readFreshness(database, hosts, now);
    },
    prune() {
      flush();
      transaction('cannot prune', () => { prune(database); });
    },
    close() {
      if (!open) return;
      flush();
      open = false;
      database.close();
    },
  };
}

const RUNS = `
  select run.*, count(host) as hosts, coalesce(sum(changed), 0) as changed,
    coalesce(sum(status in ('failed', 'refused', 'unreachable')), 0) as failed
  from run left join run_host on run_host.run = run.id
  group by run.id order by started_at desc limit ?`;
