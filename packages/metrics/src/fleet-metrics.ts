import { ERROR_CODES, type CheckOutcome } from '@hsmfleet/contract';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { countByExpiry, labelValue, PLAYBOOK_SERIES, soonest } from './limits.ts';
import type { MetricsSnapshot } from './snapshot.ts';

const OUTCOMES: readonly CheckOutcome[] = ['pass', 'fail', 'waived', 'error', 'unreachable', 'not_applicable'];
/** From a snapshot's check of one host to a live one of thousands. */
const DURATION_BUCKETS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

/** How the file that the server was started with fared when it was last read. */
export interface ConfigurationState {
  ok: boolean;
  /** When one was taken the last time. */
  loadedAt: Date;
}

/**
 * What Prometheus scrapes. Counters live as long as the process; everything else is read anew for each collection, into a
 * registry of its own, so that what is gone from the fleet is gone from the answer.
 *
 * No series but those of certificates names a host: their number is bounded, and a fleet of 10,000 hosts has as many as one of
 * ten. See {@link soonest}.
 */
export class FleetMetrics {
  /** What an answer is sent as. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #version: string;
  readonly #live = new Registry();
  readonly #scheduleRuns: Counter<'schedule' | 'outcome'>;
  readonly #skipped: Counter<'schedule'>;
  readonly #durations: Histogram<'schedule'>;
  readonly #agentErrors: Counter<'code'>;
  readonly #reloads: Counter<'result'>;

  constructor(version: string) {
    this.#version = version;
    const registers = [this.#live];
    this.#scheduleRuns = new Counter({ name: 'hsmfleet_schedule_runs_total', help: 'Runs of schedules that ended, by how.', labelNames: ['schedule', 'outcome'], registers });
    this.#skipped = new Counter({ name: 'hsmfleet_schedule_skipped_total', help: 'Times at which a schedule was due while it was still running or waiting.', labelNames: ['schedule'], registers });
    this.#durations = new Histogram({ name: 'hsmfleet_schedule_run_duration_seconds', help: 'How long runs of schedules took.', labelNames: ['schedule'], buckets: DURATION_BUCKETS, registers });
    this.#agentErrors = new Counter({ name: 'hsmfleet_agent_errors_total', help: 'Errors of hosts and their agents in runs of schedules, by documented code.', labelNames: ['code'], registers });
    this.#reloads = new Counter({ name: 'hsmfleet_config_reloads_total', help: 'Times that the configuration was read again, by what came of it.', labelNames: ['result'], registers });
    for (const result of ['taken', 'refused']) this.#reloads.inc({ result }, 0);
  }

  /** A run of a schedule ended. @param outcome of a bounded set of words; durationMs null: nobody knows, it was cut off */
  runEnded(schedule: string, outcome: string, durationMs: number | null): void {
    this.#scheduleRuns.inc({ schedule: labelValue(schedule), outcome: labelValue(outcome) });
    if (durationMs !== null) this.#durations.observe({ schedule: labelValue(schedule) }, durationMs / 1_000);
  }

  /** A schedule was due, and the run before was not over. */
  runSkipped(schedule: string): void {
    this.#skipped.inc({ schedule: labelValue(schedule) });
  }

  /** A host failed, or could not be reached. Codes that are not documented are counted as one. */
  agentError(code: string): void {
    this.#agentErrors.inc({ code: code in ERROR_CODES ? code : 'OTHER' });
  }

  configurationRead(taken: boolean): void {
    this.#reloads.inc({ result: taken ? 'taken' : 'refused' });
  }

  /** The whole answer in Prometheus' text format. */
  async collect(snapshot: MetricsSnapshot, configuration: ConfigurationState, now = new Date()): Promise<string> {
    const registry = new Registry();
    addProcess(registry, this.#version, configuration);
    addCompliance(registry, snapshot);
    addInventory(registry, snapshot, now);
    addSchedules(registry, snapshot);
    addNotifications(registry, snapshot);
    return Registry.merge([this.#live, registry]).metrics();
  }
}

function gauge<L extends string>(registry: Registry, name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
  return new Gauge({ name: `hsmfleet_${name}`, help, labelNames: [...labelNames], registers: [registry] });
}

const seconds = (iso: string): number => Date.parse(iso) / 1_000;

function addProcess(registry: Registry, version: string, { ok, loadedAt }: ConfigurationState): void {
  gauge(registry, 'build_info', 'Always 1; the version is a label.', ['version']).set({ version }, 1);
  gauge(registry, 'config_last_reload_successful', 'Whether the configuration was taken when it was last read; if not, the one before is in force.').set(ok ? 1 : 0);
  gauge(registry, 'config_last_reload_success_timestamp_seconds', 'When a configuration was taken the last time.').set(loadedAt.getTime() / 1_000);
  const registers = [registry];
  new Gauge({ name: 'process_resident_memory_bytes', help: 'Memory of the server.', registers }).set(process.memoryUsage.rss());
  new Gauge({ name: 'process_start_time_seconds', help: 'When the server was started.', registers }).set(Date.now() / 1_000 - process.uptime());
  const { user, system } = process.cpuUsage();
  new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time of the server.', registers }).inc((user + system) / 1_000_000);
}

function addCompliance(registry: Registry, { compliance, checks }: MetricsSnapshot): void {
  const hosts = gauge(registry, 'control_hosts', 'Hosts by outcome of a control in the last check; all six outcomes are always there.', ['schedule', 'profile', 'control', 'severity', 'outcome']);
  for (const { schedule, profile, control, severity, outcome, hosts: count } of compliance) {
    const labels = { schedule: labelValue(schedule ?? ''), profile: labelValue(profile), control: labelValue(control), severity };
    // a series that vanishes would leave an alert on its last value
    for (const each of OUTCOMES) hosts.inc({ ...labels, outcome: each }, 0);
    hosts.inc({ ...labels, outcome }, count);
  }
  const at = gauge(registry, 'check_last_finished_timestamp_seconds', 'When the last check ended.', ['schedule', 'profile']);
  const took = gauge(registry, 'check_last_duration_seconds', 'How long the last check took.', ['schedule', 'profile']);
  for (const { schedule, profile, finishedAt, durationSeconds } of checks) {
    const labels = { schedule: labelValue(schedule ?? ''), profile: labelValue(profile) };
    at.set(labels, seconds(finishedAt));
    took.set(labels, durationSeconds);
  }
}

function addInventory(registry: Registry, snapshot: MetricsSnapshot, now: Date): void {
  const hosts = gauge(registry, 'hosts', 'Hosts by what is known of them.', ['state']);
  for (const { state, count } of snapshot.hosts) hosts.inc({ state: labelValue(state) }, count);
  const expiry = gauge(registry, 'certificate_expiry_timestamp_seconds', 'When a certificate expires; of very many, those that expire first.', ['host', 'token', 'id', 'label']);
  const named = soonest(snapshot.certificates);
  for (const { host, token, id, label, notAfter } of named) expiry.set({ host, token, id, label }, seconds(notAfter));
  gauge(registry, 'certificates_unnamed', 'Certificates without a series of their own.').set(snapshot.certificates.length - named.length);
  const groups = gauge(registry, 'certificates', 'Certificates by the days that are left: in the first group that they fit.', ['expires_within']);
  for (const [name, count] of countByExpiry(snapshot.certificates, now)) groups.set({ expires_within: name }, count);
  const keys = gauge(registry, 'keys', 'Keys on tokens.', ['type', 'bits']);
  for (const { type, bits, count } of snapshot.keys) keys.inc({ type: labelValue(type), bits: bits === null ? '' : String(bits) }, count);
  const tokens = gauge(registry, 'tokens', 'Tokens by the state of their user PIN.', ['pin']);
  for (const { pin, count } of snapshot.tokens) tokens.inc({ pin: labelValue(pin) }, count);
  const ranAt = gauge(registry, 'run_last_finished_timestamp_seconds', 'When the last run of a playbook ended.', ['playbook']);
  const took = gauge(registry, 'run_last_duration_seconds', 'How long the last run of a playbook took.', ['playbook']);
  const newest = [...snapshot.runs].sort((a, b) => Date.parse(b.finishedAt) - Date.parse(a.finishedAt)).slice(0, PLAYBOOK_SERIES);
  for (const { playbook, finishedAt, durationSeconds } of newest.reverse()) {
    ranAt.set({ playbook: labelValue(playbook) }, seconds(finishedAt));
    took.set({ playbook: labelValue(playbook) }, durationSeconds);
  }
}

function addSchedules(registry: Registry, { schedules }: MetricsSnapshot): void {
  const success = gauge(registry, 'schedule_last_success_timestamp_seconds', 'When a schedule last did its work to the end, whatever it found; 0 when it never did.', ['schedule']);
  const next = gauge(registry, 'schedule_next_timestamp_seconds', 'When a schedule begins next.', ['schedule']);
  const running = gauge(registry, 'schedule_running', 'Whether a schedule is running.', ['schedule']);
  const waiting = gauge(registry, 'schedule_waiting', 'Whether a schedule is due and waits for its turn.', ['schedule']);
  for (const { name, lastSuccessAt, nextAt, running: runs, waiting: waits } of schedules) {
    const schedule = labelValue(name);
    success.set({ schedule }, lastSuccessAt === null ? 0 : seconds(lastSuccessAt));
    if (nextAt !== null) next.set({ schedule }, seconds(nextAt));
    running.set({ schedule }, runs ? 1 : 0);
    waiting.set({ schedule }, waits ? 1 : 0);
  }
}

function addNotifications(registry: Registry, { notifications }: MetricsSnapshot): void {
  const waiting = gauge(registry, 'notifications_waiting', 'Notifications that are not delivered yet.', ['sink']);
  const oldest = gauge(registry, 'notifications_oldest_timestamp_seconds', 'Since when the oldest of them waits.', ['sink']);
  const givenUp = gauge(registry, 'notifications_given_up', 'Notifications that could not be delivered and are not tried any more.', ['sink']);
  for (const { sink, waiting: count, oldestAt, givenUp: lost } of notifications) {
    waiting.set({ sink: labelValue(sink) }, count);
    if (oldestAt !== null) oldest.set({ sink: labelValue(sink) }, seconds(oldestAt));
    givenUp.set({ sink: labelValue(sink) }, lost);
  }
}
