import { dirname } from 'node:path';
import { checkQueries, diffChecks, evaluateProfile, parameterValue, parseProfile, resultKey, summaryOf, type ParameterValue, type Profile, type QueryPort } from '@hsmfleet/compliance';
import { Deferred, HsmfleetError, Secret, type CheckReport, type RunEvent, type StateChange } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import type { Store } from '@hsmfleet/store';
import { askHidden, canAsk } from './ask-secret.ts';
import { needHosts } from './open-hosts.ts';
import { parseExtraVars } from './extra-vars.ts';
import type { FleetOptions } from './fleet-options.ts';
import { gatherEvidence, type GatheredEvidence, type GatherEvidence } from './gather-evidence.ts';
import { readCertificates, readEvidence } from './read-evidence.ts';
import { newRunId, runUser } from './run-identity.ts';
import { vaultOpener } from './vault-options.ts';
import { VERSION } from './version.ts';

/** A check to perform. */
export interface CheckRequest {
  /** Path of the profile. */
  profile: string;
  fleet: FleetOptions;
  /** Which hosts; all when absent. */
  pattern?: string | undefined;
  /** Name of the schedule that asks for it. */
  schedule: string | null;
  /** Id of the check; a new one when absent. */
  id?: string | undefined;
  /** `live`: hosts are read now; `snapshot`: what the store knows is judged, no host is touched. */
  evidence: 'live' | 'snapshot';
  store: Store;
  /** Names of the sinks that are told of changes. */
  sinks: readonly string[];
  /** Aborting ends it: nothing is recorded. */
  signal?: AbortSignal | undefined;
  onEvent?(event: RunEvent): void;
  onNote?(text: string): void;
  /** How hosts are read; from this machine when absent. */
  gather?: GatherEvidence | undefined;
  /** Milliseconds that reading hosts may take; hosts that have not answered by then are in error. */
  timeoutMs?: number | undefined;
}

/** What a check found, and what is not as it was at the one before. */
export interface PerformedCheck {
  report: CheckReport;
  changes: StateChange[];
}

/**
 * Reads hosts, judges them, compares with the last check of the same schedule and profile, and records all of it. Prints
 * nothing.
 * @throws HsmfleetError, HsmfleetErrors for what is wrong with the profile, the hosts file or a playbook, before any host is
 *   touched; STORE when what hosts said could not be kept; the signal's reason when it is aborted
 */
export async function performCheck(request: CheckRequest): Promise<PerformedCheck> {
  const { store, fleet, evidence, pattern } = request;
  const startedAt = new Date().toISOString();
  const id = request.id ?? newRunId();
  const profile = await parseProfile(request.profile);
  const options = { ask: canAsk() ? askHidden : undefined, vault: await vaultOpener(fleet) };
  const model = await loadHosts(needHosts(fleet.hosts), { playbookDir: dirname(request.profile), ...options });
  const hosts = model.select('all', pattern);
  if (hosts.length === 0) throw new HsmfleetError('HOST_PATTERN', `the pattern "${pattern ?? 'all'}" names no host`);
  const given = givenValues(profile, await parseExtraVars(fleet.extraVars ?? [], options));
  const query: QueryPort = (sql, params) => store.read(sql, params);
  await checkQueries(profile, query);
  const previous = await store.lastCheck({ schedule: request.schedule, profile: profile.name });
  const gathered = evidence === 'live' ? await gather(request, profile, id, hosts) : undefined;
  request.signal?.throwIfAborted();
  await store.flush();
  const lost = store.problem();
  if (lost !== undefined) throw lost;
  const now = new Date();
  const evaluated = await evaluateProfile({
    profile, hosts, query, select: (part) => model.select(part), given, now,
    evidence: await readEvidence(store, hosts, gathered?.hosts),
    drift: gathered?.drift ?? new Map(),
    previous: new Map((previous?.results ?? []).map((result) => [resultKey(result.control, result.host), result])),
  });
  const report: CheckReport = {
    schema: 'hsmfleet.check/1', id, schedule: request.schedule,
    profile: { name: profile.name, title: profile.title, file: profile.file, sha256: profile.sha256 },
    user: runUser(), version: VERSION, startedAt, finishedAt: now.toISOString(), hosts, controls: profile.controls.map(summaryOf),
    results: evaluated.results, counts: evaluated.counts, warnings: [...model.warnings, ...evaluated.warnings],
  };
  const changes = diffChecks(previous, report, await readCertificates(store));
  request.signal?.throwIfAborted();
  await store.recordCheck(report, changes, request.sinks);
  return { report, changes };
}

async function gather(request: CheckRequest, profile: Profile, run: string, hosts: readonly string[]): Promise<GatheredEvidence> {
  const { fleet, pattern, store, timeoutMs, signal, onEvent, onNote, gather: gatherFrom = gatherEvidence } = request;
  const signals = [...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
  return gatherFrom({
    run, fleet, pattern, hosts, store,
    inventory: profile.controls.some(({ kind, applies }) => kind === 'query' || applies !== undefined),
    driftPlaybooks: [...new Set(profile.controls.flatMap(({ playbook }) => playbook ?? []))],
    ...(onEvent === undefined ? {} : { onEvent }), ...(onNote === undefined ? {} : { onNote }),
  }, AbortSignal.any(signals));
}

/** Values of `-e` that are parameters of the profile. Other names are for its playbooks. @throws HsmfleetError USAGE */
function givenValues(profile: Profile, vars: Awaited<ReturnType<typeof parseExtraVars>>): Map<string, ParameterValue> {
  const given = new Map<string, ParameterValue>();
  for (const [name, value] of Object.entries(vars)) {
    const parameter = profile.parameters.get(name);
    if (parameter === undefined) continue;
    const usable = value instanceof Secret || value instanceof Deferred ? undefined : parameterValue(value);
    if (usable === undefined) throw new HsmfleetError('USAGE', `the parameter "${name}" of the profile wants a text, a number or a list`, { hint: `it is for: ${parameter.description}` });
    // what -e gives as words is text, and SQL compares texts with numbers in its own way
    given.set(name, typeof parameter.value === 'number' && typeof usable === 'string' ? numberOf(name, usable) : usable);
  }
  return given;
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new HsmfleetError('USAGE', `the parameter "${name}" of the profile wants a number, not "${text}"`);
  return number;
}
