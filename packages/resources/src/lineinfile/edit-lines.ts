import { HsmfleetError } from '@hsmfleet/contract';

/** What to do to the lines of a file: the parameters of Ansible's lineinfile that bear on contents. */
export interface LineEdit {
  state: 'present' | 'absent';
  line?: string;
  regexp?: string;
  search_string?: string;
  insertafter?: string;
  insertbefore?: string;
  backrefs?: boolean;
  firstmatch?: boolean;
}

/**
 * Edits text as Ansible's lineinfile does, line for line: the last line that matches is replaced (the first with
 * `firstmatch`), an equal line is left alone, else the line is inserted where it belongs.
 * @returns the new text; the same text when nothing is to do
 * @throws HsmfleetError PARAMS_INVALID for a regular expression that cannot be read
 */
export function editLines(text: string, edit: LineEdit): string {
  const lines = splitLines(text);
  return edit.state === 'absent' ? withoutLines(lines, edit).join('') : withLine(lines, edit, edit.line ?? '').join('');
}

function withoutLines(lines: string[], edit: LineEdit): string[] {
  const pattern = edit.regexp === undefined ? undefined : compile(edit.regexp, 'regexp');
  return lines.filter((raw) => {
    const line = bare(raw);
    if (pattern !== undefined) return !pattern.test(line);
    if (edit.search_string !== undefined) return !line.includes(edit.search_string);
    return line !== edit.line;
  });
}

function withLine(lines: string[], edit: LineEdit, line: string): string[] {
  const found = findMatch(lines, edit);
  if (found !== undefined) {
    const wanted = edit.backrefs === true ? expand(line, found.match) : line;
    return replaceAt(lines, found.index, wanted);
  }
  const equal = lines.findLastIndex((raw) => bare(raw) === line);
  if (equal >= 0) return replaceAt(lines, equal, line);
  // the line cannot be built without the groups of a match
  if (edit.backrefs === true) return lines;
  return insert(lines, edit, line);
}

function findMatch(lines: string[], edit: LineEdit): { index: number; match: RegExpExecArray | null } | undefined {
  const pattern = edit.regexp === undefined ? undefined : compile(edit.regexp, 'regexp');
  let found: { index: number; match: RegExpExecArray | null } | undefined;
  for (const [index, raw] of lines.entries()) {
    const match = pattern?.exec(bare(raw)) ?? null;
    const hit = pattern === undefined ? edit.search_string !== undefined && bare(raw).includes(edit.search_string) : match !== null;
    if (!hit) continue;
    found = { index, match };
    if (edit.firstmatch === true) break;
  }
  return found;
}

function replaceAt(lines: string[], index: number, line: string): string[] {
  const before = lines[index] ?? '';
  if (bare(before) === line && before !== line) return lines;
  return lines.with(index, `${line}\n`);
}

function insert(lines: string[], edit: LineEdit, line: string): string[] {
  if (edit.insertbefore === 'BOF' || edit.insertafter === 'BOF') return [`${line}\n`, ...lines];
  const [anchor, after] = edit.insertbefore === undefined ? [edit.insertafter ?? 'EOF', true] : [edit.insertbefore, false];
  const pattern = after && anchor === 'EOF' ? undefined : compile(anchor, after ? 'insertafter' : 'insertbefore');
  const matches = (raw: string): boolean => pattern?.test(bare(raw)) === true;
  const at = edit.firstmatch === true ? lines.findIndex(matches) : lines.findLastIndex(matches);
  if (at < 0) {
    const last = lines.at(-1);
    // a last line without its newline gets one first
    const ended = last === undefined || last.endsWith('\n') ? lines : lines.with(-1, `${last}\n`);
    return [...ended, `${line}\n`];
  }
  const index = after ? at + 1 : at;
  const before = lines.slice(0, index).map((raw, position) => (position === index - 1 && !raw.endsWith('\n') ? `${raw}\n` : raw));
  return [...before, `${line}\n`, ...lines.slice(index)];
}

/** Lines with their line ends. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function bare(line: string): string {
  return line.replace(/[\r\n]+$/, '');
}

/** Python's spelling of named groups and of whole-pattern flags is taken; the rest of the two syntaxes agrees. */
function compile(source: string, parameter: string): RegExp {
  const flags = /^\(\?([imsx]+)\)/.exec(source);
  const body = source.slice(flags?.[0].length ?? 0).replace(/\(\?P</g, '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>').replace(/\\Z/g, '$').replace(/\\A/g, '^');
  try {
    return new RegExp(body, (flags?.[1] ?? '').replace('x', ''));
  } catch (cause) {
    throw new HsmfleetError('PARAMS_INVALID', `${parameter} is no regular expression: ${source}`, {
      hint: 'check brackets and backslashes; in YAML, quote it with single quotes',
      cause,
    });
  }
}

/** \1, \g<1> and \g<name> by the groups of the match. */
function expand(line: string, match: RegExpExecArray | null): string {
  return line.replace(/\\(?:g<(\w+)>|(\d{1,2}))/g, (whole, name: string | undefined, digits: string | undefined) => {
    const key = name ?? digits ?? '';
    return (/^\d+$/.test(key) ? match?.[Number(key)] : match?.groups?.[key]) ?? (match === null ? whole : '');
  });
}
