import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HostFacts } from '@hsmfleet/contract';
import { Value } from '@sinclair/typebox/value';
import { afterEach, expect, test } from 'vitest';
import { gatherFacts, parseOsRelease } from './facts.ts';

const roots: string[] = [];
afterEach(() => { for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true }); });

function rootWith(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'hsmfleet-facts-'));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test('this machine gives facts that fit the schema', () => {
  expect([...Value.Errors(HostFacts, gatherFacts())]).toEqual([]);
});

test.each([
  ['Debian with its point release', {
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n', 'etc/debian_version': '12.5\n', 'usr/bin/apt-get': '', 'usr/sbin/apache2': '',
  }, { distribution: 'Debian', distribution_version: '12.5', distribution_major_version: '12', distribution_release: 'bookworm', os_family: 'Debian', pkg_mgr: 'apt', service_mgr: 'sysvinit', apache: { flavor: 'debian', installed: true, service: 'apache2' } }],
  ['Debian testing, whose version file has words', {
    'etc/os-release': 'ID=debian\nVERSION_CODENAME=forky\n', 'etc/debian_version': 'forky/sid\n',
  }, { distribution: 'Debian', distribution_version: '', apache: { installed: false } }],
  ['AlmaLinux with systemd', {
    'etc/os-release': 'NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n', 'usr/bin/dnf': '', 'run/systemd/system/x': '',
  }, { distribution: 'AlmaLinux', distribution_major_version: '9', os_family: 'RedHat', pkg_mgr: 'dnf', service_mgr: 'systemd', apache: { flavor: 'redhat', service: 'httpd', user: 'apache' } }],
  ['Arch', { 'usr/lib/os-release': 'ID=arch\n', 'usr/bin/pacman': '' }, { distribution: 'Archlinux', distribution_version: 'rolling', os_family: 'Archlinux', pkg_mgr: 'pacman', apache: { flavor: 'arch', user: 'http' } }],
  ['a relative of Debian', { 'etc/os-release': "ID=devuan\nID_LIKE=debian\nNAME='Devuan GNU/Linux'\nVERSION_ID=5\n" }, { distribution: 'Devuan GNU/Linux', os_family: 'Debian' }],
  ['an empty root', {}, { distribution: 'Linux', pkg_mgr: 'unknown', default_ipv4: {} }],
])('%s', (_title, files, expected) => {
  expect(gatherFacts(rootWith(files as Record<string, string>))).toMatchObject(expected);
});

test('os-release: quotes and escapes', () => {
  expect(parseOsRelease('A="x \\"y\\" \\$z"\n# B=1\nC=\'d e\'\nE=f\nnonsense\n')).toEqual({ A: 'x "y" $z', C: 'd e', E: 'f' });
});
