import { isMapping, OperationFailure, typeName, type Operand } from './operand.ts';
import { equals } from './operators.ts';
import { toText } from './represent.ts';

type Method = (self: Operand, args: Operand[]) => Operand;

function onText(run: (self: string, args: Operand[]) => Operand): Method {
  return (self, args) => {
    if (typeof self !== 'string') throw new OperationFailure(`${typeName(self)} has no such method`);
    return run(self, args);
  };
}

function onMapping(run: (self: Record<string, Operand>, args: Operand[]) => Operand): Method {
  return (self, args) => {
    if (!isMapping(self)) throw new OperationFailure(`${typeName(self)} has no such method`);
    return run(self, args);
  };
}

/** Python's strip with its set of characters. */
export function stripText(text: string, chars: Operand | undefined, side: 'both' | 'left' | 'right'): string {
  const set = typeof chars === 'string' ? chars : ' \t\n\r\f\v';
  let from = 0;
  let to = text.length;
  while (side !== 'right' && from < to && set.includes(text.charAt(from))) from += 1;
  while (side !== 'left' && to > from && set.includes(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Python's split: without a separator at runs of blanks, with one at each; at most `limit` times. */
export function splitText(text: string, separator?: Operand, limit?: Operand): string[] {
  const most = typeof limit === 'number' && limit >= 0 ? limit : Infinity;
  const parts: string[] = [];
  let rest = text;
  if (typeof separator !== 'string') {
    rest = rest.trimStart();
    while (rest !== '') {
      const gap = parts.length < most ? /\s+/.exec(rest) : null;
      parts.push(gap === null ? rest : rest.slice(0, gap.index));
      rest = gap === null ? '' : rest.slice(gap.index + gap[0].length);
    }
    return parts;
  }
  if (separator === '') throw new OperationFailure('the separator of split is empty');
  for (;;) {
    const at = parts.length < most ? rest.indexOf(separator) : -1;
    if (at < 0) return [...parts, rest];
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + separator.length);
  }
}

/** First letter of each word upper case, the rest lower, as Jinja's title. */
export function titleText(text: string): string {
  return text.toLowerCase().replace(/(^|[-\s({[<])(\p{L})/gu, (_match, before: string, letter: string) => before + letter.toUpperCase());
}

export function capitalizeText(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

function matchesEnd(args: Operand[], test: (part: string) => boolean): boolean {
  return [args[0]].flat().some((part) => typeof part === 'string' && test(part));
}

/** Methods of Python that playbooks call on texts, mappings and lists. */
export const METHODS: Record<string, Method | undefined> = Object.assign(Object.create(null) as Record<string, Method>, {
  upper: onText((self) => self.toUpperCase()),
  lower: onText((self) => self.toLowerCase()),
  title: onText(titleText),
  capitalize: onText(capitalizeText),
  strip: onText((self, [chars]) => stripText(self, chars, 'both')),
  lstrip: onText((self, [chars]) => stripText(self, chars, 'left')),
  rstrip: onText((self, [chars]) => stripText(self, chars, 'right')),
  split: onText((self, [separator, limit]) => splitText(self, separator, limit)),
  splitlines: onText((self) => (self === '' ? [] : self.replace(/\r?\n$/, '').split(/\r?\n/))),
  startswith: onText((self, args) => matchesEnd(args, (part) => self.startsWith(part))),
  endswith: onText((self, args) => matchesEnd(args, (part) => self.endsWith(part))),
  replace: onText((self, [from, to]) => self.replaceAll(toText(from ?? null), toText(to ?? null))),
  find: onText((self, [part]) => self.indexOf(toText(part ?? null))),
  join: onText((self, [items]) => (Array.isArray(items) ? items.map(toText).join(self) : self)),
  zfill: onText((self, [width]) => self.padStart(Number(width), '0')),
  isdigit: onText((self) => /^\d+$/.test(self)),
  isalpha: onText((self) => /^\p{L}+$/u.test(self)),
  items: onMapping((self) => Object.entries(self).map(([key, value]) => [key, value])),
  keys: onMapping((self) => Object.keys(self)),
  values: onMapping((self) => Object.values(self)),
  get: onMapping((self, [key, fallback]) => (Object.hasOwn(self, String(key)) ? (self[String(key)] as Operand) : (fallback ?? null))),
  index: (self, [item]) => {
    const at = Array.isArray(self) ? self.findIndex((each) => equals(each, item as Operand)) : toText(self).indexOf(toText(item ?? null));
    if (at < 0) throw new OperationFailure('the element is not in the list');
    return at;
  },
  count: (self, [item]) =>
    Array.isArray(self) ? self.filter((each) => equals(each, item as Operand)).length : toText(self).split(toText(item ?? null)).length - 1,
} satisfies Record<string, Method>);
