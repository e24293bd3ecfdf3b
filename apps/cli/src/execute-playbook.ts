import { createReadStream, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HsmfleetError, HsmfleetErrors, type RunEvent, type RunEventOf, type Value } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { bindArtifacts, compilePlaybook, type CompiledPlay, type CompiledPlaybook, type CompileOptions } from '@hsmfleet/playbook';
import { runPlays, type AgentBundle, type RemoteHosts, type RunnerPlay, type RunOptions, type RunSummary } from '@hsmfleet/runner';
import type { Store } from '@hsmfleet/store';
import type { HostTarget } from '@hsmfleet/transport';
import { checkTarget } from '@hsmfleet/transport-ssh';
import { loadAgentBundle } from './agent-bundle.ts';
import { askYes } from './ask-yes.ts';
import { askHidden, askSecret, canAsk } from './ask-secret.ts';
import { countOption } from './count-option.ts';
import { parseExtraVars } from './extra-vars.ts';
import type { FleetOptions } from './fleet-options.ts';
import { hostTarget, type TargetDefaults } from './host-target.ts';
import { createTransports } from './host-transports.ts';
import { CustodyLoader, type CustodyOptions } from './load-custody.ts';
import { checkUnchanged, ownHolder, playDigest, RunWatch, type KeptRequest } from './run-control.ts';
import { needHosts } from './open-hosts.ts';
import { newRunId, runUser } from './run-identity.ts';
import { vaultOpener } from './vault-options.ts';

/** A playbook and the hosts it is for. */
export interface PlaybookRequest {
  playbook: string;
  /** What the playbook says, where no file of that name does; then the variables beside it are those of `playbookDir`, if any. */
  text?: string | undefined;
  playbookDir?: string | undefined;
  fleet: FleetOptions;
  limit?: string | undefined;
  tags?: string[] | undefined;
  skipTags?: string[] | undefined;
  /** Name of the task to begin with. */
  startAtTask?: string | undefined;
  /** Handlers run even when a task fails. */
  forceHandlers?: boolean | undefined;
  /** Variables of the command itself, over those of the person. */
  vars?: Record<string, Value>;
  check: boolean;
  diff: boolean;
  /** Manifests of the tokens that hosts may have. */
  custody?: CustodyOptions;
}

/** A run, and where what happens in it goes; nothing is printed. */
export interface ExecuteRequest extends PlaybookRequest {
  store: Store;
  /** Id of the run; a new one when absent. */
  run?: string | undefined;
  /** Called once everything is prepared, right before hosts are reached. */
  onStart?(): void;
  /** Every event, in order per host, after the store has it. Must not throw. */
  onEvent?(event: RunEvent): void;
  /** What a person should know, one sentence each. */
  onNote?(text: string): void;
  /** Aborting lets every host end its current task. */
  signal?: AbortSignal | undefined;
  /** Has workers run the hosts, rather than this process. */
  workers?: EngageWorkers | undefined;
  /** Asked before each task. */
  confirm?: RunOptions['confirm'];
  /** Questions between batches are answered with yes. */
  yes?: boolean | undefined;
  /** What is kept of it, so that it can be taken up again, stopped from elsewhere, and repeated. */
  keep?: Omit<KeptRequest, 'plays' | 'program'> | undefined;
  /** The run is taken up again. */
  resume?: ResumedRun | undefined;
}

/** A run that goes on where it was left. */
export interface ResumedRun extends NonNullable<RunOptions['resume']> {
  kept: KeptRequest;
}

/** Finds those that run a playbook's hosts elsewhere. @throws HsmfleetError USAGE when there are none */
export type EngageWorkers = (request: PlaybookRequest, setting: RunSetting) => Promise<RemoteHosts>;

/** A run that came to its end. */
export interface ExecutedRun {
  run: string;
  /** Hosts of all plays, in order. */
  hosts: string[];
  summary: RunSummary;
  /** Somebody elsewhere ended it. */
  cancelled: boolean;
}

/** A playbook that is ready to run: nothing of it can be wrong on the control host any more. */
export interface PreparedRun {
  run: string;
  request: ExecuteRequest;
  compiled: CompiledPlaybook;
  plays: RunnerPlay[];
  runner: RunnerSettings;
  /** Those that run the hosts; this process when absent. */
  elsewhere?: RemoteHosts | undefined;
}

/**
 * Compiles a playbook and runs it on its hosts; events go to the store. Everything that can be wrong on the control host is
 * found before any host is touched.
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function executePlaybook(request: ExecuteRequest): Promise<ExecutedRun> {
  return executePrepared(await preparePlaybook(request));
}

/**
 * Everything of a run that needs no host.
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function preparePlaybook(request: ExecuteRequest): Promise<PreparedRun> {
  const { store, run = newRunId(), onNote = () => undefined } = request;
  const setting: RunSetting = { run, user: runUser(), store, onNote };
  const opened = await openPlaybook(request, setting);
  const { compiled, plays } = await opened.compile();
  for (const warning of [...opened.warnings, ...compiled.warnings]) onNote(`warning: ${warning}`);
  return { run, request, compiled, plays, runner: await opened.runner(compiled), elsewhere: await request.workers?.(request, setting) };
}

/** Runs what was prepared. @throws HsmfleetError STORE; TIMEOUT and AGENT when workers were lost */
export async function executePrepared({ run, request, compiled, plays, runner, elsewhere }: PreparedRun): Promise<ExecutedRun> {
  const { store, onEvent, onNote = () => undefined } = request;
  const holders = await store.custodyHolders();
  const unproven = new Set(plays.flatMap(({ plans }) => [...plans.values()].filter((plan) => plan.custody !== undefined).map(({ host }) => host)));
  const watch = await keep(request, run, runner, plays, compiled);
  const signals = [request.signal, watch?.signal].filter((signal) => signal !== undefined);
  request.onStart?.();
  const summary = await runPlays({
    ...runner, playbook: request.playbook, plays,
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    ...(request.resume === undefined ? {} : { resume: request.resume }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
    ...(request.confirm === undefined ? {} : { confirm: request.confirm }),
    ...confirmBatches(request, plays),
    onEvent(event) {
      // workers store what their hosts tell
      if (elsewhere === undefined || event.host === '') store.appendEvent(event);
      onEvent?.(event);
      if (event.type === 'custody' || event.type === 'host_unreachable') unproven.delete(event.host);
      if (event.type === 'custody') noteMoved(event, holders, onNote);
    },
  }).finally(() => { watch?.stop(); });
  if (unproven.size > 0) onNote(`warning: no task looked at a token on ${[...unproven].join(', ')}: the manifests proved nothing there`);
  return { run, hosts: hostsOf(compiled), summary, cancelled: watch?.cancel !== undefined };
}

/** Who answers the questions between batches. @throws HsmfleetError USAGE when nobody can */
function confirmBatches({ yes }: ExecuteRequest, plays: readonly RunnerPlay[]): Pick<RunOptions, 'confirmBatch'> {
  const asking = plays.find(({ pause, batches }) => pause?.prompt !== undefined && batches.length > 1);
  if (asking === undefined || yes === true) return {};
  if (!canAsk()) throw new HsmfleetError('USAGE', `the play "${asking.name}" asks a person between its batches (serial_pause), and nobody is at a terminal`, { hint: 'add --yes to go on without being asked' });
  return { confirmBatch: (question) => askYes(question).then(() => true, () => false) };
}

/** Writes down what the run was asked for before any host is touched, and watches whether somebody wants it to end. */
async function keep({ keep: kept, resume, store, onNote = () => undefined }: ExecuteRequest, run: string, { bundle, user }: RunnerSettings, plays: readonly RunnerPlay[], compiled: CompiledPlaybook): Promise<RunWatch | undefined> {
  if (resume !== undefined) checkUnchanged(run, resume.kept, plays, bundle.version);
  const request: KeptRequest | undefined = resume?.kept ?? (kept === undefined ? undefined : { ...kept, program: bundle.version, plays: plays.map((play, at) => ({ name: play.name, digest: playDigest(play), become: compiled.plays[at]?.become === true ? compiled.plays[at].becomeUser : undefined })) });
  if (request === undefined) return undefined;
  await store.saveRunControl({ run, request, holder: ownHolder(user), heardAt: new Date().toISOString() });
  return new RunWatch(store, run, onNote);
}

/** What a run is called, who asks for it, and where it tells. */
export interface RunSetting {
  run: string;
  user: string;
  store: Store;
  onNote(text: string): void;
}

/** A playbook with everything that its plans need of this machine, read once for all hosts. */
export interface OpenPlaybook {
  /** About the hosts files. */
  warnings: readonly string[];
  /** @param only plans of these hosts alone @throws HsmfleetError, HsmfleetErrors */
  compile(only?: ReadonlySet<string>): Promise<{ compiled: CompiledPlaybook; plays: RunnerPlay[] }>;
  /** How the runner reaches hosts and finds what they ask for. @throws HsmfleetError FILE_MISSING when the agent is not built */
  runner(compiled: CompiledPlaybook): Promise<RunnerSettings>;
}

/** What the runner needs beside plays. */
export type RunnerSettings = Omit<RunOptions, 'playbook' | 'plays' | 'onEvent'>;

/**
 * Reads hosts, variables, secrets and the agent.
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function openPlaybook(request: PlaybookRequest, { run, user, store, onNote }: RunSetting): Promise<OpenPlaybook> {
  const { fleet } = request;
  const custody = new CustodyLoader(request.custody ?? {}, dirname(request.playbook));
  const forks = countOption('--forks', fleet.forks);
  const asked: AskedPasswords = {
    password: fleet.askPass === true ? await askSecret('SSH password', 'set ansible_password in the hosts file, to !secret file:PATH') : undefined,
    becomePassword: fleet.askBecomePass === true ? await askSecret('sudo password', 'set ansible_become_password in the hosts file, to !secret file:PATH') : undefined,
  };
  const sources = await readSources(request);
  const packages = await store.artifacts();
  const transport = createTransports();
  let bundle: Promise<AgentBundle> | undefined;
  return {
    warnings: sources.hosts.warnings,
    async compile(only) {
      const compiled = await compilePlaybook({ ...sources, only, run, user, artifacts: () => packages });
      return { compiled, plays: await preparePlays(compiled, fleet, asked, custody) };
    },
    async runner(compiled) {
      bundle ??= loadAgentBundle(() => { onNote('packing the Node runtime for hosts without one (once)'); });
      return {
        run, user, check: request.check, bundle: await bundle, forks, transport,
        blob: (sha256) => openBlob(compiled, store, sha256),
        artifacts: store.blobs,
        bind: (plan) => bindArtifacts(plan, () => store.artifacts()),
      };
    },
  };
}

/**
 * What a playbook is compiled from: its hosts, the variables of the command line, what opens secrets, and what part of it is wanted.
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function readSources(request: PlaybookRequest): Promise<Omit<CompileOptions, 'run' | 'user'>> {
  const { playbook, text, fleet, limit, tags, skipTags, startAtTask, forceHandlers, check, diff } = request;
  const secrets = { ask: canAsk() ? askHidden : undefined, vault: await vaultOpener(fleet) };
  const hosts = await loadHosts(needHosts(fleet.hosts), { playbookDir: text === undefined ? dirname(playbook) : request.playbookDir, ...secrets });
  const extraVars = { ...(await parseExtraVars(fleet.extraVars ?? [], secrets)), ...request.vars };
  return { playbook, text, hosts, limit, tags, skipTags, startAtTask, forceHandlers, check, diff, become: fleet.become, extraVars, ...secrets };
}

/** What a person typed once for all hosts. */
type AskedPasswords = Pick<TargetDefaults, 'password' | 'becomePassword'>;

/** How each play reaches its hosts; everything that is wrong with that, of all hosts, at once. */
async function preparePlays(compiled: CompiledPlaybook, fleet: FleetOptions, asked: AskedPasswords, custody: CustodyLoader): Promise<RunnerPlay[]> {
  const problems: HsmfleetError[] = [];
  const checked = new Set<string>();
  const plays: RunnerPlay[] = [];
  for (const play of compiled.plays) {
    const targets = new Map<string, HostTarget>();
    for (const host of play.plans.keys()) {
      try {
        const target = targetOf(play, host, fleet, asked);
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
      ...(play.pause === undefined || play.plans.values().next().value?.check === true ? {} : { pause: play.pause }),
      ...(play.rollbackBatch === undefined ? {} : { rollbackBatch: play.rollbackBatch }),
      ...(play.delegates.length === 0 ? {} : { delegateTarget: (host) => delegateTarget(play, host, fleet, asked) }),
    });
  }
  if (problems.length === 1) throw problems[0] as HsmfleetError;
  if (problems.length > 1) throw new HsmfleetErrors(problems);
  return plays;
}

function targetOf(play: CompiledPlay, host: string, fleet: FleetOptions, asked: AskedPasswords): HostTarget {
  return hostTarget(host, play.connection.get(host) ?? {}, {
    user: fleet.user, identityFile: fleet.privateKey, become: play.become, becomeUser: play.becomeUser, ...asked,
  });
}

/** Names of this machine where no hosts file says otherwise. */
const CONTROL_HOST: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** How to reach a host that tasks are delegated to: by the same means as those of the play. */
function delegateTarget(play: CompiledPlay, host: string, fleet: FleetOptions, asked: AskedPasswords): HostTarget | undefined {
  const connection = play.connectionOf(host) ?? (CONTROL_HOST.has(host) ? { ansible_connection: 'local' } : undefined);
  if (connection === undefined) return undefined;
  return hostTarget(host, connection, { user: fleet.user, identityFile: fleet.privateKey, become: play.become, becomeUser: play.becomeUser, ...asked });
}

/** A file that the playbook names, or a package that a host built. */
function openBlob(compiled: CompiledPlaybook, { blobs }: Store, sha256: string): NodeJS.ReadableStream | undefined {
  const path = compiled.blobs.get(sha256)?.path ?? blobs.path(sha256);
  return existsSync(path) ? createReadStream(path) : undefined;
}

/** A device that changed its host is no mistake by itself, but somebody should know. */
function noteMoved({ host, proof }: RunEventOf<'custody'>, holders: Awaited<ReturnType<Store['custodyHolders']>>, onNote: (text: string) => void): void {
  const last = holders.get(proof.identity);
  if (proof.verdict !== 'proven' || last === undefined || last.host === host) return;
  onNote(`warning: the token "${proof.token}" on ${host} (${proof.file ?? ''}) was on ${last.host} at ${last.at}: was it moved?`);
}

function hostsOf(compiled: CompiledPlaybook): string[] {
  return [...new Set(compiled.plays.flatMap(({ hosts }) => hosts))];
}
