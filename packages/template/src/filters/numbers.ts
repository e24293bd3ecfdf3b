import { OperationFailure, typeName, type Operand } from '../operand.ts';
import { truthy } from '../operators.ts';
import { PythonRandom } from '../python-random.ts';
import { toText } from '../represent.ts';
import { argument, computing, type Filter, type FilterCall } from './filter.ts';
import { elementsOf } from './collections.ts';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

function numberOf(input: Operand, filter: string): number {
  if (typeof input === 'number' || typeof input === 'boolean') return Number(input);
  throw new OperationFailure(`${filter} needs a number, not ${typeName(input)}`, 'convert with | int or | float');
}

function humanReadable(input: Operand, call: FilterCall): string {
  const bits = truthy(argument(call, 0, 'isbits') ?? false);
  const unit = argument(call, 1, 'unit');
  const size = numberOf(typeof input === 'string' && /^\d+$/.test(input) ? Number(input) : input, 'human_readable');
  const wanted = typeof unit === 'string' ? UNITS.indexOf(unit.charAt(0).toUpperCase()) : UNITS.findLastIndex((_, power) => power > 0 && size >= 1024 ** power);
  const power = Math.max(wanted, 0);
  const base = bits ? 'bits' : 'Bytes';
  const suffix = power === 0 ? base : `${UNITS[power] ?? ''}${base.charAt(0).toLowerCase() === 'b' && bits ? 'b' : 'B'}`;
  return `${(size / 1024 ** power).toFixed(2)} ${suffix}`;
}

function humanToBytes(input: Operand, call: FilterCall): number {
  const fallback = argument(call, 0, 'default_unit');
  const bits = truthy(argument(call, 1, 'isbits') ?? false);
  const found = /^\s*(\d*\.?\d*)\s*([A-Za-z]+)?\s*$/.exec(toText(input));
  const unit = found?.[2] ?? (fallback === undefined || fallback === null ? '' : toText(fallback));
  const power = UNITS.indexOf(unit === '' || /^(?:b|byte|bytes|bit|bits)$/i.test(unit) ? '' : unit.charAt(0).toUpperCase());
  const known = bits ? /^(?:.?b|.?bits?|bits?)$/ : /^(?:.?B|.?bytes?|.)$/i;
  if (found === null || found[1] === '' || power < 0 || (unit !== '' && !known.test(unit) && !/^[A-Z]$/i.test(unit))) {
    throw new OperationFailure('human_to_bytes cannot read the size', 'as in "2 MB" or "512K"');
  }
  return Math.round(Number(found[1]) * 1024 ** power);
}

function fileSize(input: Operand, call: FilterCall): string {
  const bytes = Number(input);
  const binary = truthy(argument(call, 0, 'binary') ?? false);
  const base = binary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${String(Math.trunc(bytes))} Bytes`;
  const names = binary ? ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'] : ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
  const power = Math.max(1, names.findIndex((_, index) => bytes < base ** (index + 2)) + 1);
  return `${(bytes / base ** power).toFixed(1)} ${names[power - 1] ?? ''}`;
}

/** The generator of a seed; a run must be repeatable, so there is none without. */
function seeded(call: FilterCall, filter: string, at: number): PythonRandom {
  const seed = call.named.seed ?? call.args[at];
  if (typeof seed === 'string' || (typeof seed === 'number' && Number.isInteger(seed))) return new PythonRandom(seed);
  throw new OperationFailure(`${filter} without a seed gives another value in each run`, `give a seed that stays, as in | ${filter}(seed=inventory_hostname)`);
}

function random(input: Operand, call: FilterCall): Operand {
  const generator = seeded(call, 'random', 2);
  const [start, step] = [argument(call, 0, 'start') ?? 0, argument(call, 1, 'step') ?? 1];
  if (typeof input === 'number') {
    if (typeof start !== 'number' || typeof step !== 'number' || step <= 0) throw new OperationFailure('start and step of random are numbers');
    const width = Math.ceil((input - start) / step);
    if (width <= 0) throw new OperationFailure('random has nothing to choose from');
    return start + step * generator.below(width);
  }
  const items = elementsOf(input);
  if (items.length === 0) throw new OperationFailure('random has nothing to choose from');
  return items[generator.below(items.length)] as Operand;
}

function shuffle(input: Operand, call: FilterCall): Operand {
  const generator = seeded(call, 'shuffle', 0);
  const items = [...elementsOf(input)];
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = generator.below(at + 1);
    [items[at], items[other]] = [items[other] as Operand, items[at] as Operand];
  }
  return items;
}

/** Filters over numbers and sizes. */
export const NUMBER_FILTERS: Record<string, Filter> = {
  pow: computing((input, call) => numberOf(input, 'pow') ** numberOf(argument(call, 0, 'y') ?? 1, 'pow')),
  log: computing((input, call) => {
    const [value, base] = [numberOf(input, 'log'), numberOf(argument(call, 0, 'base') ?? Math.E, 'log')];
    return base === 10 ? Math.log10(value) : base === 2 ? Math.log2(value) : Math.log(value) / Math.log(base);
  }),
  root: computing((input, call) => {
    const base = numberOf(argument(call, 0, 'base') ?? 2, 'root');
    return base === 2 ? Math.sqrt(numberOf(input, 'root')) : numberOf(input, 'root') ** (1 / base);
  }),
  human_readable: computing(humanReadable),
  human_to_bytes: computing(humanToBytes),
  filesizeformat: computing(fileSize),
  random: computing(random),
  shuffle: computing(shuffle),
};
