import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeNssPinFile, judgePlainPinFile } from './pin-file-verdict.ts';

describe('a file for mod_nss', () => {
  test('one entry for each token in use', () => {
    expect(judgeNssPinFile('internal:\nWeb:648219\n', ['internal', 'Web'], [])).toEqual({ problems: [], tokens: ['internal', 'Web'], missing: [], unknownEntries: 0 });
  });

  test('comments and empty lines are none', () => {
    expect(judgeNssPinFile('# for: the shop\n\n  \nWeb:648219', ['Web'], [''])).toEqual({ problems: [], tokens: ['Web'], missing: [], unknownEntries: 0 });
  });

  test.each([
    ['a token without an entry', 'Web:1\n', [], ['Card'], 0],
    ['an entry for a token that is known, though not in use', 'Web:1\nCard:1\nSpare:1\n', [], [], 0],
    ['an entry for no token known', 'Web:1\nCard:1\nOld:1\n', [], [], 1],
    ['a bare PIN', '648219\n', ['line 1: there is no colon, so mod_nss takes it for no entry'], ['Web', 'Card'], 0],
    ['a line the wrong way round', 'Card:1\n648219:Web\n', [], ['Web'], 1],
    ['Windows line ends', 'Web:1\r\nCard:1\n', ['line 1: token "Web": the line ends in CR'], [], 0],
    ['Windows line ends in another entry', 'Web:1\nCard:1\nOld:2\r\n', ['line 3: it ends in CR'], [], 1],
    ['a blank before the name', 'Web:1\nCard:1\n Web:1\n', ['line 3: it begins with a blank'], [], 1],
    ['an empty PIN', 'Web:1\nCard:\n', ['line 2: token "Card": the PIN is empty'], [], 0],
    ['two lines for one token', 'Web:1\nCard:1\nWeb:2\n', ['line 3: token "Web": 2 lines start with'], [], 0],
    ['a name that begins another', 'Web:1\nCard:1\nCardinal:1\n', ['line 3: token "Card": mod_nss matches by prefix'], [], 1],
  ])('%s', (_title, text, problems, missing, unknownEntries) => {
    const verdict = judgeNssPinFile(text, ['Web', 'Card'], ['Spare']);
    expect(verdict).toMatchObject({ missing, unknownEntries });
    expect(verdict.problems).toEqual(problems.map((problem) => expect.stringContaining(problem) as string));
  });

  test('no verdict ever holds a PIN, wherever in the file it stands', () => {
    const pin = '648219';
    const piece = fc.constantFrom(pin, ':', '\n', '\r\n', ' ', '\t', 'Web', 'Card', 'internal', '#', `${pin}:Web`, `Web:${pin}`, 'x'.repeat(1_100));
    fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(JSON.stringify(judgeNssPinFile(pieces.join(''), ['Web', 'Card'], ['Spare']))).not.toContain(pin);
      expect(JSON.stringify(judgePlainPinFile(pieces.join(''), ['Web']))).not.toContain(pin);
    }));
  });
});

test.each([
  ['648219', []],
  ['', ['it is empty']],
  ['648219\n', ['it holds a line end, which mod_ssl takes for a part of the PIN']],
  ['6482\t19', ['it holds a control character']],
])('a file with the bare PIN: %j', (text, problems) => {
  expect(judgePlainPinFile(text, ['Web', 'Web'])).toEqual({ problems, tokens: ['Web'], missing: [], unknownEntries: 0 });
});
