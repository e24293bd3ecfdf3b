import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildReport, parsePoints, REPORT_FORMATS, selectPoints, type ReportFile, type ReportFormat } from '@hsmfleet/benchmark-report';
import { HsmfleetError, type BenchmarkPoint } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/reporter';
import { openStore } from '@hsmfleet/store';
import { writeOutput } from './output-file.ts';

/** Options of `hsmfleet bench report`. */
export interface BenchmarkReportOptions {
  run?: string[];
  host?: string[];
  key?: string[];
  since?: string;
  points?: string;
  out: string;
  format: string;
}

/**
 * Writes a report about points of the store, or of a file.
 * @returns 0
 * @throws HsmfleetError USAGE when there are no such points or an option is wrong, FILE_MISSING, FILE_WRITE, STORE
 */
export async function reportBenchmarks(options: BenchmarkReportOptions): Promise<number> {
  const formats = parseFormats(options.format);
  const since = options.since === undefined ? undefined : parseSince(options.since);
  const all = options.points === undefined ? await readStore(options.run ?? []) : await readPoints(options.points, options.run);
  const points = selectPoints(all, { hosts: options.host, keys: options.key, since });
  if (points.length === 0) throw noPoints(all, options);
  const files = await buildReport(points, formats);
  for (const file of files) await writeReportFile(options.out, file);
  const shown = files.filter(({ path }) => !path.includes('/'));
  const pictures = files.length - shown.length;
  for (const { path } of shown) process.stdout.write(`${printable(join(options.out, path))}\n`);
  if (pictures > 0) process.stdout.write(`${printable(join(options.out, 'plots'))} (${String(pictures)} ${pictures === 1 ? 'file' : 'files'})\n`);
  return 0;
}

function parseFormats(list: string): Set<ReportFormat> {
  const words = list.split(',').map((word) => word.trim()).filter((word) => word !== '');
  const unknown = words.filter((word) => !(REPORT_FORMATS as readonly string[]).includes(word));
  if (unknown.length > 0 || words.length === 0) {
    throw new HsmfleetError('USAGE', unknown.length > 0 ? `--format does not know ${unknown.map((word) => `"${word}"`).join(', ')}` : '--format is empty', { hint: `it takes any of ${REPORT_FORMATS.join(', ')}, separated by commas` });
  }
  return new Set(words as ReportFormat[]);
}

/** ISO 8601 only: other spellings of dates are read differently by different people. */
function parseSince(given: string): Date {
  const date = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?$/.test(given) ? new Date(given) : new Date(NaN);
  if (Number.isNaN(date.getTime())) throw new HsmfleetError('USAGE', `--since wants a date, not "${given}"`, { hint: 'write 2026-01-31, or a time such as 2026-01-31T12:00Z' });
  return date;
}

async function readStore(runs: readonly string[]): Promise<BenchmarkPoint[]> {
  const store = await openStore();
  try {
    return runs.length === 0 ? await store.benchmarkPoints() : (await Promise.all(runs.map((run) => store.benchmarkPoints(run)))).flat();
  } finally {
    await store.close();
  }
}

async function readPoints(file: string, runs: readonly string[] | undefined): Promise<BenchmarkPoint[]> {
  if (runs !== undefined) throw new HsmfleetError('USAGE', '--run goes with the store, not with --points', { hint: 'points in a file do not tell from which run they are' });
  if (file === '-') return parsePoints(await text(process.stdin), 'standard input');
  try {
    return parsePoints(await readFile(file, 'utf8'), file);
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    throw new HsmfleetError('FILE_MISSING', `cannot read ${file}: ${(thrown as Error).message}`, { hint: 'is the name right?', cause: thrown });
  }
}

function noPoints(all: readonly BenchmarkPoint[], options: BenchmarkReportOptions): HsmfleetError {
  const where = options.points ?? 'the store';
  if (all.length === 0) {
    const run = options.run === undefined ? '' : ` of run ${options.run.join(', ')}`;
    return new HsmfleetError('USAGE', `there are no benchmark points${run} in ${where}`, {
      hint: options.run === undefined ? 'measure first: hsmfleet bench run -i hosts.yml HOST' : 'hsmfleet query "select distinct run, host from benchmark_points" tells which runs have some',
    });
  }
  const hosts = [...new Set(all.map(({ host }) => host))].slice(0, 8).join(', ');
  const keys = [...new Set(all.flatMap(({ key }) => key.label ?? key.fingerprint?.slice(0, 8) ?? []))].slice(0, 8).join(', ');
  return new HsmfleetError('USAGE', `none of the ${String(all.length)} benchmark points in ${where} matches --host, --key and --since`, {
    hint: `there are points of the hosts ${hosts}, with the keys ${keys === '' ? 'unknown' : keys}, the newest of ${all.reduce((last, { at }) => (at > last ? at : last), '')}`,
  });
}

/** A file is there in full or as it was before. */
async function writeReportFile(folder: string, { path, content }: ReportFile): Promise<void> {
  const file = join(folder, path);
  const writeHint = 'choose another folder with --out';
  await makeFolder(dirname(file)).catch((thrown: unknown) => {
    throw new HsmfleetError('FILE_WRITE', `cannot write ${file}: ${(thrown as Error).message}`, { hint: writeHint, cause: thrown });
  });
  await writeOutput(file, { force: true, writeHint }, () => Promise.resolve({ contents: content }));
}

/** Node's own way with parents never ends where the system answers that a parent is missing which is there, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw thrown;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}
