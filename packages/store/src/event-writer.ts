import { CONTROL_SEQ_BASE, countEvent, emptyCounts, type Counts, type RunEvent, type RunEventOf, type TaskFinished } from '@hsmfleet/contract';
import { benchmarkRow } from './benchmark-points.ts';
import type { Cell, Row, Sql } from './database.ts';
import { errorText } from './error-text.ts';
import { recordFacts, recordInventory } from './inventory-history.ts';
import { reopenRun } from './run-requests.ts';

/** Puts events into the tables. Remembers what it wrote of runs, so one belongs to a database for as long as it is open. */
export interface EventWriter {
  /** Writes events, in order; those that are stored already do nothing. Belongs inside a transaction of the caller. */
  write(sql: Sql, events: readonly RunEvent[]): Promise<void>;
  /** Call it when a transaction was undone: what was remembered of it is read from the database again. */
  forget(): void;
}

interface HostState {
  run: string;
  host: string;
  status: string;
  error: string | null;
  at: string;
  counts: Counts;
  /** Why the last look of the run at the host failed; null when it did not. */
  attempt: string | null;
}

export function createEventWriter(): EventWriter {
  const states = new Map<string, HostState>();
  return {
    forget() { states.clear(); },
    async write(sql, events) {
      const fresh = await unknownOf(sql, events);
      const batch = new Batch(sql, states);
      await batch.load(fresh);
      for (const event of fresh) {
        await batch.take(event);
        // what was remembered of its hosts is no longer so
        if (event.type === 'run_resumed') await batch.load(fresh);
      }
      await batch.finish();
      await storeEvents(sql, fresh);
      for (const event of fresh) {
        if (event.type === 'run_finished') forget(states, event.run);
        // another worker may run the next play on this host
        if (event.type === 'host_finished') states.delete(keyOf(event.run, event.host));
      }
    },
  };
}

/** Two processes told of the same event at the same time: the transaction is undone, and does nothing the next time. */
class EventsRacedError extends Error {
  /** PostgreSQL's own code for transactions that may be tried again. */
  readonly code = '40001';

  constructor() {
    super('another process stored the same events meanwhile');
    this.name = 'EventsRacedError';
  }
}

/** Those of the events that are not stored yet, each once. */
async function unknownOf(sql: Sql, events: readonly RunEvent[]): Promise<RunEvent[]> {
  const known = new Set<string>();
  const idOf = (run: string, { host, seq, type }: { host: unknown; seq: unknown; type: unknown }): string => `${run} ${String(seq)} ${String(type)} ${String(host)}`;
  for (const run of new Set(events.map((event) => event.run))) {
    const own = events.filter((event) => event.run === run);
    const stored = await sql.all(`select host, seq, type from event where run = $run and seq >= $least and host in ${sql.dialect.listed('$hosts')}`, {
      run, least: own.reduce((least, { seq }) => Math.min(least, seq), Infinity), hosts: JSON.stringify([...new Set(own.map(({ host }) => host))]),
    });
    for (const row of stored) known.add(idOf(run, row as { host: unknown; seq: unknown; type: unknown }));
  }
  return events.filter((event) => {
    const id = idOf(event.run, event);
    return !known.has(id) && known.add(id);
  });
}

/**
 * Stores the events themselves, numbered in the order of storing. Last in a transaction: until it ends, other workers that
 * write events of the same run wait, for a number must not appear after a greater one was read.
 * @throws EventsRacedError
 */
async function storeEvents(sql: Sql, events: readonly RunEvent[]): Promise<void> {
  const next = new Map<string, number>();
  for (const run of [...new Set(events.map((event) => event.run))].sort()) {
    await sql.run(sql.dialect.lock('$run'), { run });
    const [last] = await sql.all('select max(position) as position from event where run = $run', { run });
    next.set(run, Number(last?.position ?? 0) + 1);
  }
  const rows = events.map((event) => {
    const position = next.get(event.run) ?? 1;
    next.set(event.run, position + 1);
    return { run: event.run, host: event.host, seq: event.seq, type: event.type, at: event.at, body: JSON.stringify(event), position };
  });
  const isNew = await sql.insertNew('event', rows, ['run', 'host', 'seq', 'type']);
  if (isNew.includes(false)) throw new EventsRacedError();
}

function forget(states: Map<string, HostState>, run: string): void {
  for (const [key, state] of states) if (state.run === run) states.delete(key);
}

/** What the events of one transaction add up to. */
class Batch {
  readonly #sql: Sql;
  readonly #states: Map<string, HostState>;
  readonly #dirty = new Set<HostState>();
  /** Columns of the table `host` to set, by host. */
  readonly #hosts = new Map<string, Row>();
  readonly #tables = new Map<string, Row[]>();

  constructor(sql: Sql, states: Map<string, HostState>) {
    this.#sql = sql;
    this.#states = states;
  }

  /** Takes up hosts of runs where they were left, maybe by another process. */
  async load(events: readonly RunEvent[]): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    for (const { run, host } of events) {
      if (host === '' || this.#states.has(keyOf(run, host))) continue;
      wanted.set(run, (wanted.get(run) ?? new Set()).add(host));
    }
    for (const [run, hosts] of wanted) {
      const rows = await this.#sql.all(`select * from run_host where run = $run and host in ${this.#sql.dialect.listed('$hosts')}`, { run, hosts: JSON.stringify([...hosts]) });
      for (const row of rows) {
        const { ok, changed, skipped, failed, refused, ignored, unreachable } = row as Record<string, number> as unknown as Counts;
        this.#states.set(keyOf(run, String(row.host)), {
          run, host: String(row.host), status: String(row.status), error: row.error as string | null, at: String(row.last_event_at), attempt: row.attempt_error as string | null,
          counts: { ok, changed, skipped, failed, refused, ignored, unreachable },
        });
      }
    }
  }

  async take(event: RunEvent): Promise<void> {
    if (event.type === 'run_started') this.#add('run', runRow(event));
    if (event.type === 'run_resumed') {
      await this.finish();
      this.#dirty.clear();
      await reopenRun(this.#sql, event.run, CONTROL_SEQ_BASE);
      forget(this.#states, event.run);
    }
    if (event.type === 'run_finished') {
      await this.#flushTable('run');
      await this.#sql.run('update run set finished_at = $at, exit_code = $code, duration_ms = $ms where id = $run',
        { at: event.at, code: event.exitCode, ms: event.durationMs, run: event.run });
    }
    // a station's points have no host of the fleet
    if (event.type === 'benchmark') this.#add('benchmark_point', benchmarkRow(event));
    if (event.host !== '') await this.#track(event);
  }

  /** Everything that is known per host: status, counts, whether the last look failed. */
  async #track(event: RunEvent): Promise<void> {
    const state = this.#stateOf(event);
    this.#dirty.add(state);
    state.at = event.at;
    countEvent({ [event.host]: state.counts }, event);
    if (event.type === 'host_started') {
      this.#set(event.host, { last_seen_at: event.at, agent: event.agent, node: event.node });
      this.#attempt(state, null);
    } else if (event.type === 'facts') {
      await this.#writeHosts();
      await recordFacts(this.#sql, event.host, event.at, event.facts);
    } else if (event.type === 'inventory') {
      await this.#writeHosts();
      await recordInventory(this.#sql, event.report, event.run);
      state.attempt = null;
    } else if (event.type === 'custody') {
      this.#add('custody_proof', custodyRow(event));
    } else if (event.type === 'artifact') {
      await this.#sql.run(ARTIFACT, artifactRow(event));
    } else if (event.type === 'host_unreachable') {
      this.#settle(state, 'unreachable', errorText(event.error));
      this.#attempt(state, errorText(event.error));
    } else if (event.type === 'host_finished') {
      this.#settle(state, event.status, errorText(event.error));
    } else if (event.type === 'task_finished') {
      this.#add('task_result', taskRow(event));
      if (event.error === undefined || event.ignored || event.rescued === true) return;
      state.error = errorText(event.error);
      if (event.resource === 'inventory') this.#attempt(state, errorText(event.error));
    }
  }

  /** A later play of the run that went well does not hide that an earlier one did not. */
  #settle(state: HostState, status: string, error: string | null): void {
    if (state.status === 'running' || state.status === 'ok') state.status = status;
    state.error = error ?? state.error;
  }

  #stateOf(event: RunEvent): HostState {
    const key = keyOf(event.run, event.host);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { run: event.run, host: event.host, status: 'running', error: null, at: event.at, attempt: null, counts: emptyCounts() };
      this.#states.set(key, state);
      this.#set(event.host, { first_seen_at: event.at, last_run: event.run });
    }
    return state;
  }

  #attempt(state: HostState, error: string | null): void {
    state.attempt = error;
    this.#set(state.host, { attempt_error: error });
  }

  #set(host: string, columns: Row): void {
    this.#hosts.set(host, { ...this.#hosts.get(host), ...columns });
  }

  #add(table: string, row: Row): void {
    const rows = this.#tables.get(table);
    if (rows === undefined) this.#tables.set(table, [row]);
    else rows.push(row);
  }

  async #flushTable(table: string): Promise<void> {
    const rows = this.#tables.get(table) ?? [];
    this.#tables.delete(table);
    // rows of a table may differ in columns: benchmarks of sites and of keys do
    const alike = new Map<string, Row[]>();
    for (const row of rows) {
      const columns = Object.keys(row).join();
      alike.set(columns, [...(alike.get(columns) ?? []), row]);
    }
    for (const group of alike.values()) await this.#sql.insert(table, group, 'on conflict do nothing');
  }

  async #writeHosts(): Promise<void> {
    // always in the same order, so that two writers of the same hosts wait for one another instead of blocking each other
    const hosts = [...this.#hosts].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#hosts.clear();
    const seen = hosts.flatMap(([name, { first_seen_at: at }]) => (at === undefined ? [] : [{ name, first_seen_at: at }]));
    await this.#sql.insert('host', seen, 'on conflict (name) do nothing');
    for (const [name, columns] of hosts) {
      const words = Object.keys(columns).filter((column) => column !== 'first_seen_at').map((column) => `${column} = $${column}`);
      if (words.length > 0) await this.#sql.run(`update host set ${words.join(', ')} where name = $name`, { ...columns, name });
    }
  }

  async finish(): Promise<void> {
    await this.#writeHosts();
    for (const table of [...this.#tables.keys()]) await this.#flushTable(table);
    const states = [...this.#dirty].sort((a, b) => (a.host < b.host ? -1 : 1));
    await this.#sql.insert('run_host', states.map(({ run, host, status, error, at, attempt, counts }) => ({ run, host, status, error, last_event_at: at, attempt_error: attempt, ...columnsOf(counts) })), RUN_HOST_AGAIN);
    for (const { run, host, status, error } of states) {
      await this.#sql.run('update host set last_status = $status, last_error = $error where name = $host and last_run = $run', { status, error, host, run });
    }
  }
}

const keyOf = (run: string, host: string): string => `${run}\0${host}`;

const RUN_HOST_AGAIN = `on conflict (run, host) do update set ${['status', 'error', 'last_event_at', 'attempt_error', ...Object.keys(emptyCounts())]
  .map((column) => `${column} = excluded.${column}`).join(', ')}`;

/** Equal bytes are one package, wherever they were built first. */
const ARTIFACT = `insert into artifact (sha256, name, version, architecture, format, size, build_host, built_at, inputs_sha256, log, file, run, told_at, told_run)
  values ($sha256, $name, $version, $architecture, $format, $size, $build_host, $built_at, $inputs_sha256, $log, $file, $run, $at, $run)
  on conflict (sha256) do update set told_run = case when excluded.told_at > artifact.told_at then excluded.told_run else artifact.told_run end,
    told_at = case when excluded.told_at > artifact.told_at then excluded.told_at else artifact.told_at end`;

function runRow(event: RunEventOf<'run_started'>): Row {
  return {
    id: event.run, playbook: event.playbook, user: event.user, check_mode: Number(event.check), version: event.version, started_at: event.at,
  };
}

function custodyRow({ run, host, seq, proof }: RunEventOf<'custody'>): Row {
  return {
    run, host, seq, at: proof.at, module: proof.module, token: proof.token, token_serial: proof.serial, token_identity: proof.identity,
    verdict: proof.verdict, manifest: proof.manifest, file: proof.file, prepared_by: proof.preparedBy, prepared_at: proof.preparedAt,
    differences: proof.differences.join('\n'), notes: proof.notes.join('\n'),
  };
}

function artifactRow({ run, at, artifact }: RunEventOf<'artifact'>): Row {
  return {
    sha256: artifact.sha256, name: artifact.name, version: artifact.version, architecture: artifact.architecture, format: artifact.format,
    size: artifact.size, build_host: artifact.buildHost, built_at: artifact.builtAt, inputs_sha256: artifact.inputsSha256,
    log: artifact.log, file: artifact.file, run, at,
  };
}

function taskRow(event: TaskFinished): Row {
  const cells: Record<string, Cell | undefined> = {
    run: event.run, host: event.host, seq: event.seq, at: event.at, task: event.task, name: event.name,
    resource: event.resource, handler: Number(event.handler), outcome: event.outcome, ignored: Number(event.ignored),
    duration_ms: event.durationMs, changes: event.changes.join('\n'), message: event.message,
    error_code: event.error?.code, error_message: event.error?.message,
    file: event.position?.file, line: event.position?.line,
  };
  return Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, cell ?? null]));
}

/** Counts that have a column: what was rescued is nowhere else counted, and told by the events of its tasks. */
function columnsOf({ ok, changed, skipped, failed, refused, ignored, unreachable }: Counts): Omit<Counts, 'rescued'> {
  return { ok, changed, skipped, failed, refused, ignored, unreachable };
}
