import { setTimeout as sleep } from 'node:timers/promises';
import { CONTROL_SEQ_BASE, countTasks, exitCodeOf, HsmfleetError, type Plan, type RunEventOf } from '@hsmfleet/contract';
import { agentFrameProblem } from '@hsmfleet/contract/wire-validator';
import type { HostTarget } from '@hsmfleet/transport';
import { delegatesWork, sharesWork } from './cross-host.ts';
import { createCustodyRegistry } from './custody-registry.ts';
import { createCrossHost } from './delegations.ts';
import { createEventSink, type EventSink } from './event-sink.ts';
import { HostSession, type SessionContext } from './host-session.ts';
import type { HostStatus, RemoteHosts, RunnerPlay, RunOptions, RunSummary } from './model.ts';
import { createPinAuthority, frozenPins } from './pin-authority.ts';

/** Numbers of the control host's own events when a run is taken up again: beyond those of workers, and below 2^31. */
const RESUMED_SEQ_BASE = CONTROL_SEQ_BASE + 500_000_000;
const SEQ_PER_RESUME = 1_000_000;

/**
 * Runs plays one after another, each batch by batch, on up to `forks` hosts at once. Hosts that failed or were lost
 * take no part in later plays. As in Ansible, the run ends when a batch exceeds the play's failure budget, or when
 * all of its hosts failed.
 *
 * Everything that happens is told through `onEvent`; the summary is computed from those events. Never throws for
 * what happens on hosts.
 */
export async function runPlays(options: RunOptions): Promise<RunSummary> {
  const started = Date.now();
  const base = options.resume === undefined ? undefined : RESUMED_SEQ_BASE + options.resume.attempt * SEQ_PER_RESUME;
  const events = createEventSink(options.run, options.onEvent, base ?? options.shared?.controlSeqBase, base);
  const run = new Run(options, events);
  if (options.resume?.told !== true) events.emit('', { type: 'run_started', playbook: options.playbook, user: options.user, check: options.check, hosts: run.hosts, version: options.bundle.version });
  if (options.resume !== undefined) events.emit('', { type: 'run_resumed', user: options.user, hosts: run.hosts, version: options.bundle.version });
  const interrupt = (): void => { run.interrupt(); };
  options.signal?.addEventListener('abort', interrupt, { once: true });
  if (options.signal?.aborted === true) interrupt();
  try {
    for (const play of options.plays) if (!(await run.play(play))) break;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    run.end();
  }
  const summary: RunSummary = { counts: events.counts, exitCode: exitCodeOf(events.counts), durationMs: Date.now() - started };
  events.emit('', { type: 'run_finished', ...summary });
  return summary;
}

class Run {
  readonly hosts: string[];
  readonly #options: RunOptions;
  readonly #events: EventSink;
  readonly #sessions = new Map<string, HostSession>();
  /** Hosts of the play do things for each other: sessions stay open until its batch is through. */
  #together = false;
  /** What the end of the play on some host means for the others. */
  readonly #endings = new Set<NonNullable<RunEventOf<'host_finished'>['ends']>>();
  readonly #context: SessionContext;
  readonly #dropped = new Set<string>();
  /** Hosts that failed or refused in the play that runs, and what makes the others of their batch go back; empty when nothing does. */
  readonly #failures = new Map<string, string>();
  #interrupted = false;
  #timer: NodeJS.Timeout | undefined;
  /** Stops hosts that others run. */
  #remote: AbortController | undefined;

  constructor(options: RunOptions, events: EventSink) {
    this.#options = options;
    this.#events = events;
    this.hosts = [...new Set(options.plays.flatMap(({ batches }) => batches.flat()))];
    this.#context = {
      run: options.run,
      bundle: options.bundle,
      blob: (sha256) => options.blob(sha256),
      transport: (target) => options.transport(target),
      events,
      pins: createPinAuthority(options.resume?.pinsFrozen === undefined ? options.shared?.pins : frozenPins(options.resume.pinsFrozen)),
      custody: options.shared?.custody ?? createCustodyRegistry(options.resume?.holders),
      artifacts: options.artifacts,
      stateDir: options.stateDir,
      resume: options.resume !== undefined,
      cross: createCrossHost(options, NO_PLAY, [], (host) => this.#sessionOf(host)),
      timings: { agentStart: 60_000, reattach: 180_000, reattachPause: 500, cancel: 10_000, artifactStall: 60_000, ...options.timings },
    };
  }

  /** Runs a play. False when the whole run has to end. */
  async play(play: RunnerPlay): Promise<boolean> {
    const hosts = play.batches.flat().filter((host) => !this.#dropped.has(host));
    if (hosts.length === 0) return true;
    const plans = [...play.plans.values()];
    this.#together = plans.some(({ tasks: steps, handlers }) => [steps, handlers].some((each) => sharesWork(each) || delegatesWork(each)));
    if (this.#together && (this.#options.elsewhere !== undefined || this.#options.shared !== undefined)) {
      throw new HsmfleetError('USAGE', `play "${play.name}" has run_once, delegate_to, end_play or end_batch, and workers do not know of each other's hosts`, { hint: 'run it without --workers' });
    }
    if (play.rollbackBatch !== undefined && (this.#options.elsewhere !== undefined || this.#options.shared !== undefined)) {
      throw new HsmfleetError('USAGE', `play "${play.name}" has rollback_batch, and workers do not know of each other's hosts`, { hint: 'run it without --workers' });
    }
    const tasks = Math.max(0, ...[...play.plans.values()].map((plan) => countTasks(plan.tasks)));
    this.#events.emit('', { type: 'play_started', play: play.index, name: play.name, hosts, tasks });
    for (const [index, all] of play.batches.entries()) {
      const batch = all.filter((host) => !this.#dropped.has(host));
      if (batch.length === 0) continue;
      this.#events.emit('', { type: 'batch_started', play: play.index, batch: index, of: play.batches.length, hosts: batch });
      const reason = (await this.#settleWeb(play, batch, await this.#runBatch(play, batch))) ?? (await this.#pause(play, index));
      if (reason === undefined && this.#endings.has('play')) break;
      if (reason === undefined) continue;
      this.#events.emit('', { type: 'play_stopped', play: play.index, reason });
      return false;
    }
    return true;
  }

  /** Asks all hosts to stop; those that do not within a moment are left to themselves. */
  interrupt(): void {
    this.#interrupted = true;
    this.#remote?.abort();
    for (const session of this.#sessions.values()) session.cancel();
    this.#timer = setTimeout(() => {
      for (const session of this.#sessions.values()) session.abandon();
    }, this.#context.timings.cancel);
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const session of this.#sessions.values()) session.finish();
  }

  /** Why the run has to stop after this batch; undefined when it goes on. */
  async #runBatch(play: RunnerPlay, batch: readonly string[]): Promise<string | undefined> {
    const failed: string[] = [];
    const stopped: string[] = [];
    let stop: string | undefined;
    this.#endings.clear();
    this.#context.cross = createCrossHost(this.#options, play, batch, (host) => this.#sessionOf(host));
    const queue = [...batch];
    const remote = new AbortController();
    const settle = (host: string, status: HostStatus): void => {
      if (status === 'ok') return;
      this.#dropped.add(host);
      if (status === 'stopped') stopped.push(host);
      if (status === 'stopped') return;
      failed.push(host);
      if (stop !== undefined) return;
      stop = this.#endings.has('fatal') ? 'a host failed in a task of which any error is fatal (any_errors_fatal)' : budgetExceeded(play, failed.length, batch.length);
      if (stop === undefined) return;
      // the others of the batch stop after the task they are in
      for (const other of batch) this.#sessions.get(other)?.cancel();
      remote.abort();
    };
    if (this.#options.elsewhere !== undefined) {
      await this.#runElsewhere(this.#options.elsewhere, play, batch, remote, settle);
      if (this.#interrupted) return this.#whyInterrupted();
      return stop ?? (failed.length === batch.length ? 'every host of the batch failed' : undefined);
    }
    const work = async (): Promise<void> => {
      for (let host = queue.shift(); host !== undefined; host = queue.shift()) {
        if (this.#interrupted || stop !== undefined) return;
        settle(host, await this.#runHost(play, batch, host));
      }
    };
    const working = Promise.all(Array.from({ length: Math.max(1, Math.min(this.#options.forks, batch.length)) }, work));
    // the check of received frames is compiled while the hosts answer the first connections, not when their events come
    setImmediate(() => agentFrameProblem(undefined));
    await working;
    if (play.rollbackBatch === undefined) this.#closeUnneeded(play);
    if (this.#interrupted) return this.#whyInterrupted();
    if (stop !== undefined) return stop;
    // hosts that failed before somebody cleared that take part in later plays
    if (this.#endings.has('clear')) for (const host of failed.splice(0)) this.#dropped.delete(host);
    // a task that one host runs for all fails all, and is told of on that host alone
    return failed.length > 0 && failed.length + stopped.length === batch.length ? 'every host of the batch failed' : undefined;
  }

  /**
   * All hosts of a batch are through. When one of them failed its proof, and the play says so, the others go back to what they served
   * before; otherwise they forget how.
   * @param reason why the run has to stop anyway
   */
  async #settleWeb(play: RunnerPlay, batch: readonly string[], reason: string | undefined): Promise<string | undefined> {
    if (play.rollbackBatch === undefined) return reason;
    const culprit = batch.find((host) => (this.#failures.get(host) ?? '') !== '');
    const why = culprit === undefined ? undefined : `${culprit} of the same batch ${play.rollbackBatch === 'any' ? 'failed' : 'did not serve'}`;
    const unreached = batch.filter((host) => this.#dropped.has(host) && !this.#failures.has(host));
    await Promise.all(batch.filter((host) => host !== culprit && !unreached.includes(host)).map(async (host) => {
      const [plan, target] = [play.plans.get(host), play.targets.get(host)];
      if (plan === undefined || target === undefined) return;
      if ((await this.#sessionOf(host).settleWeb(plan, target, why)) !== 'none') this.#dropped.add(host);
    }));
    this.#closeUnneeded(play);
    return why === undefined ? reason : `the batch was put back: ${why}`;
  }

  /** Waits, or asks, before the next batch. Answers why the run ends here, if it does. */
  async #pause({ index, pause, batches }: RunnerPlay, done: number): Promise<string | undefined> {
    const next = done + 1;
    if (pause === undefined || this.#interrupted || next >= batches.length || (pause.after === 'first' && done > 0)) return undefined;
    if (this.#options.resume?.begun?.has(`${String(index)}.${String(next)}`) === true) return undefined;
    if (batches.slice(next).flat().every((host) => this.#dropped.has(host))) return undefined;
    const { signal, confirmBatch } = this.#options;
    const where = `before batch ${String(next + 1)} of ${String(batches.length)}`;
    if (pause.seconds !== undefined) {
      this.#events.emit('', { type: 'warning', message: `waiting ${String(pause.seconds)} s ${where}` });
      await sleep(pause.seconds * 1_000, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
    if (this.#interrupted) return this.#whyInterrupted();
    if (pause.prompt === undefined || confirmBatch === undefined) return undefined;
    return (await confirmBatch(`${pause.prompt} (${where})`)) ? undefined : `somebody said no ${where}`;
  }

  /** Hosts that were never begun are dropped like those that were stopped. */
  async #runElsewhere(elsewhere: RemoteHosts, play: RunnerPlay, batch: readonly string[], remote: AbortController, settle: (host: string, status: HostStatus) => void): Promise<void> {
    const open = new Set(batch);
    this.#remote = remote;
    if (this.#interrupted) remote.abort();
    await elsewhere.run(play, batch, remote.signal, {
      event: (event) => { this.#events.forward(event); },
      host: (host, status) => {
        if (open.delete(host)) settle(host, status);
      },
    });
    for (const host of open) this.#dropped.add(host);
    this.#remote = undefined;
  }

  async #runHost(play: RunnerPlay, batch: readonly string[], host: string): Promise<HostStatus> {
    const plan: Plan | undefined = play.plans.get(host);
    const target: HostTarget | undefined = play.targets.get(host);
    if (plan === undefined || target === undefined) throw new Error(`play ${String(play.index)} has no plan or no target for ${host}`);
    const session = this.#sessionOf(host);
    const { once } = this.#context.cross;
    this.#failures.delete(host);
    const status = await session.runPlay(this.#complete((await this.#options.bind?.(plan)) ?? plan, batch), target);
    if (session.ends !== undefined) this.#endings.add(session.ends);
    once.end(host);
    if (status === 'failed' || status === 'refused') this.#failures.set(host, session.failedProof ?? (play.rollbackBatch === 'any' ? 'it failed' : ''));
    if (this.#together || play.rollbackBatch !== undefined) return status;
    if (status !== 'ok' || !this.#isNeededLater(play, host)) {
      session.finish();
      this.#sessions.delete(host);
    }
    return status;
  }

  /** A plan with what the person who runs it asks for, and who else runs the play at the same time where that matters. */
  #complete(plan: Plan, batch: readonly string[]): Plan {
    const { forceHandlers, confirm } = this.#options;
    const own = { ...plan };
    // a thousand hosts need not know of each other where they have nothing to do with each other
    delete own.batch;
    return {
      ...own,
      ...(this.#together ? { batch: [...batch] } : {}),
      ...(forceHandlers === true ? { forceHandlers } : {}),
      ...(confirm === undefined ? {} : { step: true }),
    };
  }

  #sessionOf(host: string): HostSession {
    let session = this.#sessions.get(host);
    if (session === undefined) {
      session = new HostSession(host, this.#context);
      this.#sessions.set(host, session);
    }
    return session;
  }

  /** Says goodbye to hosts that did things for others and are not needed any more. */
  #closeUnneeded(play: RunnerPlay): void {
    if (!this.#together && play.rollbackBatch === undefined) return;
    for (const [host, session] of this.#sessions) {
      if (!this.#dropped.has(host) && this.#isNeededLater(play, host)) continue;
      session.finish();
      this.#sessions.delete(host);
    }
  }

  #whyInterrupted(): string {
    const reason: unknown = this.#options.signal?.reason;
    return typeof reason === 'string' ? reason : 'interrupted';
  }

  #isNeededLater(play: RunnerPlay, host: string): boolean {
    const { plays } = this.#options;
    return plays.slice(plays.indexOf(play) + 1).some(({ plans }) => plans.has(host));
  }
}

/** Before the first batch. */
const NO_PLAY: RunnerPlay = { index: -1, name: '', batches: [], anyErrorsFatal: false, plans: new Map(), targets: new Map() };

function budgetExceeded(play: RunnerPlay, failed: number, size: number): string | undefined {
  if (play.anyErrorsFatal) return 'a host failed, and any error is fatal in this play (any_errors_fatal)';
  const percentage = (failed / size) * 100;
  if (play.maxFailPercentage === undefined || percentage <= play.maxFailPercentage) return undefined;
  return `${String(failed)} of ${String(size)} hosts failed, which is more than max_fail_percentage ${String(play.maxFailPercentage)}`;
}
