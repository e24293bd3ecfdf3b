import { Secret } from '@hsmfleet/contract';
import { defined, isMapping, OperationFailure, typeName, Undefined, type Mapping, type Operand } from '../operand.ts';
import { compare, equals, truthy } from '../operators.ts';
import { toText } from '../represent.ts';
import { conceal, reveal } from '../taint.ts';
import { argument, handing, type Filter, type FilterCall } from './filter.ts';

/** The elements of something that can be iterated, as Python iterates it. Secrets inside stay secrets. */
export function elementsOf(value: Operand): Operand[] {
  if (Array.isArray(value)) return value;
  if (isMapping(value)) return Object.keys(value);
  const { value: text, origin } = reveal(value);
  if (typeof text === 'string') return [...text].map((char) => conceal(char, origin));
  throw new OperationFailure(`${typeName(value)} is not a list`);
}

const onList = (run: (items: Operand[], call: FilterCall) => Operand): Filter => handing((input, call) => run(elementsOf(input), call));

/** Follows a dotted path. */
function follow(call: FilterCall, target: Operand, path: Operand): Operand {
  if (typeof path !== 'string') return call.member(target, path);
  return path.split('.').reduce<Operand>((value, part) => (value instanceof Undefined ? value : call.member(value, /^\d+$/.test(part) ? Number(part) : part)), target);
}

function keyOf(call: FilterCall, attribute: Operand | undefined): (item: Operand) => Operand {
  return (item) => reveal(defined(attribute === undefined ? item : follow(call, item, attribute))).value;
}

function sameItem(a: Operand, b: Operand): boolean {
  return equals(reveal(a).value, reveal(b).value);
}

function withoutRepeats(items: Operand[], key: (item: Operand) => Operand = (item) => reveal(item).value): Operand[] {
  const seen: Operand[] = [];
  return items.filter((item) => {
    const value = key(item);
    if (seen.some((known) => equals(known, value))) return false;
    seen.push(value);
    return true;
  });
}

function map(items: Operand[], call: FilterCall): Operand {
  const attribute = call.named.attribute;
  const [filter, ...rest] = call.args;
  if (attribute === undefined) return items.map((item) => call.apply(toText(filter ?? ''), item, rest));
  return items.map((item) => {
    const value = follow(call, item, attribute);
    return value instanceof Undefined && call.named.default !== undefined ? call.named.default : value;
  });
}

function choose(items: Operand[], call: FilterCall, wanted: boolean, byAttribute: boolean): Operand {
  const [attribute, test, ...rest]: (Operand | undefined)[] = byAttribute ? call.args : [undefined, ...call.args];
  return items.filter((item) => {
    const value = attribute === undefined ? item : follow(call, item, attribute);
    const holds = test === undefined ? truthy(reveal(defined(value)).value) : call.check(toText(test), value, rest as Operand[]);
    return holds === wanted;
  });
}

function extreme(items: Operand[], call: FilterCall, sign: number): Operand {
  const key = keyOf(call, call.named.attribute);
  if (items.length === 0) throw new OperationFailure('the list is empty');
  return items.reduce((best, item) => (compare(key(item), key(best)) * sign > 0 ? item : best));
}

function sort(items: Operand[], call: FilterCall): Operand {
  const reverse = truthy(argument(call, 0, 'reverse') ?? false);
  const caseSensitive = truthy(argument(call, 1, 'case_sensitive') ?? false);
  const key = keyOf(call, argument(call, 2, 'attribute'));
  const folded = (item: Operand): Operand => {
    const value = key(item);
    return typeof value === 'string' && !caseSensitive ? value.toLowerCase() : value;
  };
  const sorted = [...items].sort((a, b) => compare(folded(a), folded(b)));
  return reverse ? sorted.reverse() : sorted;
}

function combine(input: Operand, call: FilterCall): Operand {
  const recursive = truthy(call.named.recursive ?? false);
  const lists = toText(call.named.list_merge ?? 'replace');
  return [input, ...call.args].flat().reduce<Mapping>((merged, each) => {
    if (!isMapping(each)) throw new OperationFailure(`combine needs mappings, not ${typeName(each)}`);
    return merge(merged, each, recursive, lists);
  }, {});
}

function merge(base: Mapping, over: Mapping, recursive: boolean, lists: string): Mapping {
  const out: Mapping = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = Object.hasOwn(base, key) ? (base[key] as Operand) : undefined;
    if (recursive && old !== undefined && isMapping(old) && isMapping(value)) out[key] = merge(old, value, true, lists);
    else if (Array.isArray(old) && Array.isArray(value)) out[key] = mergeLists(old, value, lists);
    else out[key] = value;
  }
  return out;
}

/** @throws OperationFailure for a way that does not exist */
function mergeLists(old: Operand[], value: Operand[], how: string): Operand[] {
  const without = (items: Operand[], others: Operand[]): Operand[] => items.filter((item) => !others.some((other) => sameItem(item, other)));
  switch (how) {
    case 'replace': return value;
    case 'keep': return old;
    case 'append': return [...old, ...value];
    case 'prepend': return [...value, ...old];
    case 'append_rp': return [...without(old, value), ...value];
    case 'prepend_rp': return [...value, ...without(old, value)];
    default: throw new OperationFailure('combine has no such list_merge', 'it is replace, keep, append, prepend, append_rp or prepend_rp');
  }
}

function flatten(items: Operand[], levels: number, skipNulls: boolean): Operand[] {
  return items.flatMap((item) => (Array.isArray(item) ? (levels > 1 ? flatten(item, levels - 1, skipNulls) : item) : [item])).filter((item) => !skipNulls || item !== null);
}

function join(items: Operand[], call: FilterCall): Operand {
  const attribute = argument(call, 1, 'attribute');
  const { value, origin } = reveal(items.map((item) => (attribute === undefined ? item : follow(call, item, attribute))));
  const separator = reveal(argument(call, 0, 'd') ?? '');
  return conceal((value as Operand[]).map(toText).join(toText(separator.value)), origin ?? separator.origin);
}

/** Filters over lists and mappings. They hand elements on, so that a secret among them stays one. */
export const COLLECTION_FILTERS: Record<string, Filter> = {
  map: onList(map),
  select: onList((items, call) => choose(items, call, true, false)),
  reject: onList((items, call) => choose(items, call, false, false)),
  selectattr: onList((items, call) => choose(items, call, true, true)),
  rejectattr: onList((items, call) => choose(items, call, false, true)),
  list: onList((items) => [...items]),
  join: onList(join),
  first: onList((items, call) => (items.length === 0 ? call.member(items, 0) : (items[0] as Operand))),
  last: onList((items, call) => (items.length === 0 ? call.member(items, 0) : (items.at(-1) as Operand))),
  unique: onList((items, call) => {
    const key = keyOf(call, argument(call, 1, 'attribute'));
    const exact = truthy(argument(call, 0, 'case_sensitive') ?? false);
    return withoutRepeats(items, (item) => {
      const value = key(item);
      return !exact && typeof value === 'string' ? value.toLowerCase() : value;
    });
  }),
  sort: onList(sort),
  reverse: handing((input) => (Array.isArray(input) ? [...input].reverse() : conceal([...toText(reveal(input).value)].reverse().join(''), reveal(input).origin))),
  min: onList((items, call) => extreme(items, call, -1)),
  max: onList((items, call) => extreme(items, call, 1)),
  sum: onList((items, call) => {
    const start = argument(call, 1, 'start') ?? 0;
    const key = keyOf(call, argument(call, 0, 'attribute'));
    if (Array.isArray(start)) return [...start, ...items.flatMap((item) => elementsOf(item))];
    const { origin } = reveal(items);
    return conceal(items.reduce<number>((total, item) => total + Number(key(item)), Number(start)), origin);
  }),
  flatten: onList((items, call) => flatten(items, Number(argument(call, 0, 'levels') ?? Infinity), truthy(argument(call, 1, 'skip_nulls') ?? true))),
  union: onList((items, call) => withoutRepeats([...items, ...elementsOf(call.args[0] ?? [])])),
  intersect: onList((items, call) => withoutRepeats(items.filter((item) => elementsOf(call.args[0] ?? []).some((other) => sameItem(item, other))))),
  difference: onList((items, call) => withoutRepeats(items.filter((item) => !elementsOf(call.args[0] ?? []).some((other) => sameItem(item, other))))),
  zip: onList((items, call) => {
    const others = call.args.map(elementsOf);
    const length = Math.min(items.length, ...others.map((other) => other.length));
    return items.slice(0, length).map((item, index) => [item, ...others.map((other) => other[index] as Operand)]);
  }),
  combine: handing(combine),
  dict2items: handing((input, call) => {
    if (!isMapping(input)) throw new OperationFailure(`dict2items needs a mapping, not ${typeName(input)}`);
    const [key, value] = [toText(argument(call, 0, 'key_name') ?? 'key'), toText(argument(call, 1, 'value_name') ?? 'value')];
    return Object.entries(input).map(([name, item]) => ({ [key]: name, [value]: item }));
  }),
  items2dict: onList((items, call) => {
    const [key, value] = [argument(call, 0, 'key_name') ?? 'key', argument(call, 1, 'value_name') ?? 'value'];
    return Object.fromEntries(items.map((item) => {
      const { value: name, origin } = reveal(defined(call.member(item, key)));
      if (origin !== undefined) throw new OperationFailure('a secret cannot be the key of a mapping', 'make it a value');
      return [toText(name), call.member(item, value)];
    }));
  }),
  dictsort: handing((input, call) => {
    if (!isMapping(input)) throw new OperationFailure(`dictsort needs a mapping, not ${typeName(input)}`);
    const exact = truthy(argument(call, 0, 'case_sensitive') ?? false);
    const at = toText(argument(call, 1, 'by') ?? 'key') === 'value' ? 1 : 0;
    const folded = (entry: [string, Operand]): Operand => {
      const value = reveal(entry[at]).value;
      return typeof value === 'string' && !exact ? value.toLowerCase() : value;
    };
    const sorted = Object.entries(input).sort((a, b) => compare(folded(a), folded(b)));
    return truthy(argument(call, 2, 'reverse') ?? false) ? sorted.reverse() : sorted;
  }),
  items: handing((input) => (isMapping(input) ? Object.entries(input).map(([key, value]) => [key, value]) : [])),
  groupby: onList((items, call) => {
    const [attribute, fallback] = [argument(call, 0, 'attribute'), argument(call, 1, 'default')];
    let origin: string | undefined;
    const key = (item: Operand): Operand => {
      const value = attribute === undefined ? item : follow(call, item, attribute);
      const known = reveal(defined(value instanceof Undefined && fallback !== undefined ? fallback : value));
      origin ??= known.origin;
      return known.value;
    };
    return withoutRepeats(items.map(key)).sort(compare).map((value) => [conceal(value, origin), items.filter((item) => equals(key(item), value))]);
  }),
  extract: handing((input, call) => {
    const more = call.args[1] ?? call.named.morekeys ?? [];
    return [more].flat().reduce<Operand>((value, next) => (value instanceof Undefined ? value : call.member(value, next)), call.member(call.args[0] ?? null, input));
  }),
  length: handing((input) => {
    if (input instanceof Secret) return elementsOf(input).length;
    if (typeof input === 'number' || typeof input === 'boolean' || input === null) throw new OperationFailure(`${typeName(input)} has no length`);
    return elementsOf(input).length;
  }),
};
