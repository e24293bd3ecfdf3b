import type { BenchmarkPoint, RunEventOf } from '@hsmfleet/contract';
import type { Row, Sql } from './database.ts';

/** The row of a measured point; columns that its kind does not have are null. */
export function benchmarkRow({ run, host: source, seq, point }: RunEventOf<'benchmark'>): Row {
  const { key, module } = point;
  return {
    run, source, seq, host: point.host, kind: point.kind, at: point.at, outcome: point.outcome, problem: point.problem,
    module: module?.path ?? null, module_description: module?.description ?? null, module_version: module?.version ?? null, module_sha256: module?.sha256 ?? null,
    token: point.token, key_fingerprint: key.fingerprint, key_label: key.label, key_type: key.type, key_bits: key.bits, key_curve: key.curve,
    seconds: point.seconds, elapsed_s: point.elapsedS, failed: point.failed, rate: point.rate,
    ...(point.kind === 'siege'
      ? {
          driver: point.driver, tool: point.tool, site: point.site, port: point.port, path: point.path, engine: point.engine, mpm: point.mpm, processes: point.processes,
          tls_protocol: point.tlsProtocol, concurrency: point.concurrency, delay_s: point.delayS, resumption: point.resumption, transactions: point.transactions,
          successful: point.successful, availability: point.availability, data_mb: point.dataMB, response_s: point.responseS, throughput: point.throughput,
          reached_concurrency: point.reachedConcurrency, longest_s: point.longestS, shortest_s: point.shortestS, resumed_share: point.resumedShare,
        }
      : { algorithm: point.algorithm, sessions: point.sessions, signatures: point.signatures }),
    point: JSON.stringify(point),
  };
}

/** Every point, or those of one run, in the order in which they were measured. */
export async function readBenchmarkPoints(sql: Sql, run: string | undefined): Promise<BenchmarkPoint[]> {
  const rows = await sql.all('select point from benchmark_point where $run is null or run = $run order by at, source, seq', { run: run ?? null });
  return rows.map(({ point }) => JSON.parse(String(point)) as BenchmarkPoint);
}
