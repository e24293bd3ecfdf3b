import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coordinate, cutBatches, findWorkers, openJobs, sharedCustody, sharedPins, startWorker, type Batch, type BatchRequest, type BatchResult, type JobsDatabase, type WorkerOptions } from './index.ts';
import { makeTestDatabase, postgresMissing, type TestDatabase } from './testkit/test-database.ts';

const missing = postgresMissing();
if (missing !== undefined) process.stderr.write(`skipped: jobs in a real PostgreSQL: ${missing}\n`);

describe.skipIf(missing !== undefined)('a queue in PostgreSQL', () => {
  const REQUEST: BatchRequest = { playbook: 'site.yml', shipped: false, user: 'anna@desk', check: false, diff: false, options: {} };
  const hosts = (count: number): string[] => Array.from({ length: count }, (_, index) => `web${String(index)}`);
  let database: TestDatabase;
  let jobs: JobsDatabase;
  let folder: string;
  let runs = 0;

  beforeAll(async () => {
    database = await makeTestDatabase();
    jobs = await openJobs(database.url, { pollMs: 50, patience: 20 });
    folder = mkdtempSync(join(tmpdir(), 'hsmfleet-jobs-'));
  });
  afterAll(async () => {
    await jobs.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  /** A worker of this process. */
  function options(digest: string, run: WorkerOptions['run'], log: string[] = []): WorkerOptions {
    return { project: '/project', digest: () => Promise.resolve(digest), program: 'p', hosts: 20, run, log: (text) => log.push(text) };
  }
  const allOk = ({ hosts: all }: Batch): Promise<BatchResult> => Promise.resolve({ hosts: Object.fromEntries(all.map((host) => [host, 'ok' as const])) });

  async function run(digest: string, all: string[], signal = new AbortController().signal): Promise<Record<string, string>> {
    const ended: Record<string, string> = {};
    await coordinate(jobs, { run: `run-${String(++runs)}`, play: 0, hosts: all, request: REQUEST, digest, program: 'p', signal, onResult: (result) => Promise.resolve(void Object.assign(ended, result.hosts)) });
    return ended;
  }

  test('cuts hosts so that there is work for all, and no batch is large', () => {
    expect(cutBatches([])).toEqual([]);
    expect(cutBatches(hosts(16))).toHaveLength(16);
    expect(new Set(cutBatches(hosts(640)).map(({ length }) => length))).toEqual(new Set([10]));
    expect(Math.max(...cutBatches(hosts(10_000)).map(({ length }) => length))).toBe(50);
    expect(cutBatches(hosts(10_001)).flat()).toEqual(hosts(10_001));
  });

  test('hands every host to exactly one of two workers, and tells how it ended', async () => {
    const taken: [string, string][] = [];
    const of = (name: string): WorkerOptions['run'] => async (batch) => {
      for (const host of batch.hosts) taken.push([name, host]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { hosts: Object.fromEntries(batch.hosts.map((host) => [host, host === 'web3' ? 'failed' : 'ok'])) };
    };
    const workers = [await startWorker(jobs, options('two', of('a'))), await startWorker(jobs, options('two', of('b')))];
    expect((await findWorkers(jobs, 'two', 'p')).map(({ id }) => id).sort()).toEqual(workers.map(({ id }) => id).sort());
    const ended = await run('two', hosts(40));
    expect(ended).toEqual(Object.fromEntries(hosts(40).map((host) => [host, host === 'web3' ? 'failed' : 'ok'])));
    expect(taken.map(([, host]) => host).sort()).toEqual(hosts(40).sort());
    expect(new Set(taken.map(([name]) => name))).toEqual(new Set(['a', 'b']));
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(await jobs.workers()).toEqual([]);
  });

  test('gives nothing to a worker whose project or program differs, and says so', async () => {
    await expect(findWorkers(jobs, 'mine', 'p')).rejects.toThrow('no worker is running');
    const other = await startWorker(jobs, options('other', allOk));
    await expect(findWorkers(jobs, 'mine', 'p')).rejects.toThrow(`no worker has this project as it is here; running: ${other.id} (/project: the folder differs)`);
    await expect(findWorkers(jobs, 'other', 'q')).rejects.toThrow('another build of hsmfleet');
    await other.stop();
  });

  test("tells what is wrong on a worker's machine as that, once", async () => {
    let asked = 0;
    const { HsmfleetError } = await import('@hsmfleet/contract');
    const worker = await startWorker(jobs, options('broken', () => {
      asked += 1;
      return Promise.reject(new HsmfleetError('FILE_MISSING', 'secrets/token-pin cannot be read', { hint: 'bring it there' }));
    }));
    await expect(run('broken', ['web1'])).rejects.toMatchObject({ code: 'FILE_MISSING', message: `on the worker ${worker.id}: secrets/token-pin cannot be read`, hint: 'bring it there' });
    expect(asked).toBe(1);
    await worker.stop();
  });

  test('stops: batches that nobody began are taken back, workers hear of it', async () => {
    const stop = new AbortController();
    const began: string[] = [];
    const worker = await startWorker(jobs, { ...options('stopped', (batch, _attempt, signal) => {
      began.push(...batch.hosts);
      if (began.length === 2) stop.abort();
      return new Promise((resolve) => { signal.addEventListener('abort', () => { resolve({ hosts: Object.fromEntries(batch.hosts.map((host) => [host, 'stopped'])) }); }); });
    }), hosts: 2 });
    const ended = await run('stopped', hosts(30), stop.signal);
    expect(began.length).toBeLessThan(5);
    expect(ended).toEqual(Object.fromEntries(began.map((host) => [host, 'stopped'])));
    await worker.stop();
  });

  test('a batch of a worker that was killed goes to another one; what was finished stays finished', async () => {
    const file = join(folder, 'taken');
    const child = spawn(process.execPath, [fileURLToPath(new URL('testkit/worker-process.ts', import.meta.url)), database.url, 'killed', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const first = await new Promise<string>((resolve) => { child.stdout.once('data', (chunk: Buffer) => { resolve(chunk.toString().trim()); }); });
    const ending = run('killed', ['a', 'b', 'slow', 'c']);
    const seen = (): string[] => readFileSync(file, 'utf8').trim().split('\n');
    await expect.poll(() => seen().length, { timeout: 10_000 }).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGKILL');
    const log: string[] = [];
    const attempts: number[] = [];
    const worker = await startWorker(jobs, options('killed', (batch, attempt) => {
      attempts.push(attempt);
      return allOk(batch);
    }, log));
    const killedAt = Date.now();
    expect(await ending).toEqual({ a: 'ok', b: 'ok', slow: 'ok', c: 'ok' });
    expect(Date.now() - killedAt).toBeLessThan(30_000);
    expect(attempts).toEqual([2]);
    expect(log).toContainEqual(expect.stringMatching(/taking over 1 hosts from a worker that is gone/));
    expect(seen().every((line) => line.startsWith(first))).toBe(true);
    await worker.stop();
  }, 60_000);

  test('lets one login with an unproven PIN at a time through, and none after a wrong one', async () => {
    const worker = await startWorker(jobs, options('pins', allOk));
    const other = await startWorker(jobs, options('pins', allOk));
    const [one, two] = [sharedPins(jobs, 'pins-1', worker.id), sharedPins(jobs, 'pins-1', other.id)];
    expect(await one.ask('a', 't', false)).toEqual({ decision: 'go' });
    let second: unknown = 'waits';
    const asking = two.ask('b', 't', false).then((decision) => { second = decision; });
    expect(await two.ask('c', 't', true)).toEqual({ decision: 'go' });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(second).toBe('waits');
    await one.told('a', 'correct', '');
    await asking;
    expect(second).toEqual({ decision: 'go' });
    await two.told('b', 'incorrect', 'the token on b says no');
    for (const proven of [true, false]) expect(await one.ask('d', 't', proven)).toEqual({ decision: 'refused', reason: 'the token on b says no' });
    expect(await sharedPins(jobs, 'pins-2', worker.id).ask('d', 't', false)).toEqual({ decision: 'go' });
    await Promise.all([worker.stop(), other.stop()]);
  });

  test('refuses logins when a worker is gone that tried a PIN: nobody knows what the token said', async () => {
    expect(await sharedPins(jobs, 'pins-3', 'a-worker-that-is-gone').ask('a', 't', false)).toEqual({ decision: 'go' });
    expect(await sharedPins(jobs, 'pins-3', 'another').ask('b', 't', false)).toEqual({
      decision: 'refused', reason: 'the worker a-worker-that-is-gone was lost while a tried a PIN: what the token answered is not known',
    });
  });

  test('gives a prepared token to the first host that shows it', async () => {
    const [one, two] = [sharedCustody(jobs, 'custody'), sharedCustody(jobs, 'custody')];
    expect(await one.claim('a', 'm')).toBeUndefined();
    expect(await two.claim('b', 'm')).toBe('a');
    expect(await one.claim('a', 'm')).toBeUndefined();
  });
});

test('says what to do when there is no database', async () => {
  await expect(openJobs('postgres://nobody@127.0.0.1:9/none')).rejects.toMatchObject({ code: 'STORE', hint: expect.stringContaining('HSMFLEET_DATABASE_URL') });
});
