import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableBlock, printableJson, printableStart } from './printable.ts';

/** Spelled out, so that a change of what is escaped is noticed. */
const DECEIVING = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u;

test('every code point is either harmless as it is, or escaped', () => {
  for (let code = 0; code <= 0x10_ffff; code += 1) {
    // planes of ideographs, of nothing and of private use are all alike, their last two code points aside
    if (code === 0x2_1000) code = 0x2_fff0;
    if (code === 0x3_0000) code = 0xd_fff0;
    if (code === 0xe_2000) code = 0xf_fff0;
    if (code === 0x10_0100) code = 0x10_fff0;
    const char = String.fromCodePoint(code);
    const shown = printable(char);
    if (DECEIVING.test(shown) || (shown !== char && !DECEIVING.test(char) && !/[\ufff9-\ufffb]/.test(char))) throw new Error(`U+${code.toString(16)} is shown as ${JSON.stringify(shown)}`);
  }
  expect(printable('\u0000\u001b\u009b\n\t\u202e\ufe0f\u{e0041}\ud800\uffff ü漢🙂')).toBe('\\x00\\x1b\\x9b\\n\\t\\u202e\\ufe0f\\u{e0041}\\ud800\\uffff ü漢🙂');
});

test('a block keeps its lines', () => {
  expect(printableBlock('a\n\tb\r\n\u001b')).toBe('a\n\tb\\r\n\\x1b');
});

test('JSON reads back as it was, on one line or many', () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), fc.constantFrom(0, 2), (texts, indent) => {
    const value = { [texts[0] ?? '']: texts, nested: [{ texts }, 1, null] };
    const text = printableJson(value, indent);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    expect(text.replaceAll('\n', '')).not.toMatch(DECEIVING);
    if (indent === 0) expect(text).not.toContain('\n');
  }));
});

test('no more than the beginning of a long text is shown, and no half of a character', () => {
  expect(printableStart('abc', 3)).toBe('abc');
  expect(printableStart('abcd', 3)).toBe('abc…');
  expect(printableStart('ab🙂d', 3)).toBe('ab…');
  expect(printableStart('\u0000'.repeat(10), 2)).toBe('\\x00\\x00…');
});
