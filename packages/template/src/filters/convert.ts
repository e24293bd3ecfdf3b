import { defined, OperationFailure, typeName, Undefined, type Operand } from '../operand.ts';
import { truthy } from '../operators.ts';
import { toText } from '../represent.ts';
import { holds } from '../taint.ts';
import { toJson } from '../to-json.ts';
import { argument, computing, handing, type Filter, type FilterCall } from './filter.ts';

function toInteger(input: Operand, call: FilterCall): Operand {
  const fallback = argument(call, 0, 'default') ?? 0;
  const base = argument(call, 1, 'base') ?? 10;
  if (typeof input === 'boolean' || typeof input === 'number') return Math.trunc(Number(input));
  if (typeof input !== 'string' || typeof base !== 'number') return fallback;
  const text = input.trim().replaceAll('_', '');
  if (base === 10) return /^[-+]?\d+(\.\d*)?$/.test(text) ? Math.trunc(Number(text)) : fallback;
  const number = Number.parseInt(text.replace(/^0[xob]/i, ''), base);
  return Number.isNaN(number) ? fallback : number;
}

function toFloat(input: Operand, call: FilterCall): Operand {
  if (typeof input === 'boolean' || typeof input === 'number') return Number(input);
  return typeof input === 'string' && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(input) ? Number(input) : (argument(call, 0, 'default') ?? 0);
}

function orDefault(input: Operand, call: FilterCall): Operand {
  const fallback = argument(call, 0, 'default_value') ?? '';
  if (input instanceof Undefined) return fallback;
  return truthy(argument(call, 1, 'boolean') ?? false) && !holds(input) ? fallback : input;
}

function fromJson(input: Operand): Operand {
  try {
    return JSON.parse(toText(input)) as Operand;
  } catch {
    // the parser's message quotes the text, which may be secret
    throw new OperationFailure('from_json: the text is not JSON');
  }
}

/** Python rounds halves to the even neighbour. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

function round(input: Operand, call: FilterCall): Operand {
  const scale = 10 ** Number(argument(call, 0, 'precision') ?? 0);
  const method = toText(argument(call, 1, 'method') ?? 'common');
  const by = { common: roundHalfEven, ceil: Math.ceil, floor: Math.floor }[method];
  if (by === undefined || typeof input !== 'number') throw new OperationFailure(`round cannot use ${typeName(input)} that way`);
  return by(input * scale) / scale;
}

const orD: Filter = { opaque: true, lenient: true, run: orDefault };

/** Filters that change a value's type, or choose between values. */
export const CONVERT_FILTERS: Record<string, Filter> = {
  default: orD,
  d: orD,
  mandatory: {
    opaque: true,
    lenient: true,
    run(input, call) {
      if (!(input instanceof Undefined)) return input;
      const message = argument(call, 0, 'msg');
      throw message === undefined ? input.error : new OperationFailure(toText(message));
    },
  },
  ternary: handing((input, call) => {
    const none = argument(call, 2, 'none_val');
    if (input === null && none !== undefined) return none;
    return defined((holds(input) ? argument(call, 0, 'true_val') : argument(call, 1, 'false_val')) ?? null);
  }),
  bool: computing((input) => (typeof input === 'string' ? ['yes', 'on', '1', 'true', 'y', 't'].includes(input.toLowerCase()) : input === true || input === 1)),
  int: computing(toInteger),
  float: computing(toFloat),
  string: computing((input) => (input === null ? 'None' : toText(input))),
  abs: computing((input) => Math.abs(Number(input))),
  round: computing(round),
  to_json: computing((input, call) => toJson(input, { sortKeys: truthy(call.named.sort_keys ?? false), ascii: truthy(call.named.ensure_ascii ?? true) })),
  to_nice_json: computing((input, call) =>
    toJson(input, { indent: Number(argument(call, 0, 'indent') ?? 4), sortKeys: truthy(call.named.sort_keys ?? true), ascii: truthy(call.named.ensure_ascii ?? true) }),
  ),
  from_json: computing(fromJson),
  type_debug: handing((input) => typeName(input)),
};
