import { mkdirSync } from 'node:fs';
import { HsmfleetError, type AgentFrame, type DelegatedReport, type EventBody, type HostFacts, type Plan } from '@hsmfleet/contract';
import type { WriteHost } from '@hsmfleet/resource';
import { describeAgentState } from './agent-state.ts';
import { ArtifactOffers } from './artifact-offers.ts';
import { attachRun, type AttachOptions } from './attach-run.ts';
import { BlobStore, type BlobReceiver } from './blob-store.ts';
import { FrameCustodyClaims } from './custody-claims.ts';
import { createExclusive } from './exclusive.ts';
import { FrameControl, type ControlAnswer } from './frame-control.ts';
import { millisecondsSince } from './elapsed.ts';
import { FramePinGate } from './frame-pin-gate.ts';
import type { FrameWriter } from './frame-writer.ts';
import { acquireHostLock, LET_GO, signalRun } from './host-lock.ts';
import { createSession, keepableVars, type Session } from './host-variables.ts';
import { clearCancel, isUnfinished, Journal, readCancel, readRunMeta, writeCancel } from './journal.ts';
import { pruneState } from './prune-state.ts';
import type { DelegateFrame } from './run-delegated.ts';
import { runPlan } from './run-plan.ts';
import type { ServeOptions } from './serve.ts';
import { undoPlay, type UndoFrame } from './undo-play.ts';
import { TaskLog } from './task-log.ts';

/** Milliseconds of quick tasks in a row before the event loop turns. */
const BREATH_MS = 20;

/** What is held from the first plan of a run to its end. */
interface Open {
  run: string;
  session: Session;
  journal: Journal;
  pins: FramePinGate;
  claims: FrameCustodyClaims;
  control: FrameControl;
  host: WriteHost;
  releaseLock: () => void;
}

/** Blobs that were asked for and are not here yet. */
interface Awaited {
  wanted: Set<string>;
  resolve: (complete: boolean) => void;
}

/**
 * The plays of one run as a control host asks for them: the lock, the journal, the session and the host are opened with
 * the first play and kept to the end.
 */
export class ServedRun {
  readonly #options: ServeOptions;
  readonly #writer: FrameWriter;
  readonly #blobs: BlobStore;
  readonly #offers: ArtifactOffers;
  readonly #stop = new AbortController();
  readonly #gone = new AbortController();
  #open: Open | undefined;
  /** The run that is followed without being run here. */
  #followed: string | undefined;
  #onDisconnect: Plan['onDisconnect'] = 'finish';
  #awaited: Awaited | undefined;
  #receiver: BlobReceiver | undefined;
  #receiving = '';
  #unsent: AgentFrame[] = [];
  #breathed = process.hrtime();
  #opening: Promise<Open | undefined> | undefined;
  /** One thing at a time changes this host. */
  readonly #exclusive = createExclusive();
  /** One wants blobs at a time. */
  readonly #fetching = createExclusive();
  /** Tasks that other hosts had done here, by request: none is done twice. */
  readonly #delegated = new Map<string, Promise<DelegatedReport | undefined>>();

  constructor(options: ServeOptions, writer: FrameWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#blobs = new BlobStore(options.stateDir);
    this.#offers = new ArtifactOffers(options.stateDir, writer);
  }

  /**
   * Runs a play. The answer is `busy`, or its events and `done`.
   * @param resume go on where an earlier agent of this run was stopped or killed in the middle of the play
   * @throws HsmfleetError AGENT
   */
  async play(plan: Plan, resume = false): Promise<void> {
    if (await this.#replayIfKnown(plan, resume)) return;
    const open = await this.#openFor(plan);
    if (open === undefined || !(await this.#fetchBlobs(plan, open.host.facts))) return;
    this.#onDisconnect = plan.onDisconnect;
    if (this.#gone.signal.aborted) this.disconnected();
    const { session, journal, pins, claims, control, host } = open;
    clearCancel(this.#options.stateDir, plan.run);
    await host.forgetWebUndo?.(plan.run);
    journal.begin(plan.play, plan.user, plan.check);
    const log = new TaskLog(this.#options.stateDir, plan.run, plan.play.index);
    const status = await runPlan({
      plan,
      host,
      session,
      pins,
      claims,
      control,
      exclusive: this.#exclusive,
      resources: this.#options.resources,
      blobPath: (sha256) => this.#blobs.path(sha256),
      emit: (body) => this.#emit(journal, body),
      ready: () => this.#breathe(),
      signal: this.#stop.signal,
      log,
    });
    log.close();
    if (status === 'stopped') this.#tellCancel(journal, plan.run);
    this.#flush(journal);
    const vars = keepableVars(session);
    if (Object.keys(vars).length > 0) journal.saveVars(vars);
    journal.end(status);
    this.#writer.send({ type: 'done', play: plan.play.index, status });
  }

  /** Puts back what a play changed of the web server, or forgets what was kept for that. The answer is its events and `undone`, or `busy`. */
  async undoWeb(frame: UndoFrame): Promise<void> {
    const open = await this.#openFor(frame);
    if (open === undefined) return;
    const { host, journal, session, pins } = open;
    const emit = (body: EventBody): void => { this.#emit(journal, session.redactor.value(body)); };
    const outcome = await this.#exclusive(() => undoPlay(frame, { host, pins, emit, learn: (secret) => session.redactor.add(secret) }));
    this.#flush(journal);
    if (outcome !== 'none') journal.end('failed');
    this.#writer.send({ type: 'undone', play: frame.play, outcome });
  }

  /** Does a task that another host delegates, between the tasks of a play that runs here or without one. The answer is `delegate_result`, or `busy`. */
  async delegate(frame: DelegateFrame): Promise<void> {
    let work = this.#delegated.get(frame.request);
    if (work === undefined) this.#delegated.set(frame.request, (work = this.#doDelegated(frame)));
    const report = await work;
    if (report !== undefined) this.#writer.send({ type: 'delegate_result', request: frame.request, report });
  }

  async #doDelegated(frame: DelegateFrame): Promise<DelegatedReport | undefined> {
    const { planOf, runDelegated } = await import('./run-delegated.ts');
    const open = await this.#openFor(frame);
    if (open === undefined || !(await this.#fetchBlobs(planOf(frame), open.host.facts))) return undefined;
    const { host, session } = open;
    return runDelegated({ frame, host, session, resources: this.#options.resources, blobPath: (sha256) => this.#blobs.path(sha256), exclusive: this.#exclusive });
  }

  /** Replays a run of this host and follows it to the end of its play. @throws HsmfleetError AGENT */
  async attach(run: string, afterSeq: number, only: Pick<AttachOptions, 'eventsOnly' | 'untilPlay'> = {}): Promise<void> {
    this.#followed = run;
    // an agent that does not know yet that its connection is gone waits in vain, and lets nobody else go on
    if (this.#open?.run !== run) signalRun(this.#options.stateDir, run, LET_GO);
    await attachRun({
      stateDir: this.#options.stateDir,
      run,
      afterSeq,
      send: (frame: AgentFrame) => this.#writer.send(frame),
      ready: () => this.#writer.ready(),
      signal: this.#gone.signal,
      ...only,
    });
  }

  /** Has the agent of a run, another process, stop after its current task. @throws HsmfleetError AGENT when the host does not know the run */
  cancelRun(run: string, by: string, reason: string): void {
    const { stateDir } = this.#options;
    if (readRunMeta(stateDir, run) === undefined) throw new HsmfleetError('AGENT', `this host knows no run ${run}`, { hint: 'its plan never arrived here, so there is nothing to stop' });
    writeCancel(stateDir, run, { by, reason });
    signalRun(stateDir, run, 'SIGTERM');
  }

  /** A blob's bytes follow. @throws HsmfleetError AGENT when it was not asked for or is too large */
  takeBlob(sha256: string, size: number): void {
    if (this.#awaited?.wanted.has(sha256) !== true || this.#receiver !== undefined) {
      throw new HsmfleetError('AGENT', `the blob ${sha256.slice(0, 12)}… was not asked for`);
    }
    this.#receiver = this.#blobs.receive(sha256, size);
    this.#receiving = sha256;
    if (size === 0) this.takeBytes(Buffer.alloc(0));
  }

  /** Bytes of the blob announced last. @throws HsmfleetError AGENT when none was, or they are wrong */
  takeBytes(bytes: Buffer): void {
    if (this.#receiver === undefined) throw new HsmfleetError('AGENT', 'bytes arrived for no blob');
    if (!this.#receiver.push(bytes)) return;
    this.#receiver = undefined;
    this.#awaited?.wanted.delete(this.#receiving);
    if (this.#awaited?.wanted.size === 0) this.#awaited.resolve(true);
  }

  /** Sends a package that a resource of this run told of; says so when there is none. */
  sendArtifact(sha256: string): void {
    this.#offers.send(this.#open?.run ?? this.#followed, sha256);
  }

  answerPin(request: number, go: boolean, reason: string | undefined): void {
    this.#open?.pins.answer(request, go, reason);
  }

  answerClaim(request: number, go: boolean, reason: string | undefined): void {
    this.#open?.claims.answer(request, go, reason);
  }

  answerControl(answer: ControlAnswer): void {
    this.#open?.control.answer(answer);
  }

  /** Stops after the task that runs. */
  cancel(): void {
    this.#stop.abort();
  }

  /** The control host is gone: PINs are answered no, and the run stops if its plan says so. */
  disconnected(): void {
    this.#gone.abort();
    this.#open?.pins.close();
    this.#open?.claims.close();
    this.#open?.control.close();
    this.#offers.close();
    this.#receiver?.abandon();
    this.#receiver = undefined;
    this.#awaited?.resolve(false);
    if (this.#onDisconnect === 'stop') this.#stop.abort();
  }

  /** Ends the run on this host: prunes what is old and gives the lock back. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#delegated.values());
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) {
      pruneState(this.#options.stateDir);
      open.journal.close();
      open.releaseLock();
    }
  }

  /**
   * A play that this host has begun already (its answer was lost on the way) is told again, never run again; one that was left
   * in the middle is told, and then goes on when that is asked for.
   */
  async #replayIfKnown(plan: Plan, resume: boolean): Promise<boolean> {
    const known = readRunMeta(this.#options.stateDir, plan.run);
    if (known === undefined || known.play.index < plan.play.index) return false;
    const goOn = resume && known.play.index === plan.play.index && isUnfinished(known);
    // what is told of later plays would be lost on a control host that asks for this one
    await this.attach(plan.run, -1, known.play.index > plan.play.index ? { untilPlay: plan.play.index } : { eventsOnly: goOn });
    return !goOn;
  }

  #tellCancel(journal: Journal, run: string): void {
    const cancel = readCancel(this.#options.stateDir, run);
    if (cancel !== undefined) this.#emit(journal, { type: 'warning', message: `stopped by ${cancel.by}${cancel.reason === '' ? '' : `: ${cancel.reason}`}` });
  }

  /** Plans and delegated tasks may come at the same time; the first one opens. */
  async #openFor(plan: Pick<Plan, 'run' | 'user' | 'host'>): Promise<Open | undefined> {
    while (this.#opening !== undefined) await this.#opening.catch(() => undefined);
    this.#opening = this.#openNow(plan).finally(() => { this.#opening = undefined; });
    return this.#opening;
  }

  async #openNow(plan: Pick<Plan, 'run' | 'user' | 'host'>): Promise<Open | undefined> {
    if (this.#open !== undefined) {
      if (this.#open.run !== plan.run) throw new HsmfleetError('AGENT', `this agent serves run ${this.#open.run}, not ${plan.run}`);
      return this.#open;
    }
    const { stateDir } = this.#options;
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const lock = acquireHostLock(stateDir, plan.run, plan.user);
    if (!lock.held) {
      const { run, user, since } = lock.owner;
      if (run === plan.run) signalRun(stateDir, run, LET_GO);
      this.#writer.send({ type: 'busy', run, user, since });
      return undefined;
    }
    try {
      const journal = new Journal(stateDir, plan.run, plan.host);
      const session = createSession(journal.loadVars());
      const host = await this.#options.createHost({
        blob: (sha256) => this.#blobs.path(sha256),
        // people know the host by its name in the hosts file
        report: (report) => this.#emit(journal, session.redactor.value({ type: 'inventory', report: { ...report, host: plan.host } })),
        agentState: () => describeAgentState({ stateDir, run: plan.run, version: this.#options.version, ...(lock.replaced === undefined ? {} : { staleLock: lock.replaced }) }),
        announceArtifact: (artifact, path) => {
          if (!this.#offers.add(plan.run, artifact, path)) return;
          this.#emit(journal, session.redactor.value({ type: 'artifact', artifact: { ...artifact, buildHost: plan.host } }));
        },
      });
      const ask = (frame: AgentFrame): void => {
        this.#flush(journal);
        this.#writer.send(frame);
      };
      const [pins, claims, control] = [new FramePinGate(plan.run, ask), new FrameCustodyClaims(ask), new FrameControl(session, ask)];
      this.#open = { run: plan.run, session, journal, pins, claims, control, host, releaseLock: lock.release };
      if (this.#gone.signal.aborted) {
        pins.close();
        claims.close();
        control.close();
      }
      return this.#open;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  /**
   * Lets the event loop turn when it may not have for a while, for reading files does not make it turn: so frames are
   * heard and events go out in the middle of many quick tasks too. Then waits for a slow reader of the events.
   */
  async #breathe(): Promise<void> {
    if (millisecondsSince(this.#breathed) > BREATH_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#breathed = process.hrtime();
    }
    await this.#writer.ready();
  }

  /** Events of one turn of the event loop are written down, then sent, in one go each: most runs have many small ones. */
  #emit(journal: Journal, body: EventBody): void {
    if (this.#unsent.length === 0) setImmediate(() => this.#flush(journal));
    this.#unsent.push({ type: 'event', event: journal.append(body) });
  }

  #flush(journal: Journal): void {
    const frames = this.#unsent;
    this.#unsent = [];
    if (frames.length === 0) return;
    journal.flush();
    this.#writer.send(...frames);
  }

  /** Asks for what is missing; false when the control host went before all was here. */
  #fetchBlobs(plan: Plan, facts: HostFacts): Promise<boolean> {
    return this.#fetching(() => this.#fetchMissing(plan, facts));
  }

  #fetchMissing(plan: Plan, facts: HostFacts): Promise<boolean> {
    const missing = this.#blobs.missing(plan, facts);
    if (missing.length === 0) return Promise.resolve(true);
    if (this.#gone.signal.aborted) return Promise.resolve(false);
    this.#writer.send({ type: 'need_blobs', sha256: missing });
    return new Promise((resolve) => {
      this.#awaited = { wanted: new Set(missing), resolve };
    });
  }
}
