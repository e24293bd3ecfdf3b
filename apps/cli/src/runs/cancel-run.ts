import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError, toErrorShape } from '@hsmfleet/contract';
import { stopHost, type StoppedHost } from '@hsmfleet/runner';
import { openStore, type Store } from '@hsmfleet/store';
import { loadAgentBundle } from '../agent-bundle.ts';
import { askSecret } from '../ask-secret.ts';
import { openPlaybook } from '../execute-playbook.ts';
import { findRun } from '../find-run.ts';
import type { FleetOptions } from '../fleet-options.ts';
import { hostTarget } from '../host-target.ts';
import { createTransports } from '../host-transports.ts';
import { REACH_PLAY } from '../reach-play.ts';
import { isHeld, type KeptRequest } from '../run-control.ts';
import { runUser } from '../run-identity.ts';
import { tellStory } from './run-story.ts';

/** How long the process that controls a run may take to end it, and a host its current task. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 250;
/** Hosts asked at once. */
const AT_ONCE = 32;

export interface CancelRunOptions extends Partial<Pick<FleetOptions, 'hosts' | 'vaultId' | 'vaultPasswordFile' | 'askBecomePass'>> {
  reason?: string;
}

/**
 * Ends a run from elsewhere: by the process that controls it, or by its agents when that process is gone.
 * @returns 0 when it is over, 4 when a host could not be reached, 2 when one goes on
 * @throws HsmfleetError USAGE, STORE
 */
export async function cancelRun(given: string, options: CancelRunOptions): Promise<number> {
  const store = await openStore();
  try {
    const { id, row, control } = await findRun(store, given);
    const by = runUser();
    const story = tellStory((await store.runEvents(id)).map(({ event }) => event));
    if (row?.finishedAt !== undefined && !story.hosts.some(({ status }) => status === 'running')) {
      process.stderr.write(`run ${id} is over: there is nothing to stop\n`);
      return 0;
    }
    if (control === undefined) throw new HsmfleetError('USAGE', `run ${id} cannot be stopped from here: it is no "hsmfleet apply", or an older hsmfleet runs it`, { hint: 'press Ctrl-C where it runs' });
    await store.requestCancel(id, { at: new Date().toISOString(), by, reason: options.reason ?? '' });
    if (isHeld(control)) return await awaitEnd(store, id);
    // a host that ended its play may be in the next one by now; where nothing was told, the plan may have arrived all the same
    const hosts = story.hosts.filter(({ status }) => status !== 'failed' && status !== 'refused').map(({ host }) => host);
    return await stopHosts({ store, run: id, by, hosts, kept: control.request as KeptRequest, options });
  } finally {
    await store.close();
  }
}

/** The process that controls the run lets every host end its task, and ends the run. */
async function awaitEnd(store: Store, run: string): Promise<number> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    if ((await store.run(run))?.finishedAt !== undefined) {
      process.stdout.write(`run ${run} was stopped; go on with it: hsmfleet apply --resume ${run}\n`);
      return 0;
    }
    await sleep(LOOK_MS);
  }
  process.stderr.write(`run ${run} was asked to stop, and has not ended within ${String(PATIENCE_MS / 1_000)} s: see hsmfleet runs log ${run} -f\n`);
  return 2;
}

interface StopRequest {
  store: Store;
  run: string;
  by: string;
  hosts: string[];
  kept: KeptRequest;
  options: CancelRunOptions;
}

/** Nobody controls the run any more: each host is told. */
async function stopHosts({ store, run, by, hosts, kept, options }: StopRequest): Promise<number> {
  process.chdir(kept.folder);
  const stored = kept.options as Partial<FleetOptions>;
  const fleet: FleetOptions = { ...stored, ...options, hosts: options.hosts ?? stored.hosts ?? [], forks: String(AT_ONCE) };
  const opened = await openPlaybook({ playbook: REACH_PLAY, fleet: { ...fleet, extraVars: kept.extraFiles }, check: true, diff: false }, { run, user: by, store, onNote: (text) => { process.stderr.write(`${text}\n`); } });
  const { compiled } = await opened.compile(new Set(hosts));
  const connection = compiled.plays[0]?.connection ?? new Map<string, never>();
  const becomeUser = kept.plays.find(({ become }) => become !== undefined)?.become;
  const becomePassword = options.askBecomePass === true ? await askSecret('sudo password', 'set ansible_become_password in the hosts file, to !secret file:PATH') : undefined;
  const transport = createTransports();
  const bundle = await loadAgentBundle(() => undefined);
  const queue = [...hosts];
  let code = 0;
  const tell = (host: string, text: string): void => { process.stdout.write(`${host}: ${text}\n`); };
  const work = async (): Promise<void> => {
    for (let host = queue.shift(); host !== undefined; host = queue.shift()) {
      const vars = connection.get(host);
      if (vars === undefined) {
        tell(host, 'no longer in the hosts files');
        code |= 4;
        continue;
      }
      try {
        const target = hostTarget(host, vars, { user: fleet.user, identityFile: fleet.privateKey, become: becomeUser !== undefined, becomeUser: becomeUser ?? 'root', becomePassword });
        const end = await stopHost({ run, by, reason: options.reason ?? '', host, target, transport: transport(target), bundle, patienceMs: PATIENCE_MS, onEvent: (event) => { store.appendEvent(event); } });
        tell(host, endText(end));
        if (end.kind === 'goes on') code |= 2;
      } catch (thrown) {
        tell(host, toErrorShape(thrown).message);
        code |= 4;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, hosts.length) }, work));
  await store.flush();
  return code;
}

function endText(end: StoppedHost): string {
  if (end.kind === 'ended') return end.status === 'stopped' ? 'stopped' : `had ended its play: ${end.status}`;
  return end.why;
}
