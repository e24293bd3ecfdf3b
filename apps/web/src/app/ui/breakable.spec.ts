import { expect, test } from 'vitest';
import { breakPoints } from './breakable.tsx';

test('lines end between the parts of a name, and never within one', () => {
  expect(breakPoints('web01.ber.example.org')).toEqual(['web01.', 'ber.', 'example.', 'org']);
  expect(breakPoints('/usr/lib/x.so')).toEqual(['/', 'usr/', 'lib/', 'x.', 'so']);
  expect(breakPoints('plain')).toEqual(['plain']);
});
