import { HsmfleetError, PROTOCOL, toErrorShape, type AgentFrame, type ControlFrame, type DelegatedReport, type ErrorCode, type ErrorShape, type Plan, type RunEvent, type RunEventOf } from '@hsmfleet/contract';
import type { Connection, HostTarget, Transport } from '@hsmfleet/transport';
import { EXIT_NODE_TOO_OLD, ROOT_STATE_DIR, startCommand } from './agent-command.ts';
import { AgentLink, type LinkEnd } from './agent-link.ts';
import { ArtifactFetch, type ArtifactSink } from './artifact-fetch.ts';
import type { CrossHost, DelegateFrame } from './cross-host.ts';
import type { CustodyRegistry } from './custody-registry.ts';
import type { EventSink } from './event-sink.ts';
import { HostErrands } from './host-errands.ts';
import { install } from './install.ts';
import type { AgentBundle, RunTimings } from './model.ts';
import type { PinAuthority, PinTicket } from './pin-authority.ts';
import { PlayReport, type PlayStatus } from './play-report.ts';
import { sendBlobs, type BlobNames } from './send-blobs.ts';
import { explainEnd, lostOrThrow, type TalkEnd, type UndoOutcome } from './talk-end.ts';

/** What all sessions of a run share. */
export interface SessionContext {
  run: string;
  bundle: AgentBundle;
  blob(sha256: string): NodeJS.ReadableStream | undefined;
  transport(target: HostTarget): Transport;
  events: EventSink;
  pins: PinAuthority;
  custody: CustodyRegistry;
  artifacts: ArtifactSink | undefined;
  stateDir: string | undefined;
  timings: Required<RunTimings>;
  /** The run is taken up again: hosts go on where they were left. */
  resume: boolean;
  /** Of the batch that runs. */
  cross: CrossHost;
}

/** Agent missing, runtime missing, system's Node too old, all well: a host never needs more starts than that. */
const MAX_STARTS = 4;
/** Longest pause between two tries to reach a lost host, milliseconds. */
const MAX_PAUSE_MS = 5_000;
/** Lost connections after which packages are given up. */
const MAX_COLLECTS = 5;

/** Codes that say that a site does not serve what a play wanted it to. */
const PROOF_CODES: ReadonlySet<string> = new Set<ErrorCode>(['WEB_ROLLED_BACK', 'WEB_DOWN']);

/** One host during a run: its connection and agent stay open from play to play. */
export class HostSession {
  readonly #host: string;
  readonly #context: SessionContext;
  #target: HostTarget | undefined;
  #connection: Connection | undefined;
  #link: AgentLink | undefined;
  #systemNode = true;
  #uploaded: string[] = [];
  #lastSeq = -1;
  #greeted = false;
  #cancelled = false;
  #report: PlayReport | undefined;
  #plan: Plan | undefined;
  #endTalk: (end: TalkEnd) => void = () => undefined;
  readonly #tickets = new Map<number, PinTicket>();
  readonly #fetch: ArtifactFetch;
  /** The end of the play as the agent told it, held back until its packages are here. */
  #finished: RunEvent | undefined;
  /** Tasks that other hosts have done here. */
  readonly #errands: HostErrands;
  /** The agent is started for others, no play runs. */
  #helping: Promise<void> | undefined;
  #ends: RunEventOf<'host_finished'>['ends'];
  /** The play waited for this control host and is taken up where it was left. */
  #goesOn = false;
  #failedProof: string | undefined;

  constructor(host: string, context: SessionContext) {
    this.#host = host;
    this.#context = context;
    this.#errands = new HostErrands(host);
    this.#fetch = new ArtifactFetch(host, context.artifacts, context.timings.artifactStall);
  }

  /** Why the proof of the last play failed, if it did. */
  get failedProof(): string | undefined {
    return this.#failedProof;
  }

  /**
   * Puts back what the play changed of the web server, because of the reason; without one, has the host forget what it kept for
   * that. Never throws: a host that cannot be reached for it is told of.
   */
  async settleWeb(plan: Plan, target: HostTarget, why: string | undefined): Promise<UndoOutcome> {
    const report = new PlayReport(this.#host, plan, this.#context.events);
    this.#report = report;
    this.#plan = plan;
    this.#target = target;
    const frame: ControlFrame = { type: 'undo_web', run: plan.run, user: plan.user, host: plan.host, play: plan.play.index, ...(why === undefined ? {} : { why }) };
    const { reattach, reattachPause } = this.#context.timings;
    let error: ErrorShape = this.#lostError();
    try {
      // what was kept is on the host until its next run: nobody waits for a host to forget
      for (const deadline = Date.now() + (why === undefined ? 0 : reattach); ;) {
        try {
          const end = await this.#talk(frame);
          if (end.kind === 'undone') {
            if (this.#finished !== undefined) report.forward(this.#finished);
            return end.outcome;
          }
          if (end.kind === 'error') error = end.error;
        } catch (thrown) {
          error = toErrorShape(thrown);
        }
        if (Date.now() + reattachPause > deadline || this.#cancelled) break;
        await new Promise((resolve) => setTimeout(resolve, reattachPause));
        this.#dropConnection();
      }
      if (why === undefined) return 'none';
      report.failed({ ...error, message: `what the batch changed could not be put back on ${this.#host}: ${error.message}` }, 'put back what the batch changed');
      return 'failed';
    } finally {
      this.#finished = undefined;
      this.#report = undefined;
    }
  }

  /** What the end of the last play means for other hosts. */
  get ends(): RunEventOf<'host_finished'>['ends'] {
    return this.#ends;
  }

  /** Has this host do a task for another one, in the middle of its own play or with an agent started for that. Never throws. */
  delegate(frame: DelegateFrame, target: HostTarget): Promise<DelegatedReport> {
    const done = this.#errands.add(frame);
    this.#report?.learn(frame.secrets);
    if (this.#link?.open === true && this.#greeted) this.#errands.send(this.#link);
    else if (this.#report === undefined && this.#helping === undefined) this.#helping = this.#help(target).finally(() => { this.#helping = undefined; });
    return done;
  }

  async #help(target: HostTarget): Promise<void> {
    try {
      this.#target ??= target;
      const end = await this.#talk(undefined);
      if (end.kind === 'done') return;
      const lost = new HsmfleetError('CONNECTION_LOST', `the connection to ${this.#host} was lost while its agent was started`, { host: this.#host });
      this.#errands.fail(undefined, end.kind === 'error' ? end.error : lost.toShape());
    } catch (thrown) {
      this.#errands.fail(undefined, toErrorShape(thrown));
    }
  }

  /** Runs one play to its end and tells every event. Never throws. */
  async runPlay(plan: Plan, target: HostTarget): Promise<PlayStatus | 'unreachable'> {
    const report = new PlayReport(this.#host, plan, this.#context.events);
    await this.#helping;
    this.#report = report;
    this.#plan = plan;
    this.#ends = undefined;
    this.#goesOn = false;
    this.#failedProof = undefined;
    try {
      if (this.#target !== undefined && !isSameTarget(this.#target, target)) this.finish();
      this.#target = target;
      if (this.#cancelled) return report.stopped();
      let end = await this.#talk(this.#planFrame(plan)).catch(lostOrThrow);
      if (end.kind === 'held') end = await this.#awaitOwnRun(plan);
      if (end.kind === 'lost') end = await this.#reattach();
      if (end.kind === 'done') return await this.#conclude(report, end.status);
      return report.failed(end.kind === 'error' ? end.error : this.#lostError());
    } catch (error) {
      return report.failed(toErrorShape(error));
    } finally {
      this.#fetch.abandon('the play ended before');
      this.#fetch.takeProblem();
      this.#finished = undefined;
      this.#report = undefined;
      if (this.#link?.open !== true) this.#errands.fail(undefined, new HsmfleetError('UNREACHABLE', `${this.#host} cannot do a task for other hosts: its own play ended without a connection`, { host: this.#host }).toShape());
    }
  }

  /**
   * The agent is done; the play is, when the packages it built are here too. A later play that installs what is not here
   * would take an older one in silence, so a package that cannot be had fails the host.
   */
  async #conclude(report: PlayReport, status: PlayStatus): Promise<PlayStatus | 'unreachable'> {
    const problem = await this.#collect();
    if (problem !== undefined && status === 'ok') return report.failed(problem, 'fetch the packages that were built');
    if (problem !== undefined) this.#context.events.emit(this.#host, { type: 'warning', message: problem.message });
    if (this.#finished !== undefined) report.forward(this.#finished);
    return report.done(status);
  }

  /** Waits for packages, over further connections when one is lost. Answers why one cannot be had. */
  async #collect(): Promise<ErrorShape | undefined> {
    for (let lost = 0; this.#fetch.pending; lost += 1) {
      const link = this.#link;
      if (link?.open === true) {
        this.#fetch.connect(link);
        const end = await Promise.race([this.#fetch.settled(), link.ended]);
        if (!this.#fetch.pending) break;
        this.#fetch.disconnect();
        if (end?.problem !== undefined) {
          this.#dropConnection();
          return end.problem.toShape();
        }
      }
      if (this.#cancelled || lost === MAX_COLLECTS) {
        this.#fetch.abandon(this.#cancelled ? 'the run was interrupted' : 'the connection was lost again and again');
        break;
      }
      const end = await this.#reattach();
      if (end.kind !== 'done') return end.kind === 'error' ? end.error : this.#lostError();
    }
    return this.#fetch.takeProblem()?.toShape();
  }

  /** Asks the agent to stop after its current task. */
  cancel(): void {
    this.#cancelled = true;
    if (this.#report !== undefined) this.#link?.send({ type: 'cancel' });
  }

  /** Leaves the host as it is: the agent goes on by itself. */
  abandon(): void {
    this.#cancelled = true;
    if (this.#report !== undefined) this.#context.events.emit(this.#host, { type: 'warning', message: `not waited for: the run goes on there, see ${this.#journal()}` });
    this.#endTalk({ kind: 'done', status: 'stopped' });
    this.#dropConnection();
  }

  /** Says goodbye and closes the connection. */
  finish(): void {
    this.#link?.close();
    this.#dropConnection();
  }

  #dropConnection(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#link = undefined;
    this.#fetch.disconnect();
    this.#abandonPins();
  }

  /** Sends the first frame of a talk over the open link, or starts an agent for it, and waits for the end. */
  async #talk(first: ControlFrame | undefined): Promise<TalkEnd> {
    if (this.#link?.open === true) return this.#converse(this.#link, first);
    for (let start = 1; ; start += 1) {
      const link = await this.#start();
      const end = await this.#converse(link, first);
      if (end.kind !== 'missing') return end;
      if (start === MAX_STARTS) {
        throw new HsmfleetError('AGENT', `the agent on ${this.#host} does not start although it was installed`, { host: this.#host, hint: 'look into the state directory there' });
      }
      this.#uploaded.push(...(await install({ host: this.#host, connection: await this.#connect(), stateDir: this.#context.stateDir }, this.#context.bundle, end.missing)));
    }
  }

  async #connect(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const target = this.#target as HostTarget;
    const connection = await this.#context.transport(target).connect(target);
    this.#connection = connection;
    for (const message of connection.notes ?? []) this.#context.events.emit(this.#host, { type: 'warning', message });
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  async #start(): Promise<AgentLink> {
    const connection = await this.#connect();
    const command = startCommand(this.#context.bundle, { stateDir: this.#context.stateDir, systemNode: this.#systemNode });
    const channel = await connection.exec(command, { become: true });
    this.#greeted = false;
    const link: AgentLink = new AgentLink(channel, this.#host, (frame) => { this.#receive(link, frame); }, (bytes) => { this.#fetch.take(bytes); });
    this.#link = link;
    void link.ended.then(() => { this.#errands.fail(link); });
    return link;
  }

  async #converse(link: AgentLink, first: ControlFrame | undefined): Promise<TalkEnd> {
    const talked = new Promise<TalkEnd>((resolve) => { this.#endTalk = resolve; });
    const timer = this.#greeted ? undefined : setTimeout(() => {
      if (this.#greeted) return;
      const seconds = String(this.#context.timings.agentStart / 1000);
      this.#endTalk({ kind: 'error', error: new HsmfleetError('TIMEOUT', `the agent on ${this.#host} did not answer within ${seconds} s after its start`, { host: this.#host }).toShape() });
      this.#dropConnection();
    }, this.#context.timings.agentStart);
    if (this.#cancelled && first?.type === 'plan') this.#endTalk({ kind: 'done', status: 'stopped' });
    // at once, without waiting for the agent's hello: it reads the plan when it is up
    else if (first !== undefined) link.send(first);
    const end = await Promise.race([talked, link.ended.then((ended) => this.#explain(ended))]);
    clearTimeout(timer);
    if (!link.open && this.#link === link) this.#link = undefined;
    if (end.kind === 'lost' || (end.kind === 'error' && !link.open)) this.#abandonPins();
    return end;
  }

  #explain(end: LinkEnd): TalkEnd {
    // the system's Node is too old: from now on only a pushed one counts
    if (!this.#greeted && end.code === EXIT_NODE_TOO_OLD) this.#systemNode = false;
    const explained = explainEnd(end, { host: this.#host, greeted: this.#greeted, journal: this.#journal(), redact: (text) => this.#report?.redact(text) ?? '' });
    if (end.problem !== undefined && explained.kind === 'error') this.#dropConnection();
    return explained;
  }

  #receive(link: AgentLink, frame: AgentFrame): void {
    switch (frame.type) {
      case 'hello':
        if (frame.protocol !== PROTOCOL) {
          link.fail(new HsmfleetError('AGENT', `the agent on ${this.#host} speaks protocol ${String(frame.protocol)}, not ${String(PROTOCOL)}`, { host: this.#host, hint: 'build the agent again' }));
          return;
        }
        this.#greeted = true;
        this.#report?.started(frame.agent, frame.node, this.#uploaded);
        this.#uploaded = [];
        if (this.#cancelled) link.send({ type: 'cancel' });
        this.#errands.send(link);
        if (this.#report === undefined) this.#endTalk({ kind: 'done', status: 'ok' });
        return;
      case 'event':
        this.#takeEvent(link, frame.event);
        return;
      case 'blob':
        this.#fetch.begin(frame.sha256, frame.size);
        return;
      case 'blob_failed':
        this.#fetch.refuse(frame.sha256, frame.reason);
        return;
      case 'need_blobs':
        sendBlobs(link, this.#blobNames(), frame.sha256, (sha256) => this.#context.blob(sha256)).catch((error: unknown) => { link.fail(error as HsmfleetError); });
        return;
      case 'pin_request': {
        const ticket = this.#context.pins.ask(this.#host, frame.pin, frame.token);
        this.#tickets.get(frame.request)?.abandon();
        this.#tickets.set(frame.request, ticket);
        void ticket.decided.then((decision) => { link.send({ type: 'pin_reply', request: frame.request, ...decision }); });
        return;
      }
      case 'pin_result':
        this.#tickets.get(frame.request)?.report(frame.outcome);
        this.#tickets.delete(frame.request);
        return;
      case 'custody_claim':
        void this.#context.custody.claim(this.#host, frame.manifest).then((holder) => { this.#answerClaim(link, frame.request, holder); });
        return;
      case 'undone':
        this.#endTalk({ kind: 'undone', outcome: frame.outcome });
        return;
      case 'once_request':
        this.#context.cross.once.ask(this.#host, frame.request, (reply) => {
          if (reply.told !== undefined) this.#report?.learn(reply.told.secrets);
          this.#link?.send(reply);
        });
        return;
      case 'once_result': {
        const { outcome, ignored, result, vars, secrets } = frame;
        this.#context.cross.once.tell(this.#host, frame.request, { outcome, ignored, result, vars, secrets });
        return;
      }
      case 'delegate_request':
        this.#context.cross.delegate(this.#host, this.#plan as Plan, frame).then((report) => {
          this.#link?.send({ type: 'delegate_reply', request: frame.request, report });
        }).catch((error: unknown) => { link.fail(error as HsmfleetError); });
        return;
      case 'delegate_result':
        this.#errands.settle(frame.request, frame.report);
        return;
      case 'step_request':
        void this.#context.cross.confirm(frame.task, frame.name).then((answer) => {
          this.#link?.send({ type: 'step_reply', request: frame.request, go: answer !== 'no', rest: answer === 'continue' });
        });
        return;
      case 'busy':
        if (this.#report === undefined) {
          this.#errands.fail(link, new HsmfleetError('HOST_BUSY', `${this.#host} is busy: run ${frame.run} by ${frame.user} since ${frame.since}`, { host: this.#host, hint: 'wait until it has ended, then run again' }).toShape());
          return;
        }
        // an agent of this very run that has not noticed yet that its runner is gone: it ends soon, or runs the play
        if (frame.run === this.#context.run) {
          this.#endTalk({ kind: 'held' });
          return;
        }
        this.#endTalk({ kind: 'error', error: new HsmfleetError('HOST_BUSY', `${this.#host} is busy: run ${frame.run} by ${frame.user} since ${frame.since}`, { host: this.#host, hint: 'wait until it has ended, then run again', details: { run: frame.run, user: frame.user, since: frame.since } }).toShape() });
        return;
      case 'error':
        if (this.#report === undefined) this.#errands.fail(link, { ...frame.error, host: this.#host });
        this.#endTalk({ kind: 'error', error: { ...frame.error, host: this.#host } });
        return;
      case 'done':
        // the journal of a run that was attached to ends with the play that was begun last there
        this.#endTalk(frame.play === this.#plan?.play.index ? { kind: 'done', status: frame.status } : { kind: 'earlier' });
    }
  }

  /** What the agent may ask for: files of its plan, and of tasks that others have done here. */
  #blobNames(): BlobNames {
    const own = this.#plan ?? { tasks: [], handlers: [] };
    return { host: this.#host, handlers: own.handlers, tasks: [...own.tasks, ...this.#errands.tasks] };
  }

  #answerClaim(link: AgentLink, request: number, holder: string | undefined): void {
    if (holder === undefined) {
      link.send({ type: 'custody_reply', request, go: true });
      return;
    }
    link.send({ type: 'custody_reply', request, go: false, reason: `${holder} has it as well, in this run` });
    this.#context.events.emit(holder, { type: 'warning', message: `${this.#host} shows the same token: one of the two is a copy, or it was moved during the run` });
  }

  #takeEvent(link: AgentLink, event: RunEvent): void {
    if (event.host !== this.#host || event.run !== this.#context.run || NOT_FROM_AGENTS.has(event.type)) {
      link.fail(new HsmfleetError('AGENT', `the agent on ${this.#host} sent an event that is not its own (${event.type} of ${event.host})`, { host: this.#host }));
      return;
    }
    if (event.seq <= this.#lastSeq) return;
    this.#lastSeq = event.seq;
    if (event.type === 'host_finished' && event.play === this.#plan?.play.index) {
      this.#ends = event.ends;
      this.#finished = event;
      return;
    }
    if (event.type === 'task_finished' && event.error !== undefined && PROOF_CODES.has(event.error.code)) this.#failedProof = event.error.message;
    this.#report?.forward(event);
    if (event.type === 'artifact') this.#fetch.add(event.artifact, link);
  }

  /** An agent that another runner of this run started holds the host: the plan is sent again until it is told or run. */
  async #awaitOwnRun(plan: Plan): Promise<TalkEnd> {
    const { reattach, reattachPause } = this.#context.timings;
    const deadline = Date.now() + reattach;
    for (let pause = reattachPause; Date.now() + pause < deadline && !this.#cancelled; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const end = await this.#talk(this.#planFrame(plan)).catch(lostOrThrow);
      if (end.kind !== 'held') return end;
    }
    return { kind: 'error', error: new HsmfleetError('HOST_BUSY', `${this.#host} is held by an agent of this run that does not end`, { host: this.#host, hint: `look for it there; its journal is ${this.#journal()}` }).toShape() };
  }

  /** The connection is gone in the middle of a play: the agent goes on, and what it did is read from its journal. */
  async #reattach(): Promise<TalkEnd> {
    const { timings, events, run } = this.#context;
    const deadline = Date.now() + timings.reattach;
    events.emit(this.#host, { type: 'warning', message: 'the connection was lost; the run goes on there and is looked for' });
    let last: ErrorShape | undefined;
    for (let pause = timings.reattachPause; Date.now() + pause < deadline && !this.#cancelled; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      this.#dropConnection();
      try {
        // a host that has told nothing yet may never have got its plan: one that has it tells what it did
        let end = await this.#talk(this.#lastSeq < 0 ? this.#planFrame(this.#plan as Plan) : { type: 'attach', run, afterSeq: this.#lastSeq });
        // the plan of a later play may have been lost on the way, while the journal ends with the play before
        if (end.kind === 'earlier') end = await this.#talk(this.#planFrame(this.#plan as Plan));
        if (end.kind === 'done' && this.#ends === 'waits' && !this.#cancelled) {
          this.#ends = undefined;
          this.#finished = undefined;
          this.#goesOn = true;
          end = await this.#talk(this.#planFrame(this.#plan as Plan));
        }
        if (end.kind === 'held') end = await this.#awaitOwnRun(this.#plan as Plan);
        if (end.kind === 'done') return end;
        if (end.kind === 'error') return { kind: 'error', error: this.#lostError(end.error) };
      } catch (error) {
        last = toErrorShape(error);
      }
    }
    return { kind: 'error', error: this.#lostError(last) };
  }

  #planFrame(plan: Plan): ControlFrame {
    return { type: 'plan', plan, ...(this.#context.resume || this.#goesOn ? { resume: true } : {}) };
  }

  #lostError(last?: ErrorShape): ErrorShape {
    return new HsmfleetError('CONNECTION_LOST', `the connection to ${this.#host} was lost while play "${this.#plan?.play.name ?? ''}" ran${last === undefined ? '' : `, and it was not found again: ${last.message}`}`, {
      host: this.#host,
      hint: `the run goes on there by itself; its journal is ${this.#journal()}; run again when the host is back`,
    }).toShape();
  }

  #journal(): string {
    const user = this.#target?.become?.user ?? this.#target?.user ?? 'root';
    const state = this.#context.stateDir ?? (user === 'root' ? ROOT_STATE_DIR : '~/.local/state/hsmfleet');
    return `${this.#host}:${state}/runs/${this.#context.run}/journal.ndjson`;
  }

  #abandonPins(): void {
    for (const ticket of this.#tickets.values()) ticket.abandon();
    this.#tickets.clear();
  }
}

/** Only the control host tells these. */
const NOT_FROM_AGENTS: ReadonlySet<string> = new Set<RunEvent['type']>(['run_started', 'run_resumed', 'play_started', 'batch_started', 'play_stopped', 'run_finished', 'host_started', 'host_unreachable']);

function isSameTarget(a: HostTarget, b: HostTarget): boolean {
  return JSON.stringify(a) === JSON.stringify(b) && a.become?.password === b.become?.password;
}
