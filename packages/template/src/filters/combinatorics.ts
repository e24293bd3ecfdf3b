import { defined, isMapping, OperationFailure, typeName, Undefined, type Operand } from '../operand.ts';
import { equals, truthy } from '../operators.ts';
import { reveal } from '../taint.ts';
import { elementsOf } from './collections.ts';
import { argument, handing, type Filter, type FilterCall } from './filter.ts';

/** Longest list that a filter makes: the product of a few lists fills the memory of a host. */
const LIMIT = 100_000;

const onList = (run: (items: Operand[], call: FilterCall) => Operand): Filter => handing((input, call) => run(elementsOf(input), call));

function limited(list: Operand[]): Operand[] {
  if (list.length > LIMIT) throw new OperationFailure(`the list would have more than ${String(LIMIT)} elements`);
  return list;
}

function product(lists: Operand[][]): Operand[][] {
  return lists.reduce<Operand[][]>((made, list) => limited(made.flatMap((head) => list.map((item) => [...head, item]))) as Operand[][], [[]]);
}

/** Every way to take some of the elements; `again` says which may follow after one was taken. */
function chosen(items: Operand[], count: number, rest: (at: number) => number[]): Operand[] {
  const out: Operand[] = [];
  const pick = (taken: number[], choices: number[]): void => {
    if (out.length > LIMIT) limited(out);
    if (taken.length === count) out.push(taken.map((at) => items[at] as Operand));
    else for (const at of choices) pick([...taken, at], rest(at).filter((next) => !taken.includes(next) && next !== at));
  };
  pick([], items.map((_, index) => index));
  return out;
}

function zipLongest(items: Operand[], call: FilterCall): Operand {
  const lists = [items, ...call.args.map(elementsOf)];
  const fill = call.named.fillvalue ?? null;
  return Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, index) => lists.map((list) => list[index] ?? fill));
}

function batch(items: Operand[], call: FilterCall): Operand {
  const size = sizeOf(argument(call, 0, 'linecount'));
  const fill = argument(call, 1, 'fill_with');
  const out: Operand[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  const last = out.at(-1);
  while (fill !== undefined && fill !== null && last !== undefined && last.length < size) last.push(fill);
  return out;
}

function slice(items: Operand[], call: FilterCall): Operand {
  const count = sizeOf(argument(call, 0, 'slices'));
  const fill = argument(call, 1, 'fill_with');
  const [each, more] = [Math.floor(items.length / count), items.length % count];
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const length = each + (index < more ? 1 : 0);
    const part = items.slice(at, (at += length));
    return fill !== undefined && fill !== null && index >= more && more > 0 ? [...part, fill] : part;
  });
}

function sizeOf(value: Operand | undefined): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new OperationFailure('the filter takes how many, a whole number above 0');
}

/** Each element beside each entry of a list inside of it. */
function subelements(input: Operand, call: FilterCall): Operand {
  const path = argument(call, 0, 'subelements');
  const lenient = truthy(argument(call, 1, 'skip_missing') ?? false);
  const keys = typeof path === 'string' ? path.split('.') : Array.isArray(path) ? path : undefined;
  if (keys === undefined) throw new OperationFailure('subelements takes the name of the list inside', "as in users | subelements('keys')");
  const elements = isMapping(input) ? Object.values(input) : elementsOf(input);
  return elements.flatMap((element) => {
    let inner: Operand = element;
    for (const key of keys) if (!(inner instanceof Undefined)) inner = call.member(inner, key);
    if (inner instanceof Undefined && lenient) return [];
    const list = defined(inner);
    if (!Array.isArray(list)) throw new OperationFailure(`subelements needs a list inside, not ${typeName(list)}`);
    return list.map((each) => [element, each]);
  });
}

function symmetricDifference(items: Operand[], call: FilterCall): Operand {
  const others = elementsOf(call.args[0] ?? []);
  const missing = (from: Operand[], item: Operand): boolean => !from.some((each) => equals(reveal(each).value, reveal(item).value));
  const all = [...items.filter((item) => missing(others, item)), ...others.filter((item) => missing(items, item))];
  return all.filter((item, index) => missing(all.slice(0, index), item));
}

/** Filters that put elements together anew. */
export const COMBINATION_FILTERS: Record<string, Filter> = {
  product: onList((items, call) => {
    const lists = [items, ...call.args.map(elementsOf)];
    return product(Array.from({ length: Number(call.named.repeat ?? 1) }, () => lists).flat());
  }),
  permutations: onList((items, call) => {
    const all = items.map((_, index) => index);
    return chosen(items, Number(argument(call, 0, 'r') ?? items.length), () => all);
  }),
  combinations: onList((items, call) => {
    const all = items.map((_, index) => index);
    return chosen(items, sizeOf(call.args[0]), (at) => all.slice(at + 1));
  }),
  zip_longest: onList(zipLongest),
  batch: onList(batch),
  slice: onList(slice),
  subelements: handing(subelements),
  symmetric_difference: onList(symmetricDifference),
};
