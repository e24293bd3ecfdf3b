import { expect, test } from 'vitest';
import { hasWord, replaceWord } from './words.ts';

test.each([
  ['the key has 1024 bits', '1024', true], ['web12 answers', 'web1', false], ['in web1: no', 'web1', true], ['web1', '', false], ['größe', 'gr', false], ['web11 and web1', 'web1', true],
])('"%s" has the word "%s": %j', (text, value, expected) => {
  expect(hasWord(text, value)).toBe(expected);
});

test('only whole words are replaced, every one of them', () => {
  expect(replaceWord('web1 web11, web1:22 xweb1 web1', 'web1', 'HOST')).toBe('HOST web11, HOST:22 xweb1 HOST');
  expect(replaceWord('nothing here', 'web1', 'HOST')).toBe('nothing here');
  // what stands in its place may hold the word again
  expect(replaceWord('a a', 'a', 'a a')).toBe('a a a a');
});

test('a text that repeats itself takes no time', () => {
  const before = performance.now();
  expect(hasWord('a'.repeat(400_000), 'a'.repeat(200_000))).toBe(true);
  expect(hasWord(`${'a'.repeat(400_000)}b`, 'a'.repeat(150))).toBe(false);
  expect(performance.now() - before).toBeLessThan(10_000);
});
