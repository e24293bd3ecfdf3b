import { createHash } from 'node:crypto';
import { formatText } from '../format-text.ts';
import { capitalizeText, splitText, stripText, titleText } from '../methods.ts';
import { isMapping, OperationFailure, typeName, type Operand } from '../operand.ts';
import { truthy } from '../operators.ts';
import { expandGroups, pythonRegex } from '../python-regex.ts';
import { toText } from '../represent.ts';
import { argument, computing, type Filter, type FilterCall } from './filter.ts';

const onText = (run: (text: string, call: FilterCall) => Operand): Filter => computing((input, call) => run(toText(input), call));

function regexOf(call: FilterCall, firstFlag: number, global: boolean): RegExp {
  return pythonRegex(toText(argument(call, 0, global ? 'pattern' : 'regex') ?? call.named.pattern ?? call.named.regex ?? ''), {
    ignoreCase: truthy(argument(call, firstFlag, 'ignorecase') ?? false),
    multiline: truthy(argument(call, firstFlag + 1, 'multiline') ?? false),
    global,
  });
}

function regexSearch(text: string, call: FilterCall): Operand {
  const found = regexOf({ ...call, args: call.args.slice(0, 1) }, 1, false).exec(text);
  if (found === null) return null;
  if (call.args.length < 2) return found[0];
  return call.args.slice(1).map((wanted) => {
    const name = /^\\(?:g<)?(\w+)>?$/.exec(toText(wanted))?.[1];
    const group = name === undefined ? undefined : /^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name];
    if (group === undefined) throw new OperationFailure('regex_search names a group that the pattern does not have');
    return group;
  });
}

function regexReplace(text: string, call: FilterCall): string {
  const replacement = toText(argument(call, 1, 'replacement') ?? '');
  const count = argument(call, 4, 'count');
  let left = typeof count === 'number' && count > 0 ? count : Infinity;
  return text.replace(regexOf(call, 2, true), (...found: unknown[]) => {
    if (left <= 0) return String(found[0]);
    left -= 1;
    return expandGroups(replacement, found);
  });
}

function indent(text: string, call: FilterCall): string {
  const width = argument(call, 0, 'width') ?? 4;
  const blanks = typeof width === 'number' ? ' '.repeat(width) : toText(width);
  const first = truthy(argument(call, 1, 'first') ?? false);
  const blank = truthy(argument(call, 2, 'blank') ?? false);
  return text.split('\n').map((line, index) => ((index > 0 || first) && (line !== '' || blank) ? blanks + line : line)).join('\n');
}

/** One word for a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function dirname(path: string): string {
  const at = path.lastIndexOf('/');
  const head = path.slice(0, at + 1);
  return /^\/*$/.test(head) ? head : head.replace(/\/+$/, '');
}

function joinPaths(parts: string[]): string {
  return parts.reduce((path, part) => (part.startsWith('/') ? part : path === '' || path.endsWith('/') ? path + part : `${path}/${part}`), '');
}

function hash(text: string, algorithm: string): string {
  try {
    return createHash(algorithm).update(text).digest('hex');
  } catch {
    throw new OperationFailure('the hash algorithm is not known', 'use sha256, sha1, sha512 or md5');
  }
}

/** The query of a URL. */
function query(pairs: [Operand, Operand][]): string {
  return pairs.map((pair) => pair.map((part) => encodeURIComponent(toText(part)).replaceAll('%20', '+')).join('=')).join('&');
}

/** Filters over texts; other inputs are printed first. */
export const TEXT_FILTERS: Record<string, Filter> = {
  upper: onText((text) => text.toUpperCase()),
  lower: onText((text) => text.toLowerCase()),
  title: onText(titleText),
  capitalize: onText(capitalizeText),
  trim: onText((text, call) => stripText(text, argument(call, 0, 'chars'), 'both')),
  replace: onText((text, call) => {
    const count = argument(call, 2, 'count');
    const [from, to] = [toText(argument(call, 0, 'old') ?? ''), toText(argument(call, 1, 'new') ?? '')];
    return typeof count === 'number' ? splitText(text, from, count).join(to) : text.replaceAll(from, to);
  }),
  regex_replace: onText(regexReplace),
  regex_search: onText(regexSearch),
  regex_findall: onText((text, call) =>
    [...text.matchAll(regexOf({ ...call, args: [call.args[0] ?? call.named.regex ?? '', call.args[2] ?? call.named.ignorecase ?? false, call.args[1] ?? call.named.multiline ?? false] }, 1, true))].map((found) =>
      found.length === 1 ? found[0] : found.length === 2 ? (found[1] ?? '') : found.slice(1).map((group) => group ?? ''),
    ),
  ),
  regex_escape: onText((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')),
  split: onText((text, call) => splitText(text, argument(call, 0, 'sep'), argument(call, 1, 'maxsplit'))),
  splitext: onText((text) => {
    const at = text.lastIndexOf('.');
    return at > text.lastIndexOf('/') + 1 ? [text.slice(0, at), text.slice(at)] : [text, ''];
  }),
  basename: onText((text) => text.slice(text.lastIndexOf('/') + 1)),
  dirname: onText(dirname),
  path_join: computing((input) => joinPaths([input].flat().map(toText))),
  quote: onText(quote),
  b64encode: onText((text) => Buffer.from(text, 'utf8').toString('base64')),
  b64decode: onText((text) => Buffer.from(text, 'base64').toString('utf8')),
  hash: onText((text, call) => hash(text, toText(argument(call, 0, 'hashtype') ?? 'sha1'))),
  checksum: onText((text) => hash(text, 'sha1')),
  sha1: onText((text) => hash(text, 'sha1')),
  md5: onText((text) => hash(text, 'md5')),
  urlencode: computing((input) => {
    if (isMapping(input)) return query(Object.entries(input));
    if (Array.isArray(input)) return query(input.map((pair) => (Array.isArray(pair) ? [pair[0] ?? null, pair[1] ?? null] : [pair, ''])));
    return encodeURIComponent(toText(input)).replaceAll('%2F', '/');
  }),
  indent: onText(indent),
  format: computing((input, call) => {
    if (typeof input !== 'string') throw new OperationFailure(`format needs a text, not ${typeName(input)}`);
    return formatText(input, call.args.length === 0 ? [call.named] : call.args);
  }),
};
