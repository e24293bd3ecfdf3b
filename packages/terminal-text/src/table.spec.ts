import { describe, expect, it } from 'vitest';
import { createColors, wantsColor } from './colors.ts';
import { errorLines } from './error-text.ts';
import { formatTable } from './table.ts';

const plain = createColors(false);

describe('a table', () => {
  it('aligns text left and numbers right, and shows null as a dash', () => {
    expect(formatTable(['host', 'bits', 'curve'], [['a', 1024, null], ['long-name', 256, 'prime256v1']], plain)).toBe(
      'host       bits  curve\na          1024  -\nlong-name   256  prime256v1\n',
    );
  });

  it('escapes what a host could use to fool the terminal', () => {
    expect(formatTable(['label'], [['a\u001b[2Jb\nc\u202e']], plain)).toBe('label\na\\x1b[2Jb\\nc\\u202e\n');
  });

  it('without rows is its heading', () => {
    expect(formatTable(['host', 'label'], [], plain)).toBe('host  label\n');
  });
});

describe('an error', () => {
  it('shows the end of a log, line by line and made safe', () => {
    const error = { code: 'COMMAND_FAILED', message: 'make failed', hint: 'read it', details: { log_tail: 'cc a.c\na.c:1: error: \u001b[31mno' } };
    expect(errorLines(error, plain)).toEqual(['error: make failed', '   | cc a.c', '   | a.c:1: error: \\x1b[31mno', '  hint: read it']);
  });

  it('has its place, a caret under the column, and a hint', () => {
    const error = { code: 'PLAYBOOK_INVALID', message: 'unknown key "hots"', hint: 'did you mean "hosts"?', position: { file: 'site.yml', line: 3, column: 3 }, excerpt: '\t hots: web' };
    expect(errorLines(error, plain)).toEqual([
      'error: unknown key "hots"', '  --> site.yml:3:3', '   |   hots: web', '   |   ^', '  hint: did you mean "hosts"?',
    ]);
  });
});

describe('colours', () => {
  it.each([
    [{ isTTY: true }, {}, true], [{ isTTY: false }, {}, false], [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true], [{ isTTY: true }, { TERM: 'dumb' }, false], [{ isTTY: false }, { FORCE_COLOR: '1' }, true],
  ])('%j with %j: %j', (stream, env, expected) => {
    expect(wantsColor(stream, env)).toBe(expected);
  });
});
