import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editLines, type LineEdit } from './edit-lines.ts';

const present = (more: Partial<LineEdit>): LineEdit => ({ state: 'present', line: 'new', ...more });

describe('present', () => {
  test.each<[string, string, Partial<LineEdit>, string]>([
    ['added at the end', 'a\n', {}, 'a\nnew\n'],
    ['to an empty file', '', {}, 'new\n'],
    ['a last line without its newline gets one', 'a', {}, 'a\nnew\n'],
    ['there already', 'new\na\n', {}, 'new\na\n'],
    ['there, with a CR', 'new\r\na\n', {}, 'new\r\na\n'],
    ['the last match is replaced', 'k=1\nk=2\n', { regexp: '^k=', line: 'k=3' }, 'k=1\nk=3\n'],
    ['the first with firstmatch', 'k=1\nk=2\n', { regexp: '^k=', line: 'k=3', firstmatch: true }, 'k=3\nk=2\n'],
    ['a match that is right already', 'k=3\n', { regexp: '^k=', line: 'k=3' }, 'k=3\n'],
    ['no match, but the line is there', 'x\nk=3\n', { regexp: '^nothing', line: 'k=3' }, 'x\nk=3\n'],
    ['no match: added', 'x\n', { regexp: '^k=', line: 'k=3' }, 'x\nk=3\n'],
    ['search_string', 'a+b\nx\n', { search_string: 'a+b' }, 'new\nx\n'],
    ['after the last match', 'a\nb\na\nc\n', { insertafter: '^a' }, 'a\nb\na\nnew\nc\n'],
    ['after the first match', 'a\nb\na\n', { insertafter: '^a', firstmatch: true }, 'a\nnew\nb\na\n'],
    ['after a match that is the last line without newline', 'x\na', { insertafter: '^a' }, 'x\na\nnew\n'],
    ['before the last match', 'a\nb\na\n', { insertbefore: '^a' }, 'a\nb\nnew\na\n'],
    ['before the first line', 'a\n', { insertbefore: 'BOF' }, 'new\na\n'],
    ['an anchor that is not there', 'a\n', { insertafter: '^z' }, 'a\nnew\n'],
    ['back references', 'port 80\n', { regexp: '^(port) \\d+', line: '\\1 443', backrefs: true }, 'port 443\n'],
    ['named ones in Python spelling', 'port 80\n', { regexp: '^(?P<k>port) ', line: '\\g<k> 443', backrefs: true }, 'port 443\n'],
    ['back references without a match do nothing', 'x\n', { regexp: '^(port)', line: '\\1 443', backrefs: true }, 'x\n'],
    ['a line with a dollar sign is text', 'k=1\n', { regexp: '^k=', line: "k='$& $1'" }, "k='$& $1'\n"],
    ['a flag in front', 'KEY=1\n', { regexp: '(?i)^key=', line: 'key=2' }, 'key=2\n'],
  ])('%s', (_title, text, edit, expected) => {
    expect(editLines(text, present(edit))).toBe(expected);
    // what was done once is not done again (with back references the new line need not match)
    if (edit.backrefs !== true) expect(editLines(expected, present(edit))).toBe(expected);
  });
});

describe('absent', () => {
  test.each<[string, string, Partial<LineEdit>, string]>([
    ['all that match', 'a1\nb\na2\n', { regexp: '^a' }, 'b\n'],
    ['an equal line', 'a\nab\na', { line: 'a' }, 'ab\n'],
    ['a line that holds the text', 'x.y\nxzy\n', { search_string: '.' }, 'xzy\n'],
    ['none', 'x\n', { line: 'y' }, 'x\n'],
  ])('%s', (_title, text, edit, expected) => {
    expect(editLines(text, { state: 'absent', ...edit })).toBe(expected);
  });
});

test('a regular expression that cannot be read is named', () => {
  expect(() => editLines('', present({ regexp: '(' }))).toThrow('regexp is no regular expression: (');
});

test('a line is there after it was added, once, and the others stay', () => {
  const line = fc.string({ maxLength: 6 }).map((text) => text.replace(/[\r\n]/g, ''));
  fc.assert(fc.property(fc.array(line), line, (lines, added) => {
    const text = lines.map((item) => `${item}\n`).join('');
    const after = editLines(text, { state: 'present', line: added });
    expect(editLines(after, { state: 'present', line: added })).toBe(after);
    expect(after.split('\n')).toContain(added);
    expect(after.startsWith(text)).toBe(true);
  }));
});
