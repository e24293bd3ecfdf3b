import { isMapping, OMIT, OperationFailure, type Mapping, type Operand } from './operand.ts';

/** Longest list that `range` makes: a typing mistake must not eat a host's memory. */
const RANGE_LIMIT = 100_000;
const namespaces = new WeakSet<object>();

/** True for what `namespace()` made: the only thing whose attributes `set` may change. */
export function isNamespace(value: Operand): value is Mapping {
  return isMapping(value) && namespaces.has(value);
}

function range(args: Operand[]): Operand {
  if (args.length === 0 || args.some((arg) => typeof arg !== 'number')) throw new OperationFailure('range() takes integers');
  const [first, second, step = 1] = args as number[];
  const [from, to] = second === undefined ? [0, first as number] : [first as number, second];
  if (step === 0) throw new OperationFailure('the step of range() cannot be zero');
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > RANGE_LIMIT) throw new OperationFailure(`range() makes at most ${String(RANGE_LIMIT)} numbers`);
  return Array.from({ length: count }, (_, index) => from + index * step);
}

function namespace(_args: Operand[], named: Mapping): Operand {
  const made = { ...named };
  namespaces.add(made);
  return made;
}

function uncalledLookup(): never {
  throw new OperationFailure('a lookup can only be called by its own name');
}

/** A list of pairs as a mapping. */
function fromPairs(pairs: Operand[]): Mapping {
  return Object.fromEntries(pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new OperationFailure('dict() takes a mapping, or a list of pairs');
    return [String(pair[0]), pair[1] as Operand];
  }));
}

/** Names that every template knows. Variables of the same name win. */
export const GLOBALS: Record<string, Operand> = {
  true: true, True: true, false: false, False: false, none: null, None: null,
  omit: OMIT,
  range,
  namespace,
  dict: ([first = null], named) => ({ ...(Array.isArray(first) ? fromPairs(first) : isMapping(first) ? first : {}), ...named }),
  lookup: uncalledLookup, query: uncalledLookup, q: uncalledLookup,
};
