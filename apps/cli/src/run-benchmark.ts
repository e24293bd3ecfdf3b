import { fileURLToPath } from 'node:url';
import { HsmfleetError, type BenchmarkPoint, type Value } from '@hsmfleet/contract';
import type { FleetOptions } from './fleet-options.ts';
import { loadFromControl, needSiege } from './load-from-control.ts';
import { runPlaybook } from './run-playbook.ts';

/** Options of `bench run`. */
export interface BenchmarkOptions extends FleetOptions {
  concurrency: string;
  seconds: string;
  delay: string;
  path?: string[];
  site?: string;
  mpm: string;
  resumption: 'full' | 'resumed' | 'both';
  crossCheck?: true;
  from: 'webserver' | 'control';
  deadline?: string;
  patience: string;
  allowProduction?: true;
}

/** The playbook that the project ships; a link beside the sources and the built program alike. */
const PLAY = fileURLToPath(new URL('../plays/benchmark.yml', import.meta.url));

/**
 * Measures the sites of hosts, stores the points, and prints them as they come.
 * @returns the exit code: that of the run, or 2 when no point could be measured
 * @throws HsmfleetError USAGE, and what a run throws
 */
export async function runBenchmark(options: BenchmarkOptions, pattern: string | undefined): Promise<number> {
  const vars = benchmarkVars(options);
  if (options.from === 'control' && options.resumption !== 'resumed') await needSiege();
  const points: BenchmarkPoint[] = [];
  const code = await runPlaybook({
    playbook: PLAY, fleet: options, limit: pattern, check: false, diff: false, vars, results: options.json === true ? process.stderr : process.stdout,
    async afterwards(run) {
      points.push(...run.events.flatMap((event) => (event.type === 'benchmark' ? [event.point] : [])));
      if (options.from === 'control') points.push(...(await loadFromControl(run, options)));
    },
  });
  const count = (outcome: BenchmarkPoint['outcome']): number => points.filter((point) => point.outcome === outcome).length;
  process.stderr.write(`${String(count('measured'))} points measured, ${String(count('hung'))} hung, ${String(count('unhealthy'))} not begun; hsmfleet bench report shows them\n`);
  return code === 0 && count('measured') === 0 ? 2 : code;
}

/** @throws HsmfleetError USAGE */
function benchmarkVars(options: BenchmarkOptions): Record<string, Value> {
  const models = listOf(options.mpm);
  const unknown = models.find((name) => !['current', 'prefork', 'one-process'].includes(name));
  if (unknown !== undefined) throw new HsmfleetError('USAGE', `--mpm knows current, prefork and one-process, not "${unknown}"`);
  if (options.from === 'control' && models.some((name) => name !== 'current')) {
    throw new HsmfleetError('USAGE', '--mpm goes with load from the webserver', { hint: 'set the process model with the resource apache_mpm, then measure --from control' });
  }
  const bad = (options.path ?? []).find((path) => !/^\/\S*$/.test(path));
  if (bad !== undefined) throw new HsmfleetError('USAGE', `--path wants a path that begins with /, not "${bad}"`);
  return {
    benchmark_allow_production: options.allowProduction === true,
    benchmark_concurrency: listOf(options.concurrency).map((word) => numberOf('--concurrency', word, 1)),
    benchmark_seconds: numberOf('--seconds', options.seconds, 1),
    benchmark_delay: numberOf('--delay', options.delay, 0),
    benchmark_process_models: models,
    benchmark_resumption: options.resumption,
    benchmark_cross_check: options.crossCheck === true,
    benchmark_patience: numberOf('--patience', options.patience, 0),
    benchmark_load_from: options.from,
    ...(options.path === undefined ? {} : { benchmark_paths: options.path }),
    ...(options.site === undefined ? {} : { benchmark_server_name: options.site }),
    ...(options.deadline === undefined ? {} : { benchmark_deadline: numberOf('--deadline', options.deadline, 1) }),
  };
}

function listOf(text: string): string[] {
  return text.split(',').map((word) => word.trim()).filter((word) => word !== '');
}

function numberOf(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least) throw new HsmfleetError('USAGE', `${option} wants a number from ${String(least)} up, not "${text}"`);
  return value;
}
