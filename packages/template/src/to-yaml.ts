import { isMapping, OMIT, OperationFailure, type Operand } from './operand.ts';

export interface YamlStyle {
  indent: number;
  /** Which lists and mappings stand on one line, in brackets: none, those that hold no others, all. */
  flow: 'never' | 'leaves' | 'always';
  sortKeys: boolean;
  /** Longer lines of text are folded. */
  width: number;
}

/** YAML as Python's yaml.dump writes it, so that files match those Ansible made. */
export function toYaml(value: Operand, style: YamlStyle): string {
  if (!Array.isArray(value) && !isMapping(value)) {
    return `${scalar(value, style, style.indent, false, 0, false)}\n`;
  }
  if (inFlow(value, style)) return `${flowText(value, style, 0, 0)}\n`;
  return `${block(value, style, 0)}\n`;
}

function isCollection(value: Operand): value is Operand[] | { [key: string]: Operand } {
  return Array.isArray(value) || isMapping(value);
}

function inFlow(value: Operand[] | { [key: string]: Operand }, { flow }: YamlStyle): boolean {
  const items = Object.values(value);
  return items.length === 0 || flow === 'always' || (flow === 'leaves' && !items.some(isCollection));
}

function entriesOf(value: { [key: string]: Operand }, { sortKeys }: YamlStyle): [string, Operand][] {
  const entries = Object.entries(value);
  return sortKeys ? entries.sort(([a], [b]) => (a < b ? -1 : Number(a > b))) : entries;
}

function block(value: Operand[] | { [key: string]: Operand }, style: YamlStyle, column: number): string {
  const pad = ' '.repeat(column);
  if (Array.isArray(value)) {
    // what follows a dash starts a whole level further in
    const inner = column + style.indent;
    return value.map((item) => {
      const text = isCollection(item) && !inFlow(item, style) ? ' '.repeat(style.indent - 1) + block(item, style, inner).slice(inner) : ` ${isCollection(item) ? flowText(item, style, column + 2, column) : scalar(item, style, inner, false, column + 2, false)}`;
      return `${pad}-${text}`;
    }).join('\n');
  }
  return entriesOf(value, style).map(([key, item]) => {
    const name = scalar(key, style, column, true, column, false);
    if (!isCollection(item)) return `${pad}${name}: ${scalar(item, style, column + style.indent, false, column + name.length + 2, false)}`;
    if (inFlow(item, style)) return `${pad}${name}: ${flowText(item, style, column + name.length + 2, column)}`;
    return `${pad}${name}:\n${block(item, style, Array.isArray(item) ? column : column + style.indent)}`;
  }).join('\n');
}

/** @param indent that of the collection around */
function flowText(value: Operand[] | { [key: string]: Operand }, style: YamlStyle, start: number, indent: number): string {
  const written: Written = { text: '', column: start };
  writeFlow(value, style, written, indent);
  return written.text;
}

interface Written {
  text: string;
  column: number;
}

function put(written: Written, text: string): void {
  written.text += text;
  const end = text.lastIndexOf('\n');
  written.column = end < 0 ? written.column + text.length : text.length - end - 1;
}

/** A line goes on until it is too long, and breaks before the next entry. */
function writeFlow(value: Operand[] | { [key: string]: Operand }, style: YamlStyle, written: Written, around: number): void {
  const indent = around + style.indent;
  const list = Array.isArray(value);
  put(written, list ? '[' : '{');
  const entries = list ? value.map((item): [undefined, Operand] => [undefined, item]) : entriesOf(value, style);
  entries.forEach(([key, item], index) => {
    if (index > 0) put(written, ',');
    if (written.column > style.width) put(written, `\n${' '.repeat(indent)}`);
    else if (index > 0) put(written, ' ');
    if (key !== undefined) put(written, `${scalar(key, style, indent, true, written.column, true)}: `);
    if (isCollection(item)) writeFlow(item, style, written, indent);
    else put(written, scalar(item, style, indent + style.indent, false, written.column, true));
  });
  put(written, list ? ']' : '}');
}

/** Texts that YAML 1.1 would read as something else. */
const BOOLEANS = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const NULLS = /^(?:~|null|Null|NULL|)$/;
const NUMBERS = /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const DATES = /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/;

/**
 * @param indent where lines go on that were folded
 * @param start column at which the text begins
 */
function scalar(value: Operand, style: YamlStyle, indent: number, key: boolean, start: number, flow: boolean): string {
  if (value === null) return 'null';
  if (value === OMIT || typeof value === 'function' || typeof value === 'object') throw new OperationFailure('the value cannot be written as YAML');
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') return String(value);
  const text = value;
  if (needsEscapes(text)) return doubleQuoted(text, style.width, start, indent, key);
  const multiline = text.includes('\n');
  const resolves = BOOLEANS.test(text) || NULLS.test(text) || NUMBERS.test(text) || DATES.test(text) || text === '<<' || text === '=';
  if (!resolves && isPlain(text, flow || key) && !(multiline && key)) return key ? text : folded(text, style.width, start, indent);
  return singleQuoted(text, style.width, start, indent, key);
}

/** Texts with control characters or spaces around line breaks can only be written with escapes. */
function needsEscapes(text: string): boolean {
  return /[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff01-\ufffd\u{10000}-\u{10ffff}]/u.test(text) || /\ufeff/.test(text) || / \n/.test(text) || (/\n/.test(text) && /^ | $/.test(text) && / \n|\n $/.test(text));
}

function isPlain(text: string, flow: boolean): boolean {
  if (text === '' || /^\s|\s$/.test(text) || text.includes('\n')) return false;
  if (/^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  if (/^[?:](?:\s|$)/.test(text) || /^-(?:\s|$)/.test(text)) return false;
  if (/:(?:\s|$)/.test(text) || /\s#/.test(text)) return false;
  if (flow && (/[,[\]{}?]/.test(text) || text.startsWith('-') && text.length === 1 || text.includes(':'))) return false;
  return true;
}

/** Breaks long lines at single blanks. */
function folded(text: string, width: number, start: number, indent: number): string {
  let out = '';
  let column = start;
  for (const [index, word] of text.split(' ').entries()) {
    if (index === 0) {
      out = word;
      column += word.length;
    } else if (column > width && word !== '' && !out.endsWith(' ')) {
      out += `\n${' '.repeat(indent)}${word}`;
      column = indent + word.length;
    } else {
      out += ` ${word}`;
      column += word.length + 1;
    }
  }
  return out;
}

function singleQuoted(text: string, width: number, start: number, indent: number, simple: boolean): string {
  const escaped = text.replaceAll("'", "''");
  const lines = escaped.split('\n');
  const body = lines.map((line, index) => (simple ? line : folded(line, width, index === 0 ? start + 1 : indent, indent)));
  // one line break is a blank when it is read: it is written as two
  let out = body[0] as string;
  for (let at = 1; at < body.length; at += 1) {
    const line = body[at] as string;
    out += body[at - 1] === '' && at > 1 ? '\n' : '\n\n';
    out += line === '' ? '' : ' '.repeat(indent) + line;
    if (line === '' && at === body.length - 1) out += ' '.repeat(indent);
  }
  return `'${out}'`;
}

const ESCAPES: Record<string, string> = { '\0': '0', '\x07': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '\x1b': 'e', '"': '"', '\\': '\\', '\x85': 'N', '\xa0': '_', '\u2028': 'L', '\u2029': 'P' };

function doubleQuoted(text: string, width: number, start: number, indent: number, simple: boolean): string {
  let out = '"';
  let column = start + 1;
  const chars = [...text];
  for (const [index, char] of chars.entries()) {
    const escaped = ESCAPES[char] !== undefined ? `\\${ESCAPES[char]}` : /[\x20-\x7e\xa1-\ud7ff\ue000-\ufefe\uff01-\ufffd\u{10000}-\u{10ffff}]/u.test(char) ? char : escapeCode(char);
    if (!simple && char === ' ' && index > 0 && index < chars.length - 1 && column > width) {
      out += `\\\n${' '.repeat(indent)}${chars[index + 1] === ' ' ? '\\' : ''} `;
      column = indent + 1;
      continue;
    }
    out += escaped;
    column += escaped.length;
  }
  return `${out}"`;
}

function escapeCode(char: string): string {
  const code = char.codePointAt(0) as number;
  if (code <= 0xff) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}` : `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`;
}
