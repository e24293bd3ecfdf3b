import ts from 'typescript';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/*
 * The types that carry safety, tried on what must not compile: each line of the file ends with the code that TypeScript
 * has to answer with.
 */
const FILE = fileURLToPath(new URL('testdata/must-not-typecheck.ts', import.meta.url));

test('what the safety types forbid does not compile', { timeout: 90_000 }, () => {
  const program = ts.createProgram([FILE], {
    strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext, allowImportingTsExtensions: true, types: ['node'],
  });
  const found = ts
    .getPreEmitDiagnostics(program)
    .filter((diagnostic) => diagnostic.file?.fileName === FILE)
    .map((diagnostic) => `${String((diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0) + 1)} TS${String(diagnostic.code)}`);
  const text = ts.sys.readFile(FILE) ?? '';
  const expected = text.split('\n').flatMap((line, index) => {
    const code = /\/\/ (TS\d+)$/.exec(line)?.[1];
    return code === undefined ? [] : [`${String(index + 1)} ${code}`];
  });
  expect(expected.length).toBeGreaterThan(4);
  expect(found).toEqual(expected);
});
