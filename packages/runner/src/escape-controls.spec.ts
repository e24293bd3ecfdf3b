import { expect, it } from 'vitest';
import { escapeControls, escapeControlsIn } from './escape-controls.ts';

it('writes escape sequences, carriage returns and direction marks out', () => {
  expect(escapeControls('\x1b[2Jok\r\x9b1m\u202e')).toBe('\\x1b[2Jok\\x0d\\x9b1m\\u202e');
});

it('leaves lines, tabs and the rest of Unicode alone', () => {
  expect(escapeControls('a\tb\nÄ 漢 🔑')).toBe('a\tb\nÄ 漢 🔑');
});

it('goes through lists, mappings and their keys', () => {
  expect(escapeControlsIn({ 'k\x07': ['v\x07', 1, null, true] })).toEqual({ 'k\\x07': ['v\\x07', 1, null, true] });
});
