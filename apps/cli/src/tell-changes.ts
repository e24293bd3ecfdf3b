import { HsmfleetError } from '@hsmfleet/contract';
import { printableJson } from '@hsmfleet/reporter';
import { openStore, parseInstant, VIEWS, type InventoryChange } from '@hsmfleet/store';
import { formatAnswer, type AnswerFormat } from './answer-query.ts';

/** Options of `hsmfleet changes`. */
export interface TellChangesOptions {
  from: string;
  to?: string;
  host?: string[];
  kind?: string[];
  format: AnswerFormat;
}

const WEEK_MS = 7 * 86_400_000;

/**
 * Prints what inventories saw change between two instants: a line for each column that became different.
 * @returns 0
 * @throws HsmfleetError USAGE, STORE
 */
export async function tellChanges(options: TellChangesOptions): Promise<number> {
  const to = options.to === undefined ? new Date() : parseInstant(options.to, 'end', '--to');
  const from = options.from === 'a week ago' ? new Date(to.getTime() - WEEK_MS) : parseInstant(options.from, 'start', '--from');
  if (from >= to) throw new HsmfleetError('USAGE', `--from (${from.toISOString()}) is not before --to (${to.toISOString()})`);
  const unknown = options.kind?.find((kind) => !VIEWS.some(({ name }) => name === kind));
  if (unknown !== undefined) throw new HsmfleetError('USAGE', `--kind names no view: "${unknown}"`, { hint: 'hsmfleet query --views lists them; those of runs and checks have no changes of their own' });
  const store = await openStore();
  try {
    const changes = (await store.changes({ from, to, hosts: options.host })).filter(({ kind }) => options.kind?.includes(kind) ?? true);
    process.stdout.write(options.format === 'json' ? `${printableJson(changes)}\n` : await formatAnswer({ columns: COLUMNS, rows: changes.flatMap(linesOf), truncated: false }, options.format));
    if (changes.length === 0) process.stderr.write(`no inventory saw anything change from ${from.toISOString()} to ${to.toISOString()}\n`);
    return 0;
  } finally {
    await store.close();
  }
}

const COLUMNS = ['at', 'host', 'kind', 'what', 'change', 'column', 'before', 'after'];

/** One line for something that came or went, one for each column that is different. */
function linesOf({ at, host, kind, what, change, before, after }: InventoryChange): (string | number | null)[][] {
  const of = [at, host, kind, what, change];
  if (before === null || after === null) return [[...of, null, null, null]];
  return Object.keys(after).filter((name) => before[name] !== after[name]).map((name) => [...of, name, before[name] ?? null, after[name] ?? null]);
}
