import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { projectDigest } from './project-digest.ts';

const folders: string[] = [];
afterEach(() => { for (const folder of folders.splice(0)) rmSync(folder, { recursive: true }); });

const FILES = {
  'site.yml': '- hosts: all\n', 'hosts.yml': 'all:\n', 'group_vars/all/pins.yml': 'pin: !secret file:../../pins/{{ inventory_hostname }}\nother: !secret "file:one"\n',
  'templates/site.conf.j2': 'x\n', 'secrets/token-pin': '648219\n', 'pins/web01': '648219\n', 'group_vars/all/one': '648219\n', 'vault-password': 'correct horse\n',
  'key': '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n', '.git/HEAD': 'ref\n', 'node_modules/x/index.js': '1\n',
};

function project(changed: Record<string, string> = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-project-'));
  folders.push(folder);
  for (const [name, text] of Object.entries({ ...FILES, ...changed })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return projectDigest(folder, [join(folder, 'vault-password')]);
}

test('copies of a project have one digest', async () => {
  expect(await project()).toBe(await project());
  expect(await project()).toMatch(/^[0-9a-f]{64}$/);
});

test.each(['site.yml', 'hosts.yml', 'group_vars/all/pins.yml', 'templates/site.conf.j2', 'new.yml'])('%s is part of it', async (name) => {
  expect(await project({ [name]: '# changed\n' })).not.toBe(await project());
});

test.each(['secrets/token-pin', 'pins/web01', 'pins/web02', 'group_vars/all/one', 'vault-password', '.git/HEAD', 'node_modules/x/index.js'])('%s is not: it may be a secret, or nothing of the project', async (name) => {
  expect(await project({ [name]: '123456\n' })).toBe(await project());
});

test('private keys are not', async () => {
  expect(await project({ key: '-----BEGIN OPENSSH PRIVATE KEY-----\nxyz\n' })).toBe(await project());
});
