import { createHash } from 'node:crypto';
import { fromYaml, fromYamlAll } from '../from-yaml.ts';
import { isMapping, OperationFailure, typeName, type Mapping, type Operand } from '../operand.ts';
import { truthy } from '../operators.ts';
import { represent, toText } from '../represent.ts';
import { formatTime } from '../format-time.ts';
import { toYaml } from '../to-yaml.ts';
import { argument, computing, type Filter, type FilterCall } from './filter.ts';

/** The namespace of Ansible's to_uuid. */
const NAMESPACE = '361e6d51-faec-444a-9079-341386da8e2e';

function uuid(text: string, namespace: string): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  if (space.length !== 16) throw new OperationFailure('the namespace of to_uuid is a UUID');
  const bytes = createHash('sha1').update(space).update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const COMMENT_STYLES: Record<string, { decoration: string; beginning?: string; end?: string }> = {
  plain: { decoration: '# ' },
  erlang: { decoration: '% ' },
  c: { decoration: '// ' },
  cblock: { beginning: '/*', decoration: ' * ', end: ' */' },
  xml: { beginning: '<!--', decoration: ' - ', end: '-->' },
};

function comment(input: Operand, call: FilterCall): string {
  const style = COMMENT_STYLES[toText(argument(call, 0, 'style') ?? 'plain')];
  if (style === undefined) throw new OperationFailure('there is no such style of comments', `there are ${Object.keys(COMMENT_STYLES).join(', ')}`);
  const setting = (name: string, fallback: string): string => toText(call.named[name] ?? fallback);
  const newline = setting('newline', '\n');
  const decoration = setting('decoration', style.decoration);
  const [prefix, postfix] = [setting('prefix', decoration), setting('postfix', decoration)];
  const [beginning, end] = [setting('beginning', style.beginning ?? ''), setting('end', style.end ?? '')];
  const repeated = (text: string, name: string): string => `${text}${newline}`.repeat(Number(call.named[name] ?? 1)).replace(/ +(?=\n)/g, '');
  const before = beginning === '' ? '' : `${beginning}${newline}`;
  const body = toText(input).split(newline).map((line) => decoration + line).join(newline);
  const after = postfix === '' ? '' : `${newline}${postfix}`.repeat(Number(call.named.postfix_count ?? 1));
  return [before, prefix === '' ? '' : repeated(prefix, 'prefix_count'), body, after, end === '' ? '' : `${newline}${end}`].join('').replace(/[ \t]+(?=\n|$)/g, '');
}

function urlsplit(input: Operand, call: FilterCall): Operand {
  const wanted = argument(call, 0, 'query') ?? '';
  const found = /^(?:([a-zA-Z][\w+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(toText(input));
  const [, scheme = '', netloc = '', path = '', query = '', fragment = ''] = found ?? [];
  const [, username = null, password = null, bracketed, plain, port] = /^(?:([^:@]*)(?::([^@]*))?@)?(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(netloc) ?? [];
  const host = bracketed ?? plain;
  const parts: Mapping = {
    fragment, hostname: host === undefined || host === '' ? null : host.toLowerCase(), netloc, password, path,
    port: port === undefined ? null : Number(port), query, scheme: scheme.toLowerCase(), username,
  };
  if (wanted === '') return parts;
  const part = parts[toText(wanted)];
  if (part === undefined) throw new OperationFailure('urlsplit has no such part', `there are ${Object.keys(parts).join(', ')}`);
  return part;
}

function wordWrap(input: Operand, call: FilterCall): string {
  const width = Number(argument(call, 0, 'width') ?? 79);
  const breakLong = truthy(argument(call, 1, 'break_long_words') ?? true);
  const join = toText(argument(call, 2, 'wrapstring') ?? '\n');
  return toText(input).split(/\r?\n/).map((line) => wrapLine(line, width, breakLong, join)).join(join);
}

function wrapLine(line: string, width: number, breakLong: boolean, join: string): string {
  const lines: string[] = [];
  let current = '';
  for (let word of line.match(/\s+|[^\s-]+-?|-+/g) ?? []) {
    if ((current + word).length <= width) {
      current += word;
      continue;
    }
    if (current.trim() !== '') lines.push(current.trimEnd());
    current = '';
    if (word.trim() === '') continue;
    while (breakLong && word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    current = word;
  }
  if (current.trim() !== '') lines.push(current.trimEnd());
  return lines.join(join);
}

function truncate(input: Operand, call: FilterCall): string {
  const text = toText(input);
  const length = Number(argument(call, 0, 'length') ?? 255);
  const hard = truthy(argument(call, 1, 'killwords') ?? false);
  const end = toText(argument(call, 2, 'end') ?? '...');
  const leeway = Number(argument(call, 3, 'leeway') ?? 5);
  if (text.length <= length + leeway) return text;
  const cut = text.slice(0, length - end.length);
  return (hard ? cut : cut.includes(' ') ? cut.slice(0, cut.lastIndexOf(' ')) : cut) + end;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[char] ?? char);
}

function yaml(nice: boolean): Filter {
  return computing((input, call) => {
    const flow = call.named.default_flow_style;
    return toYaml(input, {
      indent: Number(nice ? (argument(call, 0, 'indent') ?? 4) : (call.named.indent ?? 2)),
      flow: flow === undefined || flow === null ? (nice ? 'never' : 'leaves') : truthy(flow) ? 'always' : 'never',
      sortKeys: truthy(call.named.sort_keys ?? true),
      width: Number(call.named.width ?? 80),
    });
  });
}

/** Filters that print values, and read printed ones. */
export const PRINTING_FILTERS: Record<string, Filter> = {
  to_yaml: yaml(false),
  to_nice_yaml: yaml(true),
  from_yaml: computing((input) => (typeof input === 'string' ? fromYaml(input) : input)),
  from_yaml_all: computing((input) => (typeof input === 'string' ? fromYamlAll(input) : input)),
  to_uuid: computing((input, call) => uuid(toText(input), toText(argument(call, 0, 'namespace') ?? NAMESPACE))),
  comment: computing(comment),
  urlsplit: computing(urlsplit),
  urldecode: computing((input) => decodeURIComponent(toText(input).replaceAll('+', ' '))),
  strftime: computing((input, call) => {
    const second = argument(call, 0, 'second');
    if (second === undefined || second === null) throw new OperationFailure('strftime without seconds prints the time of the run, another one each time', 'give the seconds, as in | strftime(1700000000)');
    if (Number.isNaN(Number(second))) throw new OperationFailure('the seconds of strftime are a number');
    return formatTime(toText(input), Number(second), truthy(argument(call, 1, 'utc') ?? false));
  }),
  wordwrap: computing(wordWrap),
  truncate: computing(truncate),
  wordcount: computing((input) => toText(input).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  center: computing((input, call) => {
    const [text, width] = [toText(input), Number(argument(call, 0, 'width') ?? 80)];
    const room = Math.max(0, width - text.length);
    const left = Math.floor(room / 2) + (room % 2 === 1 && width % 2 === 1 ? 1 : 0);
    return ' '.repeat(left) + text + ' '.repeat(room - left);
  }),
  escape: computing((input) => escapeHtml(toText(input))),
  e: computing((input) => escapeHtml(toText(input))),
  forceescape: computing((input) => escapeHtml(toText(input))),
  safe: computing((input) => input),
  striptags: computing((input) => toText(input).replace(/<!--.*?-->|<[^>]*>/gs, '').split(/\s+/).filter((word) => word !== '').join(' ')),
  pprint: computing((input) => represent(input)),
  xmlattr: computing((input) => {
    if (!isMapping(input)) throw new OperationFailure(`xmlattr needs a mapping, not ${typeName(input)}`);
    return Object.entries(input).filter(([, value]) => value !== null).map(([key, value]) => ` ${key}="${escapeHtml(toText(value))}"`).join('');
  }),
};
