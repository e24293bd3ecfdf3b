import { resolve } from 'node:path';
import { HsmfleetError, type RunEvent } from '@hsmfleet/contract';
import type { RemoteHosts } from '@hsmfleet/runner';
import { defaultLocation } from '@hsmfleet/store';
import { loadAgentBundle } from './agent-bundle.ts';
import type { EngageWorkers } from './execute-playbook.ts';
import { gatherEvidence, type GatherEvidence } from './gather-evidence.ts';
import { RunFollower } from './run-follower.ts';
import { batchRequest } from './worker-requests.ts';

/** Hosts at most that are followed as things happen: each event is read twice then. */
const LIVE_HOSTS = 500;

/** Workers that share a database with this process. */
export interface WorkerPool {
  /** Has them run a playbook's hosts: hand it to a run as its `workers`. */
  engage: EngageWorkers;
  /** Has them read the hosts of a check: hand it to a check as its `gather`. */
  gather: GatherEvidence;
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  /** The project folder; playbooks and hosts files have to be in it. */
  project: string;
  /** Tell what happens on hosts as it happens, as long as they are not too many, rather than when a batch of hosts is done. */
  live: boolean;
  /** By default HSMFLEET_DATABASE_URL. */
  url?: string | undefined;
}

/**
 * Opens the job queue in the PostgreSQL database of the store.
 * @throws HsmfleetError USAGE when the store is none, STORE
 */
export async function openWorkerPool({ project, live, url = databaseUrl() }: WorkerPoolOptions): Promise<WorkerPool> {
  const { coordinate, findWorkers, openJobs, projectDigest } = await import('@hsmfleet/jobs');
  const folder = resolve(project);
  const jobs = await openJobs(url);
  const engage: EngageWorkers = async (request, { run, user, store, onNote }): Promise<RemoteHosts> => {
    const described = batchRequest(request, folder, user);
    const [digest, program] = await Promise.all([projectDigest(folder), programId()]);
    const workers = await findWorkers(jobs, digest, program);
    onNote(`${String(workers.length)} ${workers.length === 1 ? 'worker has' : 'workers have'} this project: ${workers.map(({ id }) => id).join(', ')}`);
    let tell: (event: RunEvent) => void = () => undefined;
    const follower = new RunFollower(store, run, (event) => { tell(event); });
    return {
      async run(play, hosts, signal, told) {
        tell = (event) => { told.event(event); };
        await coordinate(jobs, {
          run, play: play.index, hosts, request: described, digest, program, signal,
          async onResult({ hosts: ended }) {
            await follower.complete(Object.keys(ended));
            for (const [host, status] of Object.entries(ended)) told.host(host, status);
          },
          ...(live && hosts.length <= LIVE_HOSTS ? { onTick: () => follower.poll() } : {}),
        });
      },
    };
  };
  return {
    engage,
    gather: (request, signal) => gatherEvidence({ ...request, workers: engage }, signal),
    close: () => jobs.close(),
  };
}

/** @param location of the store @throws HsmfleetError USAGE when it is no PostgreSQL database */
export function databaseUrl(location = defaultLocation()): string {
  if (/^postgres(?:ql)?:\/\//.test(location)) return location;
  throw new HsmfleetError('USAGE', 'workers need a PostgreSQL database that all of them reach', { hint: 'set HSMFLEET_DATABASE_URL to postgres://USER@HOST/DATABASE' });
}

/** What has to be the same on all machines of a run, beside the project: version and agent. @throws HsmfleetError FILE_MISSING */
export async function programId(): Promise<string> {
  const { version, hash } = await loadAgentBundle(() => undefined);
  return `${version.replaceAll(/[^\w.]/g, '')}-${hash}`;
}
