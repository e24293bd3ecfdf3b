import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { conffilesOf, date, installedSize, tidy } from './staging.ts';

let staging: string;
beforeEach(() => { staging = mkdtempSync(join(tmpdir(), 'hsmfleet-staging-')); });
afterEach(() => { rmSync(staging, { recursive: true, force: true }); });

function put(name: string, text = 'x'): void {
  mkdirSync(join(staging, name, '..'), { recursive: true });
  writeFileSync(join(staging, name), text);
}

test('leaves out what no package should bring, tells libraries from other files, sorts', () => {
  put('usr/lib/libx.so.1', '\x7fELF…');
  put('usr/lib/libx.la');
  put('usr/share/info/dir');
  put('usr/share/x/dir');
  put('etc/x.conf', 'y'.repeat(1025));
  symlinkSync('libx.so.1', join(staging, 'usr/lib/libx.so'));
  const files = tidy(staging, 'x 1');
  expect(files.filter((file) => file.kind !== 'folder').map((file) => [file.target, file.kind, file.elf])).toEqual([
    ['/etc/x.conf', 'file', false], ['/usr/lib/libx.so', 'link', false], ['/usr/lib/libx.so.1', 'file', true], ['/usr/share/x/dir', 'file', false],
  ]);
  expect(existsSync(join(staging, 'usr/lib/libx.la'))).toBe(false);
  // etc, usr, usr/lib, usr/share, usr/share/info, usr/share/x, the link, and 2 + 1 + 1 KiB
  expect(installedSize(files)).toBe(11);
  date(staging, files, 1_000_000_000);
  for (const path of ['', 'usr/lib', 'usr/lib/libx.so', 'etc/x.conf']) expect(lstatSync(join(staging, path)).mtimeMs, path).toBe(1_000_000_000_000);
});

test('configuration files are those in /etc and those named, which must be there', () => {
  put('etc/b/x.conf');
  put('usr/share/x/a.conf');
  const files = tidy(staging, 'x 1');
  expect(conffilesOf(files, ['/usr/share/x/a.conf', '/etc/b/x.conf'], 'x 1')).toEqual(['/etc/b/x.conf', '/usr/share/x/a.conf']);
  expect(() => conffilesOf(files, ['/usr/share/x'], 'x 1')).toThrow('x 1 has no file /usr/share/x, which conffiles names');
});

test('nothing installed, or names that no list of files can hold', () => {
  mkdirSync(join(staging, 'usr'));
  expect(() => tidy(staging, 'x 1')).toThrow('make install of x 1 installed nothing');
  put('usr/a\nb');
  expect(() => tidy(staging, 'x 1')).toThrow(String.raw`x 1 installs "/usr/a\nb"`);
});
