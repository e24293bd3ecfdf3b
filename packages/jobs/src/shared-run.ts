import { setTimeout as sleep } from 'node:timers/promises';
import type { JobsDatabase } from './open-jobs.ts';
import { SCHEMA } from './tables.ts';

const POLL_MS = 150;

/** May a host log in? As the runner's PIN authority asks. */
export type SharedPinDecision = { decision: 'go' } | { decision: 'refused'; reason: string };

/** What all workers of a run agree on about PINs. No PIN and no hash of one is ever written down. */
export interface SharedPins {
  ask(host: string, token: string, proven: boolean): Promise<SharedPinDecision>;
  told(host: string, outcome: 'correct' | 'incorrect' | 'not_tried' | 'unknown', reason: string): Promise<void>;
}

/**
 * One login with a PIN that is not proven at a time in the whole run, whichever worker has the host; the first wrong PIN
 * stops every login of the run. A worker that was lost while a host tried a PIN has the same effect, for nobody knows what
 * the token answered. When the database does not answer, nobody logs in.
 */
export function sharedPins(jobs: JobsDatabase, run: string, worker: string): SharedPins {
  const refused = (reason: string): SharedPinDecision => ({ decision: 'refused', reason });

  async function ask(host: string, proven: boolean): Promise<SharedPinDecision> {
    await jobs.sql(`insert into ${SCHEMA}.run_pin (run) values ($1) on conflict (run) do nothing`, [run]);
    for (;;) {
      if (!proven) {
        const taken = await jobs.sql(`update ${SCHEMA}.run_pin set worker = $2, host = $3, at = now() where run = $1 and worker is null and frozen is null returning run`, [run, worker, host]);
        if (taken.length > 0) return { decision: 'go' };
      }
      await jobs.sql(
        `update ${SCHEMA}.run_pin set frozen = 'the worker ' || worker || ' was lost while ' || host || ' tried a PIN: what the token answered is not known'
         where run = $1 and frozen is null and worker is not null
           and not exists (select from ${SCHEMA}.worker w where w.id = run_pin.worker and w.seen_at > now() - $2 * interval '1 second')`, [run, jobs.timings.heartbeat]);
      const [row] = await jobs.sql(`select frozen from ${SCHEMA}.run_pin where run = $1`, [run]);
      if (typeof row?.frozen === 'string') return refused(row.frozen);
      if (proven) return { decision: 'go' };
      await sleep(POLL_MS);
    }
  }

  return {
    async ask(host, _token, proven) {
      try {
        return await ask(host, proven);
      } catch (thrown) {
        return refused(`whether other workers try a PIN cannot be asked: ${(thrown as Error).message}`);
      }
    },
    async told(host, outcome, reason) {
      const wrong = outcome === 'incorrect' || outcome === 'unknown';
      try {
        await jobs.sql(
          `update ${SCHEMA}.run_pin set frozen = coalesce(frozen, $4), at = now(),
             worker = case when worker = $2 and host = $3 then null else worker end, host = case when worker = $2 and host = $3 then null else host end
           where run = $1`, [run, worker, host, wrong ? reason : null]);
      } catch {
        // the lock stays with this worker: others wait, and are refused once it is gone
      }
    },
  };
}

/** Which host has which prepared token, for all workers of a run. */
export function sharedCustody(jobs: JobsDatabase, run: string): { claim(host: string, manifest: string): Promise<string | undefined> } {
  return {
    async claim(host, manifest) {
      try {
        const [row] = await jobs.sql(
          `insert into ${SCHEMA}.run_custody (run, manifest, host) values ($1, $2, $3)
           on conflict (run, manifest) do update set at = now() returning host`, [run, manifest, host]);
        const holder = String(row?.host);
        return holder === host ? undefined : holder;
      } catch (thrown) {
        return `a host that cannot be looked up (${(thrown as Error).message})`;
      }
    },
  };
}
