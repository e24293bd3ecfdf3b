import { Deferred, Secret, type Value } from '@hsmfleet/contract';
import type { TaskContext } from './compile-task.ts';
import type { Frame } from './expanded.ts';
import { filesLike, searchFolders } from './find-files.ts';
import type { LoopForm, LoopSource } from './source.ts';

/** Items of a loop; a Deferred when only the host knows them, undefined when there is no loop. */
export function compileLoop(loop: LoopSource | undefined, context: Pick<TaskContext, 'variables' | 'fail'>, guards: ReadonlySet<string>, frame: Frame): Value | undefined {
  if (loop === undefined) return undefined;
  const failed = { yes: false };
  const refuse = (message: string, hint: string): Value[] => {
    context.fail(loop.source.problem('PLAYBOOK_INVALID', message, loop.node, hint));
    return [];
  };
  const items = context.variables.prepare(loop.value, guards, (thrown) => {
    failed.yes = true;
    context.fail(thrown);
  });
  if (failed.yes) return [];
  if (loop.form === undefined) {
    if (items instanceof Deferred || Array.isArray(items)) return items;
    return refuse('loop must be a list', 'for a mapping: "{{ x | dict2items }}"');
  }
  if (holdsDeferred(items)) {
    const text = wrapped(items, loop.form);
    return text ?? refuse(`with_${loop.form} must be known before the run starts`, ADVICE[loop.form] ?? 'use loop');
  }
  try {
    return FORMS[loop.form](items, searchFolders(frame, 'files'));
  } catch (thrown) {
    if (!(thrown instanceof WrongItems)) throw thrown;
    return refuse(`with_${loop.form} ${thrown.message}`, thrown.hint);
  }
}

class WrongItems extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const ADVICE: Partial<Record<LoopForm, string>> = {
  together: 'use loop: "{{ A | zip(B) | list }}"',
  nested: 'use loop: "{{ A | product(B) | list }}"',
  subelements: 'use loop: "{{ A | subelements(\'KEY\') }}"',
  sequence: 'use loop: "{{ range(FROM, TO + 1) | list }}"',
};

const listOf = (value: Value): Value[] => (Array.isArray(value) ? value : value === null ? [] : [value]);

const FORMS: Record<LoopForm, (items: Value, folders: string[]) => Value[]> = {
  list: (items) => {
    if (Array.isArray(items)) return items;
    throw new WrongItems('takes a list', 'write its items as a list');
  },
  items: (items) => listOf(items).flat(1),
  dict: (items) => {
    if (items === null || typeof items !== 'object' || Array.isArray(items) || items instanceof Secret || items instanceof Deferred) throw new WrongItems('takes a mapping', 'for a list use loop');
    return Object.entries(items).map(([key, value]) => ({ key, value }));
  },
  indexed_items: (items) => listOf(items).flat(1).map((item, index) => [index, item]),
  fileglob: (items, folders) => listOf(items).flat(1).flatMap((pattern) => filesLike(String(pattern), folders)),
  together: (items) => {
    const lists = listOf(items).map(listOf);
    return Array.from({ length: Math.max(0, ...lists.map(({ length }) => length)) }, (_none, index) => lists.map((list) => list[index] ?? null));
  },
  nested: (items) => listOf(items).map(listOf).reduce<Value[][]>((done, list) => done.flatMap((each) => list.map((item) => [...each, item])), [[]]),
  subelements: (items) => {
    const [list, key, ...more] = listOf(items);
    if (!Array.isArray(list) || typeof key !== 'string') throw new WrongItems('takes a list and the name of a key', 'for example "- "{{ users }}"" and "- keys"');
    const skip = more.some((each) => typeof each === 'object' && each !== null && 'skip_missing' in each && each.skip_missing === true);
    return list.flatMap((each) => {
      const inner = key.split('.').reduce<Value | undefined>((at, part) => (at !== null && typeof at === 'object' && !Array.isArray(at) && Object.hasOwn(at, part) ? (at as { [key: string]: Value })[part] : undefined), each);
      if (Array.isArray(inner)) return inner.map((item): Value => [each, item]);
      if (skip) return [];
      throw new WrongItems(`finds no list "${key}" in an element`, 'leave such elements out with "- {skip_missing: true}"');
    });
  },
  sequence: (items) => listOf(items).flatMap((each) => sequence(each)),
};

/** Python's `start=1 end=5 stride=2 format=x%02d count=…`, or a mapping of the same. */
function sequence(given: Value): string[] {
  const wrong = (): WrongItems => new WrongItems('takes "start=1 end=5 stride=1 format=%d", or count', 'or use loop: "{{ range(1, 6) | list }}"');
  const entries: [string, unknown][] = typeof given === 'string'
    ? given.trim().split(/\s+/).map((word) => {
      const found = /^(\w+)=(.+)$/.exec(word);
      if (found !== null) return [found[1] ?? '', found[2]];
      const short = /^(?:(\d+)-)?(\d+)(?:\/(\d+))?(?::(.+))?$/.exec(word);
      if (short === null) throw wrong();
      return ['short', short];
    })
    : given !== null && typeof given === 'object' && !Array.isArray(given) ? Object.entries(given) : [['end', given]];
  const options = new Map(entries);
  const short = options.get('short') as RegExpExecArray | undefined;
  const number = (name: string, fallback: number): number => {
    const value = options.get(name);
    if (value === undefined) return fallback;
    const parsed = typeof value === 'string' && value.startsWith('0x') ? Number.parseInt(value, 16) : Number(value);
    if (!Number.isInteger(parsed)) throw wrong();
    return parsed;
  };
  const start = number('start', short?.[1] === undefined ? 1 : Number(short[1]));
  const stride = number('stride', short?.[3] === undefined ? 1 : Number(short[3]));
  const count = options.has('count') ? number('count', 0) : undefined;
  const end = count === undefined ? number('end', short === undefined ? Number.NaN : Number(short[2])) : start + (count - 1) * stride;
  if (!Number.isInteger(end) || stride === 0) throw wrong();
  const format = String(options.get('format') ?? short?.[4] ?? '%d');
  const items: string[] = [];
  for (let at = start; stride > 0 ? at <= end : at >= end; at += stride) {
    if (items.length >= 100_000) throw wrong();
    items.push(format.replace(/%(0?)(\d*)([dxo])/, (_all, zero: string, width: string, kind: string) => at.toString(kind === 'x' ? 16 : kind === 'o' ? 8 : 10).padStart(Number(width || 0), zero === '0' ? '0' : ' ')));
  }
  return items;
}

function holdsDeferred(value: Value): boolean {
  if (value instanceof Deferred) return true;
  return value !== null && typeof value === 'object' && !(value instanceof Secret) && Object.values(value).some((each) => holdsDeferred(each as Value));
}

/** The same loop over what the host renders; undefined where no filter does it. */
function wrapped(items: Value, form: LoopForm): Value | undefined {
  if (form === 'list') return items;
  if (form === 'items' && Array.isArray(items) && !items.some((item) => item instanceof Deferred && isWhole(item))) return items.flat(1);
  const single = Array.isArray(items) && items.length === 1 ? items[0] : items;
  if (!(single instanceof Deferred) || !isWhole(single)) return undefined;
  const expression = single.text.trim().slice(2, -2);
  const text = form === 'items' ? `[(${expression})] | flatten(levels=2)` : form === 'dict' ? `(${expression}) | dict2items` : undefined;
  if (text === undefined) return undefined;
  return new Deferred(`{{ ${text} }}`, 'text', single.position, single.origin, single.bound);
}

/** One output of Jinja, and nothing around it. */
function isWhole({ text }: Deferred): boolean {
  return /^\s*\{\{(?!.*\{\{)[\s\S]*\}\}\s*$/.test(text);
}
