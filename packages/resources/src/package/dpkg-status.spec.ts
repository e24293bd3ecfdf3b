import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDpkgStatus } from './dpkg-status.ts';
import { parsePackageFile } from './package-file.ts';

const STATUS = `Package: apache2
Status: install ok installed
Architecture: amd64
Version: 2.4.62-1~deb12u2
Provides: httpd, httpd-cgi (= 2.4)
Description: a server
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: hold ok installed
Architecture: i386
Version: 1:2.36-9
Hsmfleet-Inputs: abc
`;

describe('the status file', () => {
  const status = parseDpkgStatus(STATUS);
  test.each([
    ['apache2', '2.4.62-1~deb12u2'],
    ['apache2:amd64', '2.4.62-1~deb12u2'],
    ['httpd-cgi', '2.4.62-1~deb12u2'],
    ['libc6', '1:2.36-9'],
    ['libc6:amd64', undefined],
    ['gone', undefined],
    ['not-a-field', undefined],
  ])('%s', (name, version) => {
    expect(status.find(name)?.version).toBe(version);
  });

  test('tells what a package was built from, where the package says so', () => {
    expect([status.find('libc6')?.inputsSha256, status.find('apache2')?.inputsSha256]).toEqual(['abc', undefined]);
  });
});

test.skipIf(!existsSync('/var/lib/dpkg/status'))("this machine's own (skipped where there is no dpkg)", () => {
  expect(parseDpkgStatus(readFileSync('/var/lib/dpkg/status', 'utf8')).find('dpkg')?.version).toMatch(/^\d/);
});

describe('names of package files', () => {
  test.each([
    ['files/libsc-hsm_2.9-1_amd64.deb', { name: 'libsc-hsm', version: '2.9-1' }],
    ['x_1%3a2.3_all.deb', { name: 'x', version: '2.3' }],
    ['mod_nss-1.0.14-12.el7.x86_64.rpm', { name: 'mod_nss', version: '1.0.14-12.el7' }],
    ['sc-hsm-embedded-2.9-1-x86_64.pkg.tar.zst', { name: 'sc-hsm-embedded', version: '2.9-1' }],
  ])('%s', (path, expected) => {
    expect(parsePackageFile(path)).toEqual(expected);
  });

  test.each(['x.deb', 'setup.exe', 'x_1.deb'])('%s tells nothing', (path) => {
    expect(() => parsePackageFile(path)).toThrow('is not named as a package file');
  });
});
