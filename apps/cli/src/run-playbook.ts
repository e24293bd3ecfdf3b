import { createReadStream, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HsmfleetError, HsmfleetErrors, type RunEvent, type RunEventOf, type Secret, type Value } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { bindArtifacts, compilePlaybook, type CompiledPlay, type CompiledPlaybook } from '@hsmfleet/playbook';
import { createReporter, wantsColor, type Reporter } from '@hsmfleet/reporter';
import { runPlays, type RunnerPlay, type RunSummary } from '@hsmfleet/runner';
import { defaultStorePath, openStore, type Store, type StoredArtifact } from '@hsmfleet/store';
import type { HostTarget, Transport } from '@hsmfleet/transport';
import { createLocalTransport } from '@hsmfleet/transport-local';
import { checkTarget, createSshTransport } from '@hsmfleet/transport-ssh';
import { loadAgentBundle } from './agent-bundle.ts';
import { askHidden, askSecret, canAsk } from './ask-secret.ts';
import { parseExtraVars } from './extra-vars.ts';
import type { FleetOptions } from './fleet-options.ts';
import { hostTarget } from './host-target.ts';
import { CustodyLoader, type CustodyOptions } from './load-custody.ts';
import { newRunId, runUser } from './run-identity.ts';
import { vaultOpener } from './vault-options.ts';

/** A playbook to run, as the command line gives it. */
export interface RunRequest {
  playbook: string;
  fleet: FleetOptions;
  limit?: string | undefined;
  tags?: string[] | undefined;
  skipTags?: string[] | undefined;
  /** Variables of the command itself, over those of the person. */
  vars?: Record<string, Value>;
  check: boolean;
  diff: boolean;
  /** Manifests of the tokens that hosts may have. */
  custody?: CustodyOptions;
  /** Where results go; standard output when absent. */
  results?: NodeJS.WritableStream & { isTTY?: boolean };
  /** What else is to be done with the hosts, events and the store of the run, after it. */
  afterwards?: (run: FinishedRun) => Promise<void> | void;
}

export interface FinishedRun {
  store: Store;
  /** Hosts of all plays, in order. */
  hosts: string[];
  events: readonly RunEvent[];
}

/**
 * Compiles a playbook, runs it on its hosts, prints and stores what happens. Everything that can be wrong on the control
 * host is found before any host is touched.
 * @returns the exit code
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function runPlaybook(request: RunRequest): Promise<number> {
  const { fleet } = request;
  const custody = new CustodyLoader(request.custody ?? {}, dirname(request.playbook));
  const forks = parseForks(fleet.forks);
  const ask = canAsk() ? askHidden : undefined;
  const becomePassword = fleet.askBecomePass === true ? await askSecret('sudo password', 'set ansible_become_password in the hosts file, to !secret file:PATH') : undefined;
  const vault = await vaultOpener(fleet);
  const hosts = await loadHosts(needHosts(fleet.hosts), { playbookDir: dirname(request.playbook), ask, vault });
  const run = newRunId();
  const user = runUser();
  const compiled = await compilePlaybook({
    playbook: request.playbook, hosts, limit: request.limit, tags: request.tags, skipTags: request.skipTags,
    check: request.check, diff: request.diff, become: fleet.become, run, user, ask, vault, artifacts: storedArtifacts,
    extraVars: { ...(await parseExtraVars(fleet.extraVars ?? [], { ask, vault })), ...request.vars },
  });
  const plays = await preparePlays(compiled, fleet, becomePassword, custody);
  const store = openStore(defaultStorePath());
  try {
    const reporter = reporterFor(request);
    for (const warning of [...hosts.warnings, ...compiled.warnings]) reporter.note(`warning: ${warning}`);
    const bundle = await loadAgentBundle(() => { reporter.note('packing the Node runtime for hosts without one (once)'); });
    const interrupt = catchInterrupts(reporter);
    const events: RunEvent[] = [];
    const holders = store.custodyHolders();
    const unproven = new Set(plays.flatMap(({ plans }) => [...plans.values()].filter((plan) => plan.custody !== undefined).map(({ host }) => host)));
    const summary = await runPlays({
      run, user, playbook: request.playbook, check: request.check, plays, bundle, forks, signal: interrupt.signal,
      transport: createTransports(),
      blob: (sha256) => openBlob(compiled, store, sha256),
      artifacts: store.blobs,
      bind: (plan) => bindArtifacts(plan, () => store.artifacts()),
      onEvent(event) {
        store.appendEvent(event);
        reporter.event(event);
        if (event.type === 'custody' || event.type === 'host_unreachable') unproven.delete(event.host);
        if (event.type === 'custody') noteMoved(event, holders, reporter);
        if (request.afterwards !== undefined) events.push(event);
      },
    });
    interrupt.release();
    if (unproven.size > 0) reporter.note(`warning: no task looked at a token on ${[...unproven].join(', ')}: the manifests proved nothing there`);
    reporter.finish();
    await finish(store, reporter, request, { hosts: hostsOf(compiled), events });
    return exitCode(summary, interrupt.signal);
  } finally {
    store.close();
  }
}

/** @throws HsmfleetError USAGE when no hosts file was given */
export function needHosts(files: string[] | undefined): string[] {
  if (files !== undefined && files.length > 0) return files;
  throw new HsmfleetError('USAGE', 'no hosts file is given', { hint: 'name one with -i: hsmfleet … -i hosts.yml' });
}

function parseForks(text: string): number {
  const forks = Number(text);
  if (!Number.isInteger(forks) || forks < 1) throw new HsmfleetError('USAGE', `--forks wants a number from 1 up, not "${text}"`);
  return forks;
}

/** How each play reaches its hosts; everything that is wrong with that, of all hosts, at once. */
async function preparePlays(compiled: CompiledPlaybook, fleet: FleetOptions, becomePassword: Secret | undefined, custody: CustodyLoader): Promise<RunnerPlay[]> {
  const problems: HsmfleetError[] = [];
  const checked = new Set<string>();
  const plays: RunnerPlay[] = [];
  for (const play of compiled.plays) {
    const targets = new Map<string, HostTarget>();
    for (const host of play.hosts) {
      try {
        const target = targetOf(play, host, fleet, becomePassword);
        targets.set(host, target);
        const files = JSON.stringify([target.identityFile, target.sshArgs, target.connection]);
        if (!checked.has(files)) await checkTarget(target);
        checked.add(files);
      } catch (thrown) {
        if (!(thrown instanceof HsmfleetError)) throw thrown;
        if (!problems.some(({ message }) => message === thrown.message)) problems.push(thrown);
      }
    }
    plays.push({
      index: play.index, name: play.name, batches: play.batches, anyErrorsFatal: play.anyErrorsFatal, plans: await custody.addTo(play), targets,
      ...(play.maxFailPercentage === undefined ? {} : { maxFailPercentage: play.maxFailPercentage }),
    });
  }
  if (problems.length === 1) throw problems[0] as HsmfleetError;
  if (problems.length > 1) throw new HsmfleetErrors(problems);
  return plays;
}

function targetOf(play: CompiledPlay, host: string, fleet: FleetOptions, becomePassword: Secret | undefined): HostTarget {
  return hostTarget(host, play.connection.get(host) ?? {}, {
    user: fleet.user, identityFile: fleet.privateKey, become: play.become, becomeUser: play.becomeUser, becomePassword,
  });
}

function reporterFor({ fleet, diff, results = process.stdout }: RunRequest): Reporter {
  const live = process.stderr.isTTY && process.env.TERM !== 'dumb' && process.env.CI === undefined;
  return createReporter({
    format: fleet.json === true ? 'ndjson' : live ? 'live' : 'plain',
    stdout: fleet.json === true ? process.stdout : results, stderr: process.stderr,
    color: wantsColor(results), verbosity: fleet.verbose ?? 0, diff,
  });
}

/** One transport of each kind per run, made when the first host needs it. */
function createTransports(): (target: HostTarget) => Transport {
  const made: { ssh?: Transport; local?: Transport } = {};
  return ({ connection }) => connection === 'local'
    ? (made.local ??= createLocalTransport())
    : (made.ssh ??= createSshTransport(canAsk() ? { prompts: { secret: (question) => askSecret(question) } } : {}));
}

/** A file that the playbook names, or a package that a host built. */
function openBlob(compiled: CompiledPlaybook, { blobs }: Store, sha256: string): NodeJS.ReadableStream | undefined {
  const path = compiled.blobs.get(sha256)?.path ?? blobs.path(sha256);
  return existsSync(path) ? createReadStream(path) : undefined;
}

/** Read only for a playbook that names a package: most have no need of the store before they run. */
function storedArtifacts(): StoredArtifact[] {
  const store = openStore(defaultStorePath());
  try {
    return store.artifacts();
  } finally {
    store.close();
  }
}

/** The first Ctrl-C lets every host end its current task, the second one leaves at once. */
function catchInterrupts(reporter: Reporter): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    reporter.note('interrupted: every host ends its current task; press Ctrl-C again to leave at once');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => { process.off('SIGINT', stop).off('SIGTERM', stop); } };
}

async function finish(store: Store, reporter: Reporter, request: RunRequest, run: Omit<FinishedRun, 'store'>): Promise<void> {
  store.flush();
  const problem = store.problem();
  if (problem !== undefined) reporter.note(`warning: the history of this run is incomplete: ${problem.message}`);
  else store.prune();
  await request.afterwards?.({ ...run, store });
}

/** A device that changed its host is no mistake by itself, but somebody should know. */
function noteMoved({ host, proof }: RunEventOf<'custody'>, holders: ReturnType<Store['custodyHolders']>, reporter: Reporter): void {
  const last = holders.get(proof.identity);
  if (proof.verdict !== 'proven' || last === undefined || last.host === host) return;
  reporter.note(`warning: the token "${proof.token}" on ${host} (${proof.file ?? ''}) was on ${last.host} at ${last.at}: was it moved?`);
}

function hostsOf(compiled: CompiledPlaybook): string[] {
  return [...new Set(compiled.plays.flatMap(({ hosts }) => hosts))];
}

function exitCode(summary: RunSummary, signal: AbortSignal): number {
  return signal.aborted ? 130 : summary.exitCode;
}

