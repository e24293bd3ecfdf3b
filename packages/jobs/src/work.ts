import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import type { JobWithMetadata } from 'pg-boss';
import type { Batch, BatchResult } from './model.ts';
import type { JobsDatabase } from './open-jobs.ts';
import { SCHEMA } from './tables.ts';

/** Milliseconds between two batches that one worker takes. */
const SHARING_MS = 30;

/** What a worker is, and how it runs a batch. */
export interface WorkerOptions {
  /** Its project folder, for people. */
  project: string;
  /** Digest of the project folder as it is now. */
  digest(): Promise<string>;
  program: string;
  /** Hosts at once: no further batch is taken while there are so many under way. */
  hosts: number;
  /**
   * Runs a batch and tells how its hosts ended, when all events of it are stored.
   * @param attempt from 1 up: how often a worker was given this batch
   * @param signal aborted: hosts end their current task, others do not begin
   */
  run(batch: Batch, attempt: number, signal: AbortSignal): Promise<BatchResult>;
  /** What happened, one sentence each. */
  log(text: string): void;
}

/** A worker at work. */
export interface Worker {
  id: string;
  /** Takes no more batches, and resolves when those under way are done. */
  stop(): Promise<void>;
}

/** Takes batches of its project from the queue until it is stopped. @throws HsmfleetError STORE when it cannot begin */
export async function startWorker(jobs: JobsDatabase, options: WorkerOptions): Promise<Worker> {
  const worker = new QueueWorker(jobs, options);
  await worker.start();
  return worker;
}

/** A batch that this worker has, and what stops it. */
interface Held {
  job: JobWithMetadata<Batch>;
  queue: string;
  controller: AbortController;
}

class QueueWorker implements Worker {
  readonly id = `${hostname()}-${String(process.pid)}-${randomBytes(2).toString('hex')}`;
  readonly #jobs: JobsDatabase;
  readonly #options: WorkerOptions;
  readonly #held = new Map<string, Held>();
  readonly #stopping = new AbortController();
  #digest = '';
  #loops: Promise<void>[] = [];

  constructor(jobs: JobsDatabase, options: WorkerOptions) {
    this.#jobs = jobs;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#register();
    this.#loops = [this.#takeBatches(), this.#beat()];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
    await this.#jobs.sql(`delete from ${SCHEMA}.worker where id = $1`, [this.id]);
  }

  /** Says that this worker is there, and with which project. */
  async #register(): Promise<void> {
    const digest = await this.#options.digest();
    if (this.#digest !== '' && digest !== this.#digest) this.#options.log('the project folder changed: batches of runs that have it as it was go to other workers');
    this.#digest = digest;
    await this.#jobs.sql(
      `insert into ${SCHEMA}.worker (id, machine, pid, project, digest, program) values ($1, $2, $3, $4, $5, $6)
       on conflict (id) do update set digest = excluded.digest, seen_at = now()`,
      [this.id, hostname(), process.pid, this.#options.project, digest, this.#options.program]);
  }

  /** Tells the database that this worker lives and works, and hears which runs are to stop. */
  async #beat(): Promise<void> {
    const { timings, boss } = this.#jobs;
    let registered = Date.now();
    while (!this.#stopping.signal.aborted || this.#held.size > 0) {
      await sleep(1_000);
      try {
        if (Date.now() - registered > (timings.heartbeat * 1_000) / 3) {
          await this.#register();
          registered = Date.now();
          for (const { queue, job } of this.#held.values()) await boss.touch(queue, { id: job.id, retryCount: job.retryCount });
        }
        if (this.#held.size === 0) continue;
        const runs = [...new Set([...this.#held.values()].map(({ job }) => job.data.run))];
        const stopped = new Set((await this.#jobs.sql(`select run from ${SCHEMA}.stopped_run where run = any($1::text[])`, [runs])).map(({ run }) => String(run)));
        for (const { job, controller } of this.#held.values()) if (stopped.has(job.data.run)) controller.abort();
      } catch (thrown) {
        this.#options.log(`the database does not answer: ${(thrown as Error).message}`);
      }
    }
  }

  async #takeBatches(): Promise<void> {
    const { timings } = this.#jobs;
    const taken = new Set<Promise<void>>();
    while (!this.#stopping.signal.aborted) {
      let job: JobWithMetadata<Batch> | undefined;
      try {
        const queue = await this.#jobs.queue(this.#digest, this.#options.program);
        [job] = await this.#jobs.boss.fetch<Batch>(queue, { includeMetadata: true });
        if (job !== undefined) {
          const taking = this.#take(queue, job).finally(() => taken.delete(taking));
          taken.add(taking);
        }
      } catch (thrown) {
        this.#options.log(`no batch can be taken: ${(thrown as Error).message}`);
        await this.#pause(1_000);
      }
      // who has work already leaves the next batch to others for a moment
      await this.#pause(job === undefined ? timings.pollMs * (0.5 + Math.random()) : SHARING_MS);
      while (this.#underWay() >= this.#options.hosts) await Promise.race(taken);
    }
    await Promise.all(taken);
  }

  #underWay(): number {
    return [...this.#held.values()].reduce((sum, { job }) => sum + job.data.hosts.length, 0);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #take(queue: string, job: JobWithMetadata<Batch>): Promise<void> {
    const own = { id: job.id, retryCount: job.retryCount };
    const held: Held = { job, queue, controller: new AbortController() };
    this.#held.set(job.id, held);
    try {
      await this.#runHeld(held, own);
    } catch (thrown) {
      this.#options.log(`run ${job.data.run}: ${String(job.data.hosts.length)} hosts go back to the queue: ${(thrown as Error).message}`);
      await this.#jobs.boss.fail(queue, own, { message: (thrown as Error).message }).catch(() => undefined);
    } finally {
      this.#held.delete(job.id);
    }
  }

  async #runHeld({ job, queue, controller }: Held, own: { id: string; retryCount: number }): Promise<void> {
    const [row] = await this.#jobs.sql(
      `update ${SCHEMA}.batch set worker = $2, attempt = attempt + 1, started_at = coalesce(started_at, now()) where id = $1 returning attempt, finished_at is not null as done`,
      [job.id, this.id]);
    if (row === undefined || row.done === true) {
      // its worker died after the last host and before the queue heard of it
      await this.#jobs.boss.complete(queue, own);
      return;
    }
    const attempt = Number(row.attempt);
    if (attempt > 1) this.#options.log(`run ${job.data.run}: taking over ${String(job.data.hosts.length)} hosts from a worker that is gone`);
    const result = await this.#options.run(job.data, attempt, controller.signal).catch((thrown: unknown): BatchResult => {
      // what is wrong with this machine's files does not get better by trying again
      if (!(thrown instanceof HsmfleetError) || thrown.code === 'STORE') throw thrown;
      return { hosts: {}, problem: thrown.toShape() };
    });
    // a worker that was taken for dead and is not must not answer for the one that has the batch now
    await this.#jobs.sql(`update ${SCHEMA}.batch set finished_at = now(), result = $3 where id = $1 and worker = $2 and finished_at is null`, [job.id, this.id, JSON.stringify(result)]);
    await this.#jobs.boss.complete(queue, own);
  }
}
