import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { countEvent, emptyCounts, type Counts, type InventoryReport, type RunEvent, type RunEventOf, type TaskFinished } from '@hsmfleet/contract';
import { benchmarkRow } from './benchmark-points.ts';
import { errorText, errorsOf, rowsOf, type Cell, type Row } from './inventory-rows.ts';

/** Puts events into the tables. Every call belongs inside a transaction of the caller. */
export interface EventWriter {
  write(event: RunEvent): void;
  /** Writes the counts of hosts that had events since the last call. */
  writeCounts(): void;
  inventory(report: InventoryReport, run: string | null): void;
}

interface HostState {
  run: string;
  host: string;
  status: string;
  error: string | null;
  at: string;
  counts: Counts;
}

export function createEventWriter(database: DatabaseSync): EventWriter {
  const statements = new Map<string, StatementSync>();
  const states = new Map<string, HostState>();
  const dirty = new Set<HostState>();

  function run(sql: string, row: Row): void {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = database.prepare(sql)));
    statement.run(row);
  }
  const insert = (table: string, row: Row, orElse = ''): void => { run(insertSql(table, Object.keys(row), orElse), row); };

  function stateOf(event: RunEvent): HostState {
    const key = `${event.run}\0${event.host}`;
    let state = states.get(key);
    if (state === undefined) {
      state = { run: event.run, host: event.host, status: 'running', error: null, at: event.at, counts: emptyCounts() };
      states.set(key, state);
      run(HOST_IN_RUN, { name: event.host, at: event.at, run: event.run });
    }
    return state;
  }

  /** Everything that is known per host: status, counts, whether the last look failed. */
  function track(event: RunEvent): void {
    const state = stateOf(event);
    dirty.add(state);
    state.at = event.at;
    countEvent({ [event.host]: state.counts }, event);
    if (event.type === 'host_started') {
      run('update host set last_seen_at = $at, agent = $agent, node = $node, attempt_error = null where name = $name',
        { at: event.at, agent: event.agent, node: event.node, name: event.host });
    } else if (event.type === 'facts') {
      run('update host set facts = $facts where name = $name', { facts: JSON.stringify(event.facts), name: event.host });
    } else if (event.type === 'inventory') {
      inventory(event.report, event.run);
    } else if (event.type === 'custody') {
      insert('custody_proof', custodyRow(event), 'or ignore');
    } else if (event.type === 'artifact') {
      run(ARTIFACT, artifactRow(event));
    } else if (event.type === 'host_unreachable') {
      settle(state, 'unreachable', errorText(event.error));
      attemptFailed(event.host, errorText(event.error));
    } else if (event.type === 'host_finished') {
      settle(state, event.status, errorText(event.error));
    } else if (event.type === 'task_finished') {
      insert('task_result', taskRow(event), 'or ignore');
      if (event.error === undefined || event.ignored) return;
      state.error = errorText(event.error);
      if (event.resource === 'inventory') attemptFailed(event.host, errorText(event.error));
    }
  }

  /** A later play of the run that went well does not hide that an earlier one did not. */
  function settle(state: HostState, status: string, error: string | null): void {
    if (state.status === 'running' || state.status === 'ok') state.status = status;
    state.error = error ?? state.error;
  }

  function attemptFailed(host: string, error: string | null): void {
    run('update host set attempt_error = $error where name = $name', { error, name: host });
  }

  function inventory(report: InventoryReport, runId: string | null): void {
    run('insert into host (name, first_seen_at) values ($name, $at) on conflict (name) do nothing', { name: report.host, at: report.at });
    insert('snapshot', { host: report.host, at: report.at, run: runId, report: JSON.stringify(report) }, 'or ignore');
    const newest = database.prepare('select max(at) as at from snapshot where host = ?').get(report.host)?.at;
    if (newest !== report.at) return;
    for (const [table, rows] of Object.entries(rowsOf(report))) {
      run(`delete from ${table} where host = $host`, { host: report.host });
      for (const row of rows) insert(table, row);
    }
    run(
      `update host set collected_at = $at, evidence = $evidence, disturbed = $disturbed, inventory_errors = $errors,
       attempt_error = null where name = $name`,
      {
        at: report.at, evidence: report.evidence, disturbed: report.disturbed === null ? null : Number(report.disturbed),
        errors: errorsOf(report).length, name: report.host,
      },
    );
  }

  return {
    inventory,
    write(event) {
      insert('event', { run: event.run, host: event.host, seq: event.seq, type: event.type, at: event.at, body: JSON.stringify(event) }, 'or ignore');
      if (event.type === 'run_started') insert('run', runRow(event), 'or ignore');
      if (event.type === 'run_finished') {
        run('update run set finished_at = $at, exit_code = $code, duration_ms = $ms where id = $run',
          { at: event.at, code: event.exitCode, ms: event.durationMs, run: event.run });
      }
      // a station's points have no host of the fleet
      if (event.type === 'benchmark') insert('benchmark_point', benchmarkRow(event), 'or ignore');
      if (event.host !== '') track(event);
    },
    writeCounts() {
      for (const state of dirty) {
        insert('run_host', { run: state.run, host: state.host, status: state.status, error: state.error, last_event_at: state.at, ...state.counts }, 'or replace');
        run('update host set last_status = $status, last_error = $error where name = $name and last_run = $run',
          { status: state.status, error: state.error, name: state.host, run: state.run });
      }
      dirty.clear();
    },
  };
}

const HOST_IN_RUN = `insert into host (name, first_seen_at, last_run) values ($name, $at, $run)
  on conflict (name) do update set last_run = $run`;

/** Equal bytes are one package, wherever they were built first. */
const ARTIFACT = `insert into artifact (sha256, name, version, architecture, format, size, build_host, built_at, inputs_sha256, log, file, run, told_at, told_run)
  values ($sha256, $name, $version, $architecture, $format, $size, $build_host, $built_at, $inputs_sha256, $log, $file, $run, $at, $run)
  on conflict (sha256) do update set told_at = max(told_at, $at), told_run = iif($at > told_at, $run, told_run)`;

function insertSql(table: string, columns: readonly string[], orElse: string): string {
  return `insert ${orElse} into ${table} (${columns.join(', ')}) values (${columns.map((column) => `$${column}`).join(', ')})`;
}

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
