import { expect, test } from 'vitest';
import { firstErrorLine, tailOf } from './build-log.ts';

/** Ends of logs as the programs write them, and the line that a person would point at. */
test.each([
  ['a compiler, before make says that it failed', 'cc -c a.c\na.c: In function \'main\':\na.c:3:10: error: \'x\' undeclared\nmake: *** [Makefile:2: a.o] Error 1\n', 'a.c:3:10: error: \'x\' undeclared'],
  ['a missing header', 'src/b.cpp:7:10: fatal error: openssl/err.h: No such file or directory\ncompilation terminated.\n', 'src/b.cpp:7:10: fatal error: openssl/err.h: No such file or directory'],
  ['a linker', '/usr/bin/ld: cannot find -lpcsclite: No such file or directory\ncollect2: error: ld returned 1 exit status\n', '/usr/bin/ld: cannot find -lpcsclite: No such file or directory'],
  ['configure, after checks that speak of errors', 'checking for an error: no\nconfigure: error: no acceptable C compiler found\nSee config.log\n', 'configure: error: no acceptable C compiler found'],
  ['autoconf', 'configure.ac:4: error: possibly undefined macro: AC_PROG_LIBTOOL\nautoreconf: error: /usr/bin/autoconf failed\n', 'configure.ac:4: error: possibly undefined macro: AC_PROG_LIBTOOL'],
  ['make alone', 'make: Nothing\nmake[1]: *** No rule to make target \'install\'.  Stop.\n', "make[1]: *** No rule to make target 'install'.  Stop."],
  ['tar', 'tar (child): xz: Cannot exec: No such file or directory\ntar: Child returned status 2\n', 'tar (child): xz: Cannot exec: No such file or directory'],
  ['nothing that looks like an error', 'one\ntwo\n\n', 'two'],
])('%s', (_title, log, line) => {
  expect(firstErrorLine(log)).toBe(line);
});

test('an empty log has none, a long line is cut, a tail is the last lines', () => {
  expect(firstErrorLine('\n')).toBeUndefined();
  expect(firstErrorLine(`error: ${'x'.repeat(1000)}`)).toHaveLength(400);
  expect(tailOf('a\nb\nc\n\n', 2)).toBe('b\nc');
});
