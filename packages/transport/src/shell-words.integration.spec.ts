import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quoteShellWord } from './shell-words.ts';

it('gives every shell here the same words back', () => {
  const words = fc.sample(fc.string({ unit: 'binary', minLength: 0, maxLength: 30 }), 60).map((word) => word.replaceAll(/[\0\ud800-\udfff]/g, ''));
  words.push('', "it's", '$HOME `id` \\ "x"', '-n', '*', 'a\nb', '!!', "'''");
  const command = `printf '%s\\0' ${words.map(quoteShellWord).join(' ')}`;
  for (const shell of ['/bin/sh', '/bin/bash']) {
    const printed = execFileSync(shell, ['-c', command]).toString('utf8').split('\0').slice(0, -1);
    expect(printed).toEqual(words.map((word) => Buffer.from(word).toString('utf8')));
  }
});

it('leaves plain words readable', () => {
  expect(quoteShellWord('/usr/bin/node-24_x@y')).toBe('/usr/bin/node-24_x@y');
});
