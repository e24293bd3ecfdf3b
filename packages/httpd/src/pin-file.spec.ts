import { HsmfleetError, Secret } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkPinFile, parsePinFile, pinFor, renderPinFile } from './pin-file.ts';

const pin = (value: string): Secret => new Secret(value, 'a test');
const used = (text: string, token: string): string | undefined => pinFor(text, token)?.reveal();

describe('which PIN mod_nss uses', () => {
  test.each([
    ['the last match wins', 'Web:1\nWeb:2\n', 'Web', '2'],
    ['lines match by prefix', 'Web-HSM:1\n', 'Web', '1'],
    ['no left trim', ' Web:1\n', 'Web', undefined],
    ['split at the first colon', 'Web:1:2\n', 'Web', '1:2'],
    ['a colon in the token name breaks', 'My:Web:1\n', 'My:Web', 'Web:1'],
    ['blanks around the PIN go', 'Web:   12 34  \n', 'Web', '12 34'],
    ['CR stays', 'Web:1234\r\n', 'Web', '1234\r'],
    ['tabs stay', 'Web:\t1234\t\n', 'Web', '\t1234\t'],
    ['no newline at the end', 'Web:1234', 'Web', '1234'],
    ['no colon', 'Web\n', 'Web', undefined],
    ['a malformed last match hides a good one', 'Web:1\nWeb\n', 'Web', undefined],
    ['there are no comments', '#Web:1\n', 'Web', undefined],
    ['an empty PIN', 'internal:\n', 'internal', ''],
    ['other case', 'web:1\n', 'Web', undefined],
  ])('%s', (_title, text, token, expected) => {
    expect(used(text, token)).toBe(expected);
  });

  test('a line longer than the buffer goes on as a line of its own', () => {
    const text = `Web:${'1'.repeat(1019)}Web:2\n`;
    expect(used(text, 'Web')).toBe('2');
    expect(parsePinFile(text).map(({ line, cut }) => ({ line, cut }))).toEqual([{ line: 1, cut: true }, { line: 1, cut: true }]);
  });
});

describe('check of a file', () => {
  test.each([
    ['fine', 'internal:\nWeb:1234\n', []],
    ['missing', 'Web:1234\n', ['no line starts with "internal:"']],
    ['malformed', 'internal:\nWeb\n', ['no colon']],
    ['twice', 'internal:\nWeb:1\nWeb:2\n', ['2 lines start with "Web"']],
    ['of another token', 'internal:\nWeb:1\nWeb-HSM:2\n', ['another token']],
    ['CR', 'internal:\r\nWeb:1234\r\n', ['CR', 'CR']],
    ['tab', 'internal:\nWeb:12\t34\n', ['tab']],
    ['empty', 'internal:\nWeb:\n', ['PIN is empty']],
    ['leading blank', 'internal:\n Web:1234\n', ['no line starts with "Web:"']],
    ['long', `internal:\nWeb:${'1'.repeat(1100)}\n`, ['longer than']],
  ])('%s', (_title, text, expected) => {
    const problems = checkPinFile(text, ['internal', 'Web']);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((part, index) => { expect(problems[index]?.message).toContain(part); });
    expect(JSON.stringify(problems)).not.toMatch(/1234|11111/);
  });
});

describe('rendering', () => {
  test('writes lines in order, as a secret', () => {
    const text = renderPinFile([{ token: 'internal', pin: pin('') }, { token: 'Web HSM', pin: pin('12:34') }]);
    expect(text.reveal()).toBe('internal:\nWeb HSM:12:34\n');
    expect(String(text)).toBe('[secret]');
  });

  test.each([
    ['no entry', []],
    ['empty name', [['', '1234']]],
    ['colon in the name', [['My:Web', '1234']]],
    ['leading blank in the name', [[' Web', '1234']]],
    ['trailing blank in the name', [['Web ', '1234']]],
    ['tab in the name', [['We\tb', '1234']]],
    ['newline in the name', [['We\nb', '1234']]],
    ['one name begins another', [['Web-HSM', '1'], ['Web', '2']]],
    ['one name twice', [['Web', '1'], ['Web', '2']]],
    ['leading blank in the PIN', [['Web', ' 1234']]],
    ['trailing blank in the PIN', [['Web', '1234 ']]],
    ['tab in the PIN', [['Web', '12\t34']]],
    ['CR in the PIN', [['Web', '1234\r']]],
    ['newline in the PIN', [['Web', '1234\n']]],
    ['NUL in the PIN', [['Web', '12\0' + '34']]],
    ['empty PIN', [['Web', '']]],
    ['too long', [['Web', '1'.repeat(1020)]]],
  ])('refuses: %s', (_title, entries) => {
    let thrown: unknown;
    try {
      renderPinFile(entries.map(([token = '', value = '']) => ({ token, pin: pin(value) })));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HsmfleetError);
    expect((thrown as HsmfleetError).code).toBe('PARAMS_INVALID');
    expect((thrown as HsmfleetError).message).not.toContain('1234');
  });
});

test('whatever can be rendered is read back as it was meant, and passes the check', () => {
  const entry = fc.record({ token: fc.string({ minLength: 1, maxLength: 32 }), pin: fc.string({ minLength: 1, maxLength: 64 }) });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), (entries) => {
      let text: string;
      try {
        text = renderPinFile(entries.map(({ token, pin: value }) => ({ token, pin: pin(value) }))).reveal();
      } catch {
        return; // refused: that is always allowed
      }
      for (const { token, pin: value } of entries) expect(used(text, token)).toBe(value);
      expect(checkPinFile(text, entries.map(({ token }) => token))).toEqual([]);
    }),
  );
});

test('no text makes the parser throw', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (text, token) => {
    parsePinFile(text);
    pinFor(text, token);
    expect(Array.isArray(checkPinFile(text, [token]))).toBe(true);
  }));
});
