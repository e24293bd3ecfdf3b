import type { StateChange } from '@hsmfleet/contract';
import { FleetMetrics } from '@hsmfleet/metrics';
import { sinkNames, startDelivery, type Delivery } from '@hsmfleet/notify';
import { ENDINGS, Scheduler, type SchedulerEvent } from '@hsmfleet/scheduler';
import { openStore, type Store } from '@hsmfleet/store';
import { createDashboardData } from './dashboard-data.ts';
import { loadNamedQueries } from './named-queries.ts';
import { newRunId } from './run-identity.ts';
import { loadServeConfiguration, type ServeConfiguration, type ServeSchedule } from './serve-configuration.ts';
import { errorSummary, logErrors, type Log } from './serve-log.ts';
import { readMetrics } from './serve-metrics.ts';
import { runSchedule } from './serve-run.ts';
import { scheduleControl } from './serve-schedules.ts';
import { ServeWeb } from './serve-web.ts';
import { VERSION } from './version.ts';

/** How long hosts may take to end their current task when the server ends, milliseconds; the runner leaves them after 10 s. */
const END_MS = 20_000;
/** A run that was cut off longer ago is not taken up again: what hosts said then is too old. */
const RESUME_WITHIN_MS = 10 * 60_000;
/** Several scrapers get the same answer. */
const METRICS_FOR_MS = 2_000;

/** Endings after which nobody knows how the fleet is. One that was stopped, or cut off, is run again. */
const FAILURES: readonly (string | null)[] = [ENDINGS.failed, ENDINGS.timedOut, ENDINGS.cutOffAgain];

/** Schedules, metrics, notifications and the web server around one store. */
export class FleetServer {
  readonly #store: Store;
  readonly #log: Log;
  readonly #metrics = new FleetMetrics(VERSION);
  readonly #scheduler: Scheduler<ServeSchedule>;
  readonly #web: ServeWeb;
  /** Schedules whose last turn failed: people are told when that begins and when it is over. */
  readonly #failing = new Set<string>();
  #delivery: Delivery | undefined;
  #configuration: ServeConfiguration;
  #loadedAt = new Date();
  /** Why the file, as it is now, is not in force. */
  #problem: string | null = null;
  #reloading: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();
  #collected: { at: number; text: Promise<string> } | undefined;

  /** @throws HsmfleetError STORE */
  static async open(location: string, configuration: ServeConfiguration, log: Log): Promise<FleetServer> {
    return new FleetServer(location, await openStore(location), configuration, log);
  }

  private constructor(location: string, store: Store, configuration: ServeConfiguration, log: Log) {
    this.#store = store;
    this.#configuration = configuration;
    this.#log = log;
    this.#scheduler = new Scheduler<ServeSchedule>({
      run: (run, signal) => runSchedule(run, signal, {
        location, log, workers: this.#configuration.workers,
        onAgentError: (code) => { this.#metrics.agentError(code); },
        onRecorded: () => { this.#delivery?.kick(); },
      }),
      states: () => store.scheduleStates(),
      save: (state) => store.saveScheduleState(state),
      newId: (cutOff) => (cutOff !== null && Date.now() - cutOff.startedAt.getTime() < RESUME_WITHIN_MS ? cutOff.id : newRunId()),
      tell: (event) => { this.#tell(event); },
    }, { concurrency: configuration.concurrency });
    this.#web = new ServeWeb({
      data: createDashboardData({ store, version: VERSION, namedQueries: () => loadNamedQueries() }),
      schedules: scheduleControl(this.#scheduler, () => this.#problem, log),
      metrics: async () => ({ type: this.#metrics.contentType, text: await this.#collect() }),
      log,
    });
  }

  get stopAfterMs(): number {
    return this.#configuration.stopAfterMs;
  }

  /** @throws HsmfleetError USAGE when the web server cannot listen; STORE */
  async start(): Promise<void> {
    for (const warning of this.#configuration.warnings) this.#log('warning', warning);
    await this.#web.apply(this.#configuration);
    for (const { name, outcome } of await this.#store.scheduleStates()) if (FAILURES.includes(outcome)) this.#failing.add(name);
    await this.#deliver(this.#configuration);
    await this.#scheduler.load(this.#configuration.schedules);
  }

  /** Reads the file again. With a mistake in it everything stays as it is, and log, dashboard and metrics say so. Never rejects. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** Ends schedules, notifications, web server and store, in this order. */
  async stop(): Promise<void> {
    await this.#reloading;
    await this.#scheduler.stop({ patienceMs: this.#configuration.stopAfterMs, endMs: END_MS });
    await this.#telling;
    await this.#delivery?.stop();
    await this.#web.close();
    await this.#store.close();
  }

  async #reload(): Promise<void> {
    try {
      const configuration = await loadServeConfiguration(this.#configuration.file);
      if ((configuration.store ?? this.#configuration.store) !== this.#configuration.store) this.#log('warning', 'the store is another one in the file now: that is for the next start');
      await this.#web.apply(configuration);
      await this.#deliver(configuration);
      await this.#scheduler.load(configuration.schedules, { concurrency: configuration.concurrency });
      this.#configuration = { ...configuration, store: this.#configuration.store };
      this.#problem = null;
      this.#loadedAt = new Date();
      this.#metrics.configurationRead(true);
      for (const warning of configuration.warnings) this.#log('warning', warning);
      this.#log('info', 'the file was read again', { file: configuration.file, schedules: configuration.schedules.length });
    } catch (thrown) {
      this.#problem = errorSummary(thrown);
      this.#metrics.configurationRead(false);
      logErrors(this.#log, 'error', 'the file is not taken, the one before stays in force', thrown);
    }
    this.#collected = undefined;
  }

  /** Secrets may have changed where nothing else did: so delivery always begins anew. */
  async #deliver({ notify }: ServeConfiguration): Promise<void> {
    await this.#delivery?.stop();
    this.#delivery = startDelivery({
      sinks: notify,
      queue: { pending: (now, limit) => this.#store.pendingNotifications(now, limit), settle: (ids, result) => this.#store.settleNotification(ids, result) },
      log: (level, text) => { this.#log(level, text); },
    });
  }

  /** People are told when a schedule stops doing its work, and when it does it again. */
  #tellOfFailure(schedule: string, check: string, outcome: string, error: string | null): void {
    const fails = FAILURES.includes(outcome);
    if (outcome === ENDINGS.stopped || outcome === ENDINGS.cutOff || fails === this.#failing.has(schedule)) return;
    if (fails) this.#failing.add(schedule);
    else this.#failing.delete(schedule);
    const change: StateChange = {
      kind: fails ? 'check_failed' : 'check_recovered', key: `schedule:${schedule}`, at: new Date().toISOString(), check, schedule, host: null, control: null,
      severity: fails ? 'high' : null, title: fails ? `the schedule ${schedule} did not do its work: ${outcome}` : `the schedule ${schedule} does its work again`,
      details: { outcome, error },
    };
    const sinks = this.#scheduler.status().find((status) => status.schedule.name === schedule)?.schedule.sinks ?? [];
    this.#telling = this.#telling.then(() => this.#store.queueNotifications([change], sinks)).then(
      () => { this.#delivery?.kick(); },
      (thrown: unknown) => { logErrors(this.#log, 'error', 'nobody could be told that a schedule failed', thrown); },
    );
  }

  #collect(): Promise<string> {
    const now = Date.now();
    if (this.#collected === undefined || now - this.#collected.at > METRICS_FOR_MS) {
      const text = readMetrics(this.#store, this.#scheduler.status(), sinkNames(this.#configuration.notify))
        .then((snapshot) => this.#metrics.collect(snapshot, { ok: this.#problem === null, loadedAt: this.#loadedAt }));
      this.#collected = { at: now, text };
    }
    return this.#collected.text;
  }

  #tell(event: SchedulerEvent): void {
    const { schedule } = event;
    switch (event.type) {
      case 'started':
        this.#log('info', 'started', { schedule, run: event.id, reason: event.reason, due: event.dueAt.toISOString() });
        break;
      case 'finished':
        this.#collected = undefined;
        this.#metrics.runEnded(schedule, event.outcome, event.durationMs);
        this.#tellOfFailure(schedule, event.id, event.outcome, event.error);
        this.#log(event.error === null ? 'info' : 'error', 'finished', { schedule, run: event.id, outcome: event.outcome, seconds: event.durationMs / 1_000, error: event.error });
        break;
      case 'skipped':
        this.#metrics.runSkipped(schedule);
        this.#log('warning', 'skipped: the turn before is not over', { schedule, due: event.dueAt.toISOString() });
        break;
      case 'missed':
        this.#log('warning', 'missed while the server was not there: it is made up for now', { schedule, due: event.dueAt.toISOString() });
        break;
      case 'cut_off':
        this.#metrics.runEnded(schedule, event.again ? ENDINGS.cutOff : ENDINGS.cutOffAgain, null);
        this.#tellOfFailure(schedule, event.id, event.again ? ENDINGS.cutOff : ENDINGS.cutOffAgain, 'the server was killed in the middle of it, twice');
        this.#log('warning', event.again ? 'was cut off when the server was killed: it is run again' : 'was cut off once more when the server was killed: it is run again when it is due', { schedule, run: event.id });
        break;
      case 'overdue':
        this.#log('error', 'was told to stop and did not: its place stays taken until it does', { schedule, run: event.id });
        break;
      case 'state_lost':
        this.#log('error', 'the store did not take down how the schedule stands', { schedule, error: event.error });
        break;
    }
  }
}
