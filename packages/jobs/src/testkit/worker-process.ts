import { appendFileSync } from 'node:fs';
import { openJobs, startWorker } from '../index.ts';

/* A worker in a process of its own, to be killed: URL DIGEST FILE. It writes each host down, and never finishes a batch that has "slow" in it. */
const [url = '', digest = '', file = ''] = process.argv.slice(2);
const jobs = await openJobs(url);
const worker = await startWorker(jobs, {
  project: '/project', program: 'p', hosts: 100, digest: () => Promise.resolve(digest), log: () => undefined,
  async run(batch) {
    for (const host of batch.hosts) appendFileSync(file, `${worker.id} ${host}\n`);
    if (batch.hosts.includes('slow')) await new Promise(() => undefined);
    return { hosts: Object.fromEntries(batch.hosts.map((host) => [host, 'ok' as const])) };
  },
});
process.stdout.write(`${worker.id}\n`);
