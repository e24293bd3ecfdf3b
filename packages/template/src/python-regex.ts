import { OperationFailure } from './operand.ts';

/**
 * A pattern of Python's `re` as a JavaScript one: named groups, \A, \Z and leading inline flags are translated; the rest
 * of the two syntaxes that playbooks use is the same.
 * @throws OperationFailure when it is not valid
 */
export function pythonRegex(pattern: string, options: { ignoreCase?: boolean; multiline?: boolean; global?: boolean; sticky?: boolean }): RegExp {
  const inline = /^\(\?([aimsux]+)\)/.exec(pattern)?.[1] ?? '';
  const body = pattern
    .slice(inline === '' ? 0 : inline.length + 3)
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/\\([AZ])/g, (_match, anchor: string) => (anchor === 'A' ? '(?<![\\s\\S])' : '(?![\\s\\S])'));
  const flags = [
    options.ignoreCase === true || inline.includes('i') ? 'i' : '',
    options.multiline === true || inline.includes('m') ? 'm' : '',
    inline.includes('s') ? 's' : '',
    options.global === true ? 'g' : '',
    options.sticky === true ? 'y' : '',
  ].join('');
  try {
    return new RegExp(body, flags);
  } catch {
    throw new OperationFailure('the regular expression is not valid');
  }
}

/** A replacement text of Python (`\1`, `\g<name>`) for the arguments that String.replace gives its callback. */
export function expandGroups(replacement: string, found: readonly unknown[]): string {
  const named = typeof found.at(-1) === 'object' ? (found.at(-1) as Record<string, string | undefined>) : {};
  return replacement.replace(/\\(?:(\d{1,2})|g<(\w+)>|(.))/gs, (_match, index: string | undefined, name: string | undefined, escaped: string | undefined) => {
    if (escaped !== undefined) return { n: '\n', t: '\t', '\\': '\\' }[escaped] ?? `\\${escaped}`;
    const key = index ?? name ?? '';
    const group = /^\d+$/.test(key) ? found[Number(key)] : named[key];
    return typeof group === 'string' ? group : '';
  });
}
