import { Secret } from '@hsmfleet/contract';
import type { WebChange } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { applyModeOf } from './apply-mode.ts';

const write = (path: string, text = ''): WebChange['changes'][number] => ({ kind: 'write_file', path, content: { from: 'text', text } });
const mode = (changes: WebChange['changes'], more: Partial<WebChange> = {}): string => applyModeOf({ apply: 'reload', changes, pins: [], ...more }, new Set(['/etc/web.pin']));

test.each([
  ['nothing', []],
  ['a virtual host', [write('/etc/apache2/sites-available/a.conf', 'DocumentRoot /x\n')]],
  ['a page', [write('/var/www/index.html', '<p>NSSNickname is a directive</p>')]],
])('a reload is enough for %s', (_title, changes) => {
  expect(mode(changes)).toBe('reload');
});

test.each([
  ['the PIN file', [{ kind: 'set_attributes' as const, path: '/etc/web.pin', mode: 0o640 }]],
  ["the NSS database's modules", [write('/etc/nss/pkcs11.txt')]],
  ['the environment', [write('/etc/apache2/envvars')]],
  ['a module', [{ kind: 'make_link' as const, path: '/etc/apache2/mods-enabled/ssl.conf', target: '../mods-available/ssl.conf' }]],
  ['a nickname', [write('/etc/apache2/sites-available/a.conf', '<VirtualHost *:1>\n  nssnickname "T:a"\n')]],
  ['a program, of which nothing is known', [{ kind: 'run' as const, argv: ['x'], why: 'x' }]],
])('a reload would hide %s', (_title, changes) => {
  expect(mode(changes)).toBe('restart');
  expect(mode(changes, { apply: 'pending-reload' })).toBe('restart');
});

test('a step that names PINs, or asks for a restart, gets one', () => {
  expect(mode([], { apply: 'pending-restart' })).toBe('restart');
  expect(mode([], { pins: [{ file: '/p', module: { path: '/m' }, tokenLabel: 'T', pin: new Secret('648219') }] })).toBe('restart');
});
