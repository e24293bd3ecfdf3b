import { randomUUID } from 'node:crypto';
import { HsmfleetError, type ErrorCode, type ErrorShape } from '@hsmfleet/contract';
import type { Batch, BatchRequest, BatchResult, LiveWorker } from './model.ts';
import type { JobsDatabase } from './open-jobs.ts';
import { SCHEMA } from './tables.ts';

/** Hosts in a batch at most: a worker that is lost has no more of them under way than it works on at once. */
const LARGEST_BATCH = 50;
/** Batches that a play is cut into at least, as far as there are hosts: so that all workers end at about the same time. */
const BATCHES = 64;
/** Rows of one insert. */
const CHUNK = 500;

/** A play's hosts, to be run by workers. */
export interface Coordination {
  run: string;
  play: number;
  hosts: readonly string[];
  request: BatchRequest;
  /** Digest of the project folder, and of the program. */
  digest: string;
  program: string;
  /** Aborting stops it: batches that no worker has begun are taken back, hosts under way end their task. */
  signal: AbortSignal;
  /** A batch is done, and all its events are stored. */
  onResult(result: BatchResult): Promise<void>;
  /** A quarter of a second went by: a good moment to look what hosts told. */
  onTick?(): Promise<void>;
}

/** Hosts in batches of one size that leaves work for all. */
export function cutBatches(hosts: readonly string[]): string[][] {
  const size = Math.min(LARGEST_BATCH, Math.max(1, Math.ceil(hosts.length / BATCHES)));
  return Array.from({ length: Math.ceil(hosts.length / size) }, (_, index) => hosts.slice(index * size, (index + 1) * size));
}

/**
 * The workers that have the same project folder and program as this process.
 * @throws HsmfleetError USAGE when there is none
 */
export async function findWorkers(jobs: JobsDatabase, digest: string, program: string): Promise<LiveWorker[]> {
  const live = await jobs.workers();
  const fit = live.filter((worker) => worker.digest === digest && worker.program === program);
  if (fit.length > 0) return fit;
  const others = live.map((worker) => `${worker.id} (${worker.project}: ${worker.program === program ? 'the folder differs' : 'another build of hsmfleet'})`);
  throw new HsmfleetError('USAGE', others.length === 0 ? 'no worker is running' : `no worker has this project as it is here; running: ${others.join(', ')}`, {
    hint: others.length === 0 ? 'start some: hsmfleet worker --project FOLDER' : 'bring the same project folder and the same hsmfleet to the workers; they notice by themselves',
  });
}

/**
 * Hands the hosts of a play to workers in batches and resolves when all of them are done, or were stopped.
 * @throws HsmfleetError TIMEOUT when no worker is left, AGENT when a batch was given up; STORE
 */
export async function coordinate(jobs: JobsDatabase, work: Coordination): Promise<void> {
  const { boss, timings } = jobs;
  const queue = await jobs.queue(work.digest, work.program);
  const batches = cutBatches(work.hosts).map((hosts): { id: string; data: Batch } => ({ id: randomUUID(), data: { run: work.run, play: work.play, hosts, request: work.request } }));
  const open = new Map(batches.map((batch) => [batch.id, batch]));
  // a run that another coordinator began under this id has attempts already, whose events have numbers
  const [earlier] = await jobs.sql(`select coalesce(max(attempt), 0) as attempts from ${SCHEMA}.batch where run = $1 and play = $2`, [work.run, work.play]);
  for (let from = 0; from < batches.length; from += CHUNK) {
    const chunk = batches.slice(from, from + CHUNK);
    await jobs.sql(
      `insert into ${SCHEMA}.batch (id, run, play, attempt, hosts) select each.id, $2, $3, $4, each.hosts from unnest($1::uuid[], $5::int[]) as each (id, hosts)`,
      [chunk.map(({ id }) => id), work.run, work.play, Number(earlier?.attempts), chunk.map(({ data }) => data.hosts.length)]);
    await boss.insert(queue, chunk);
  }
  let stopping = false;
  let alone = Date.now();
  let watched = 0;
  try {
    while (open.size > 0) {
      const done = await jobs.sql(`select id, result, worker from ${SCHEMA}.batch where run = $1 and play = $2 and finished_at is not null and id = any($3::uuid[])`, [work.run, work.play, [...open.keys()]]);
      for (const row of done) {
        const result = row.result as BatchResult;
        open.delete(String(row.id));
        if (result.problem !== undefined) throw problemOf(result.problem, String(row.worker));
        await work.onResult(result);
      }
      await work.onTick?.();
      if (work.signal.aborted && !stopping) {
        stopping = true;
        for (const id of await takeBack(jobs, queue, work.run, [...open.keys()])) open.delete(id);
      }
      if (open.size === 0) break;
      if (Date.now() - watched > 1_000) {
        watched = Date.now();
        const live = (await jobs.workers()).some(({ digest, program }) => digest === work.digest && program === work.program);
        if (live) alone = Date.now();
        else if (Date.now() - alone > timings.patience * 1_000) throw new HsmfleetError('TIMEOUT', `no worker was left for ${String(timings.patience)} s; ${String(open.size)} batches were not done`, { hint: 'start workers and run again: hosts that are as they should be change nothing' });
        await failWhenGivenUp(jobs, queue, work.run, open);
      }
      await new Promise((resolve) => setTimeout(resolve, timings.pollMs));
    }
  } catch (thrown) {
    await takeBack(jobs, queue, work.run, [...open.keys()]).catch(() => undefined);
    throw thrown;
  }
}

function problemOf({ code, message, hint }: ErrorShape, worker: string): HsmfleetError {
  return new HsmfleetError(code as ErrorCode, `on the worker ${worker}: ${message}`, { hint });
}

/** Cancels batches that no worker has begun, and tells workers to stop those they have. @returns ids of the former */
async function takeBack(jobs: JobsDatabase, queue: string, run: string, ids: readonly string[]): Promise<string[]> {
  await jobs.sql(`insert into ${SCHEMA}.stopped_run (run) values ($1) on conflict (run) do nothing`, [run]);
  const waiting = (await jobs.sql(`select id from ${SCHEMA}.batch where id = any($1::uuid[]) and started_at is null`, [ids])).map((row) => String(row.id));
  if (waiting.length > 0) await jobs.boss.cancel(queue, waiting);
  // one that a worker took in this very moment is told to stop like the others, and answers
  const begun = (await jobs.sql(`select id from ${SCHEMA}.batch where id = any($1::uuid[]) and started_at is not null`, [waiting])).map((row) => String(row.id));
  return waiting.filter((id) => !begun.includes(id));
}

/** A batch that ended worker after worker is not tried for ever. @throws HsmfleetError AGENT */
async function failWhenGivenUp(jobs: JobsDatabase, queue: string, run: string, open: ReadonlyMap<string, { data: Batch }>): Promise<void> {
  const rows = await jobs.sql(`select id, attempt from ${SCHEMA}.batch where run = $1 and finished_at is null and attempt > 1`, [run]);
  for (const { id } of rows) {
    const [job] = await jobs.boss.findJobs(queue, { id: String(id) });
    const batch = open.get(String(id));
    if (job?.state !== 'failed' || batch === undefined) continue;
    throw new HsmfleetError('AGENT', `a batch ended every worker that took it: ${batch.data.hosts.join(', ')}`, { hint: 'look into the logs of the workers: were they out of memory?' });
  }
}
