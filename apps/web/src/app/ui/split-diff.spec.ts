import { expect, test } from 'vitest';
import { splitDiff } from './split-diff.ts';

test('a removed line of dashes is a change, not the name of a file', () => {
  const lines = splitDiff('--- /etc/motd\n+++ /etc/motd\n@@ -1,2 +1,2 @@\n same\n--- old\n+++ new\n');
  expect(lines.map(({ kind }) => kind)).toEqual(['file', 'file', 'place', 'same', 'removed', 'added']);
});
