import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { addonFileName } from './native.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const addon = fileURLToPath(new URL(`../dist/${addonFileName()}`, import.meta.url));
const build = (): void => {
  execFileSync(process.execPath, ['build-addon.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
};

describe('the native add-on', () => {
  test('asks for nothing newer than Debian 11 has', () => {
    build();
    const symbols = execFileSync('objdump', ['-T', addon], { encoding: 'utf8' });
    const newest = (family: string): number[] =>
      [...symbols.matchAll(new RegExp(`\\b${family}_([0-9.]+)`, 'g'))]
        .map((match) => (match[1] ?? '').split('.').map(Number))
        .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0) || (a[2] ?? 0) - (b[2] ?? 0))
        .at(-1) ?? [];
    const atMost = (version: number[], limit: number[]): boolean => {
      for (const [index, part] of limit.entries()) if ((version[index] ?? 0) !== part) return (version[index] ?? 0) < part;
      return true;
    };
    expect(newest('GLIBC')).toSatisfy((version: number[]) => version.length > 0 && atMost(version, [2, 31]));
    expect(newest('GLIBCXX')).toSatisfy((version: number[]) => version.length > 0 && atMost(version, [3, 4, 28]));
    expect(newest('CXXABI')).toSatisfy((version: number[]) => atMost(version, [1, 3, 12]));
  });

  const runtimes = [process.execPath, '/usr/bin/node'].filter((path) => existsSync(path));
  if (runtimes.length === 1) process.stderr.write('/usr/bin/node is missing: the add-on is tried with one Node only\n');
  test.each(runtimes)('loads and opens a library under %s', (node) => {
    build();
    const program = `
      const loaded = { exports: {} };
      process.dlopen(loaded, ${JSON.stringify(addon)});
      try { new loaded.exports.PKCS11().load('/nonexistent.so'); } catch (error) { console.log(error.message); }`;
    expect(execFileSync(node, ['-e', program], { encoding: 'utf8' })).toContain('/nonexistent.so: cannot open shared object file');
  });

  test('is not built again when it is up to date', () => {
    build();
    const { mtimeMs } = statSync(addon);
    build();
    expect(statSync(addon).mtimeMs).toBe(mtimeMs);
  });
});
