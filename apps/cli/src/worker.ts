import { resolve } from 'node:path';
import { CONTROL_SEQ_BASE, HsmfleetError } from '@hsmfleet/contract';
import { openJobs, projectDigest, sharedCustody, sharedPins, startWorker, type Batch, type BatchResult, type HostStatus, type JobsDatabase, type JobTimings, type Worker } from '@hsmfleet/jobs';
import { runPlays } from '@hsmfleet/runner';
import { openStore, type Store } from '@hsmfleet/store';
import { countOption } from './count-option.ts';
import { openPlaybook, type OpenPlaybook } from './execute-playbook.ts';
import type { FleetOptions } from './fleet-options.ts';
import { databaseUrl, programId } from './worker-pool.ts';
import { playbookRequest } from './worker-requests.ts';

/** Numbers of events for one attempt of one play on a host; and attempts of a play that get numbers of their own. */
const SEQ_PER_ATTEMPT = 50_000;
const ATTEMPTS = 16;
/** Runs whose playbooks stay open: batches of one run come one after the other, and rarely of many runs at once. */
const OPEN_RUNS = 4;

/** What the command line says. */
export interface WorkerSettings extends Pick<FleetOptions, 'forks' | 'vaultId' | 'vaultPasswordFile'> {
  project: string;
  timings?: Partial<JobTimings>;
}

/**
 * Takes batches of hosts from the queue in PostgreSQL until it is told to stop.
 * @param signal the first abort: no more batches are taken, those under way are finished
 * @throws HsmfleetError USAGE, STORE
 */
export async function runWorker(settings: WorkerSettings, signal: AbortSignal, log: (text: string) => void): Promise<void> {
  const url = databaseUrl();
  const project = resolve(settings.project);
  const hosts = countOption('--forks', settings.forks);
  const store = await openStore();
  const jobs = await openJobs(url, settings.timings);
  try {
    const program = await programId();
    const desk = new BatchDesk({ store, jobs, project, settings, log });
    const worker = await startWorker(jobs, {
      project, program, hosts, log,
      digest: () => projectDigest(project, settings.vaultPasswordFile),
      run: (batch, attempt, stop) => desk.run(worker, batch, attempt, stop),
    });
    log(`worker ${worker.id} takes hosts of ${project}`);
    await new Promise<void>((end) => {
      if (signal.aborted) end();
      signal.addEventListener('abort', () => { end(); }, { once: true });
    });
    log('no more batches are taken; those under way are finished');
    await worker.stop();
  } finally {
    await jobs.close();
    await store.close();
  }
}

interface DeskParts {
  store: Store;
  jobs: JobsDatabase;
  project: string;
  settings: WorkerSettings;
  log: (text: string) => void;
}

/** Runs batches of hosts; the playbook of a run is opened once for all of its batches. */
class BatchDesk {
  readonly #parts: DeskParts;
  readonly #opened = new Map<string, Promise<OpenPlaybook>>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  async run(worker: Worker, batch: Batch, attempt: number, signal: AbortSignal): Promise<BatchResult> {
    const { store, jobs } = this.#parts;
    const opened = await this.#open(batch);
    const { compiled, plays } = await opened.compile(new Set(batch.hosts));
    const play = plays.find(({ index }) => index === batch.play);
    const unknown = batch.hosts.find((host) => play?.plans.has(host) !== true);
    if (play === undefined || unknown !== undefined) throw new HsmfleetError('INTERNAL', `play ${String(batch.play)} has no plan for ${unknown ?? 'any host'} here`);
    const hosts = Object.fromEntries(batch.hosts.map((host): [string, HostStatus] => [host, 'stopped']));
    await runPlays({
      ...(await opened.runner(compiled)), playbook: batch.request.playbook, signal,
      // budgets are the coordinator's: it sees all hosts
      plays: [{ index: play.index, name: play.name, batches: [batch.hosts], anyErrorsFatal: false, plans: play.plans, targets: play.targets }],
      shared: {
        pins: sharedPins(jobs, batch.run, worker.id),
        custody: sharedCustody(jobs, batch.run),
        controlSeqBase: CONTROL_SEQ_BASE + (batch.play * ATTEMPTS + Math.min(attempt, ATTEMPTS) - 1) * SEQ_PER_ATTEMPT,
      },
      onEvent(event) {
        if (event.host === '') return;
        store.appendEvent(event);
        if (event.type === 'host_finished' && event.play === batch.play) hosts[event.host] = event.status;
        if (event.type === 'host_unreachable') hosts[event.host] = 'unreachable';
      },
    });
    await store.flush();
    const problem = store.problem();
    if (problem !== undefined) throw problem;
    return { hosts };
  }

  #open(batch: Batch): Promise<OpenPlaybook> {
    const { store, project, settings, log } = this.#parts;
    let opened = this.#opened.get(batch.run);
    if (opened === undefined) {
      const { forks, vaultId, vaultPasswordFile } = settings;
      const own = { forks, ...(vaultId === undefined ? {} : { vaultId }), ...(vaultPasswordFile === undefined ? {} : { vaultPasswordFile }) };
      opened = openPlaybook(playbookRequest(batch.request, project, own), { run: batch.run, user: batch.request.user, store, onNote: log });
      // what was wrong may be mended by the next batch
      opened.catch(() => this.#opened.delete(batch.run));
      this.#opened.set(batch.run, opened);
      if (this.#opened.size > OPEN_RUNS) this.#opened.delete(this.#opened.keys().next().value as string);
    }
    return opened;
  }
}
