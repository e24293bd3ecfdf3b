import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { mapTasks, type ErrorShape, type HostDiagnosis, type HostEvidence, type RunEvent } from '@hsmfleet/contract';
import { broken, diagnosisOf, judgeHost, judgeReach, walk, type Findings, type ReachEvidence, type WantedSite } from '@hsmfleet/doctor';
import { runPlays } from '@hsmfleet/runner';
import { openStore } from '@hsmfleet/store';
import type { HostTarget } from '@hsmfleet/transport';
import type { DoctorOptions } from '../commands/doctor.ts';
import { DOCTOR_PLAY } from '../doctor-play.ts';
import { openPlaybook, type RunnerSettings } from '../execute-playbook.ts';
import { openSshConfiguration } from '../host-transports.ts';
import { newRunId, runUser } from '../run-identity.ts';
import { lookWithoutAgent } from './look-without-agent.ts';
import { wantedSites } from './wanted-sites.ts';

/** What a person is told meanwhile, and how it is ended. */
export interface DiagnoseContext {
  signal: AbortSignal;
  onStart(): void;
  onNote(text: string): void;
}

/** What a host told during the run. */
interface Told {
  agent?: ReachEvidence['agent'];
  evidence?: HostEvidence;
  /** What kept it from telling. */
  error?: ErrorShape;
}

/**
 * Follows the chain on every host that the pattern names.
 * @throws HsmfleetError, HsmfleetErrors for what is wrong on this machine
 */
export async function diagnoseHosts(pattern: string, options: DoctorOptions, { signal, onStart, onNote }: DiagnoseContext): Promise<HostDiagnosis[]> {
  const wanted = options.playbook === undefined ? new Map<string, WantedSite[]>() : await wantedOf(options.playbook, pattern, options, onNote);
  return withOwnStore(async (store) => {
    const run = newRunId();
    const opened = await openPlaybook({ playbook: DOCTOR_PLAY, fleet: options, limit: pattern, check: false, diff: false }, { run, user: runUser(), store, onNote });
    const { compiled, plays } = await opened.compile();
    for (const warning of [...opened.warnings, ...compiled.warnings]) onNote(`warning: ${warning}`);
    const runner = await opened.runner(compiled);
    const told = new Map<string, Told>();
    onStart();
    await runPlays({
      ...runner, signal, playbook: DOCTOR_PLAY,
      plays: plays.map((play) => ({ ...play, plans: new Map([...play.plans].map(([host, plan]) => [host, { ...plan, tasks: mapTasks(plan.tasks, (task) => ({ ...task, params: paramsOf(options, wanted.get(host)) })) }])) })),
      onEvent(event) { listen(told, event); },
    });
    const hosts = [...new Set(compiled.plays.flatMap((play) => play.hosts))];
    const targets = new Map(plays.flatMap((play) => [...play.targets]));
    return Promise.all(hosts.map((host) => diagnose(host, targets.get(host), told.get(host) ?? {}, runner, { site: options.site, wanted: wanted.get(host) ?? [] })));
  });
}

/** Parameters of the resource, as the wire has them. */
function paramsOf({ readTokens }: DoctorOptions, wanted: readonly WantedSite[] | undefined): Record<string, unknown> {
  const modules = [...new Map((wanted ?? []).flatMap(({ module, moduleEnv }) => (module === undefined ? [] : [[module, { path: module, ...(moduleEnv === undefined ? {} : { env: moduleEnv }) }] as const]))).values()];
  return { read_tokens: readTokens, ...(modules.length === 0 ? {} : { modules }) };
}

function listen(told: Map<string, Told>, event: RunEvent): void {
  if (event.host === '') return;
  const host = told.get(event.host) ?? {};
  told.set(event.host, host);
  switch (event.type) {
    case 'host_started': host.agent = { version: event.agent, node: event.node, uploaded: event.uploaded }; break;
    case 'host_unreachable': host.error = event.error; break;
    case 'task_finished': {
      const { evidence } = (event.result ?? {}) as { evidence?: HostEvidence };
      if (event.error !== undefined) host.error = event.error;
      else if (evidence !== undefined) host.evidence = evidence;
      break;
    }
    case 'host_finished': if (event.error !== undefined) host.error ??= event.error; break;
    default: break;
  }
}

async function diagnose(host: string, target: HostTarget | undefined, told: Told, runner: RunnerSettings, follow: { site: string | undefined; wanted: readonly WantedSite[] }): Promise<HostDiagnosis> {
  const { agent, evidence, error } = told;
  const reach = await reachOf(host, target, { agent, error: agent === undefined ? (error ?? { code: 'INTERNAL', message: `nothing was heard of ${host}`, host }) : undefined });
  if (reach.error?.code === 'AGENT' && target !== undefined) reach.bootstrap = await lookBeside(target, runner);
  const findings: Findings = judgeReach(reach);
  if (agent === undefined) return diagnosisOf(host, walk(findings), []);
  if (evidence === undefined) {
    const why = error ?? { code: 'INTERNAL', message: 'the agent told nothing' };
    return diagnosisOf(host, walk({ ...findings, agent: broken(`the agent could not look: ${why.message}`, why.hint ?? 'look into the journal of the run on the host', 'ls -t /var/lib/hsmfleet/runs | head -1', why.code) }), []);
  }
  const judged = judgeHost(evidence, follow);
  return diagnosisOf(host, walk({ ...findings, ...judged.findings }), judged.sites);
}

/** Where the attempt went, and whether the name stands for a machine. */
async function reachOf(host: string, target: HostTarget | undefined, { agent, error }: Pick<ReachEvidence, 'agent' | 'error'>): Promise<ReachEvidence> {
  const local = target?.connection === 'local';
  // a configuration that ssh refuses is what the error is about
  const ssh = target === undefined || local ? undefined : await openSshConfiguration().resolve(target).catch(() => undefined);
  const address = ssh?.hostname ?? target?.address ?? host;
  const direct = ssh !== undefined && ssh.proxyJump.length === 0 && ssh.proxyCommand === undefined;
  return {
    host, connection: local ? 'local' : 'ssh', address,
    port: ssh?.port, user: local ? userInfo().username : ssh?.user, becomes: target?.become?.user,
    resolved: direct ? await resolveName(address) : undefined,
    error, agent,
  };
}

async function resolveName(address: string): Promise<ReachEvidence['resolved']> {
  if (isIP(address) !== 0) return { ok: true, addresses: [address] };
  try {
    return { ok: true, addresses: (await lookup(address, { all: true })).map((found) => found.address) };
  } catch (thrown) {
    return { ok: false, problem: (thrown as Error).message };
  }
}

/** A second connection; without one, what the first attempt said has to do. */
async function lookBeside(target: HostTarget, { transport, bundle }: RunnerSettings): Promise<ReachEvidence['bootstrap']> {
  try {
    const connection = await transport(target).connect(target);
    try {
      return await lookWithoutAgent(connection, bundle);
    } finally {
      connection.close();
    }
  } catch {
    return undefined;
  }
}

/** A store that is thrown away: whether the real one opens is not a host's matter, and nothing is to be kept of this. */
async function withOwnStore<T>(work: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hsmfleet-doctor-'));
  try {
    const store = await openStore(join(folder, 'doctor.db'), { blobs: join(folder, 'blobs') });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a playbook wants of the hosts that it and the pattern have in common. */
async function wantedOf(playbook: string, pattern: string, fleet: DoctorOptions, onNote: (text: string) => void): Promise<Map<string, WantedSite[]>> {
  // packages that hosts built are in the real store, and a task may name one
  const store = await openStore();
  try {
    const opened = await openPlaybook({ playbook, fleet, limit: pattern, check: true, diff: false }, { run: newRunId(), user: runUser(), store, onNote });
    const { compiled } = await opened.compile();
    return wantedSites(compiled.plays.flatMap((play) => [...play.plans.values()]));
  } finally {
    await store.close();
  }
}
