import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { elementsOf } from './filters/collections.ts';
import { formatText } from './format-text.ts';
import { isMapping, OperationFailure, typeName, type Mapping, type Operand } from './operand.ts';
import { truthy } from './operators.ts';
import { toText } from './represent.ts';
import { conceal, reveal } from './taint.ts';

/** The global functions that run a lookup. Variables cannot take their names. */
export const LOOKUP_FUNCTIONS: ReadonlySet<string> = new Set(['lookup', 'query', 'q']);

/** What is done with a lookup's results besides finding them. */
export interface LookupRequest {
  name: string;
  args: Operand[];
  options: Mapping;
  /** Give the list itself, however many results there are. */
  wantList: boolean;
  /** A failure counts as nothing found. */
  lenient: boolean;
}

/** @throws OperationFailure when the name of the lookup is missing or no text */
export function lookupRequest(fn: string, args: Operand[], named: Mapping): LookupRequest {
  const [name, ...rest] = args;
  if (typeof name !== 'string') throw new OperationFailure(`${fn}() takes the name of a lookup first`, `as in ${fn}('file', 'motd')`);
  const { wantlist, errors, ...options } = named;
  const how = toText(errors ?? 'strict');
  if (!['strict', 'ignore', 'warn'].includes(how)) throw new OperationFailure('errors of a lookup is one of strict, warn and ignore');
  return {
    name: name.replace(/^ansible\.(?:builtin|legacy)\./, ''),
    args: rest,
    options,
    wantList: fn !== 'lookup' || truthy(wantlist ?? false),
    lenient: how !== 'strict',
  };
}

/** Runs a lookup and gives its results the shape that was asked for. */
export function runLookup(request: LookupRequest, find: (request: LookupRequest) => Operand[]): Operand {
  let found: Operand[];
  try {
    found = find(request);
  } catch (thrown) {
    if (!request.lenient || !(thrown instanceof HsmfleetError || thrown instanceof OperationFailure)) throw thrown;
    return request.wantList ? [] : null;
  }
  if (request.wantList) return found;
  if (found.every((item) => typeof item === 'string' || item instanceof Secret)) {
    const { value, origin } = reveal(found);
    return conceal((value as string[]).join(','), origin);
  }
  return found.length === 1 ? (found[0] as Operand) : found;
}

/** `start`, `end` or `count`, `stride` and `format` of the lookup "sequence"; the results are texts. */
function sequence(given: Mapping): Operand[] {
  const [start, stride] = [Number(given.start ?? 1), Number(given.stride ?? 1)];
  const end = given.end === undefined ? start + (Number(given.count) - 1) * stride : Number(given.end);
  if (![start, end, stride].every(Number.isInteger) || stride === 0) throw new OperationFailure('the lookup "sequence" takes start, end or count, and stride as whole numbers', 'as in "start=1 end=3 format=web%02d"');
  const count = Math.floor((end - start) / stride) + 1;
  if (count > 100_000) throw new OperationFailure('the lookup "sequence" makes at most 100000 elements');
  return Array.from({ length: Math.max(0, count) }, (_, index) => formatText(toText(given.format ?? '%d'), [start + index * stride]));
}

/** Lookups that compute on their arguments alone: they need no control host. */
export const PURE_LOOKUPS: Record<string, ((args: Operand[], options: Mapping) => Operand[]) | undefined> = Object.assign(
  Object.create(null) as Record<string, (args: Operand[], options: Mapping) => Operand[]>,
  {
    items: (args: Operand[]) => args.flatMap((arg) => (Array.isArray(arg) ? arg : [arg])),
    list: (args: Operand[]) => args,
    together: (args: Operand[]) => {
      const lists = args.map((arg) => elementsOf(arg));
      return Array.from({ length: Math.max(0, ...lists.map((list) => list.length)) }, (_, index) => lists.map((list) => list[index] ?? null));
    },
    nested: (args: Operand[]) => args.map((arg) => elementsOf(arg)).reduce<Operand[][]>((made, list) => made.flatMap((head) => list.map((item) => [...head, item])), [[]]),
    sequence: (args: Operand[], options: Mapping) => args.length === 0 ? sequence(options) : args.flatMap((arg) => sequence(Object.fromEntries([...toText(arg).matchAll(/(\w+)=(\S+)/g)].map((found) => [found[1] as string, found[2] as string])))),
    indexed_items: (args: Operand[]) => args.flatMap((arg) => elementsOf(arg)).map((item, index) => [index, item]),
    dict: (args: Operand[]) =>
      args.flat().flatMap((arg) => {
        if (!isMapping(arg)) throw new OperationFailure(`the lookup "dict" needs a mapping, not ${typeName(arg)}`);
        return Object.entries(arg).map(([key, value]) => ({ key, value }));
      }),
  },
);
