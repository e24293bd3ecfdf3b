import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

/* The program from its source: where variables come from, and that no secret is shown on the way. */
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const SECRET = '648219';
/** The same, encrypted by ansible-vault. */
const SEALED = `!vault |\n${[
  '$ANSIBLE_VAULT;1.1;AES256',
  '66306430353761336338616566653233643066306336613561363834313433636639313230626534',
  '3563383930336633366131343035363030323234626231340a333065636163393965323734383863',
  '36333831366433343263393631353239646437613338323162646632343836313537383132396264',
  '6663333438396638310a656435383839343939313635366236626431633063313538633837383934',
  '3764',
].map((line) => `  ${line}\n`).join('')}`;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vars-'));
  const files = {
    hosts: '[web]\nweb01 x=line url="http://{{ inventory_hostname }}/{{ x }}" with_pin="{{ pin }}"\n[web:vars]\nx=web\n',
    'group_vars/web.yml': `pin: !secret file:../pin\nsealed: ${SEALED}asked: !secret prompt:PIN\n`, pin: `${SECRET}\n`,
    'roles/r/defaults/main.yml': 'x: default\nfrom_role: 1\n', 'roles/r/tasks/main.yml': '[]\n', 'more.yml': '# more\nx: more\n',
    'site.yml': '- hosts: web\n  vars:\n    x: play\n  vars_files: [more.yml]\n  roles: [r]\n- hosts: localhost\n  tasks: []\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function hsmfleet(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...words], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('values, levels, places and what was overridden; secrets need no password and are not shown', async () => {
  const ended = await hsmfleet('vars', 'web01', '-i', 'hosts');
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(ended.stdout).toContain('x: "line"\n    host vars in a hosts file, hosts:2:7\n    overrides "web" (group vars in a hosts file, web, hosts:4:1)\n');
  expect(ended.stdout).toContain('url: "http://{{ inventory_hostname }}/{{ x }}"\n    comes to "http://web01/line"\n');
  expect(ended.stdout).toContain('pin: "[secret]"\n    group_vars beside the hosts files, web, group_vars/web.yml:1:1\n');
  expect(ended.stdout).toContain('with_pin: "{{ pin }}"\n    comes to "[secret]"\n');
  expect(ended.stdout).toContain('sealed: "[secret]"\n');
  expect(ended.stdout).toContain('asked: "[secret]"\n');
  expect(ended.stdout + ended.stderr).not.toContain(SECRET);
}, 60_000);

test('with a playbook, as JSON', async () => {
  const ended = await hsmfleet('vars', 'web01', 'x', '-i', 'hosts', '--playbook', 'site.yml', '-e', 'x=extra', '--json');
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const { plays } = JSON.parse(ended.stdout) as { plays: { name: string; variables: { value: string; level: string; overridden: { value: string; level: string; position: { file: string; line: number } }[] }[] }[] };
  expect(plays).toHaveLength(1);
  const [variable] = plays[0]?.variables ?? [];
  expect(variable).toMatchObject({ value: 'extra', level: 'extra vars (-e)' });
  expect(variable?.overridden.map(({ value, level, position }) => [value, level, position.file.slice(position.file.lastIndexOf('/') + 1), position.line])).toEqual([
    ['more', 'vars_files', 'more.yml', 2], ['play', 'play vars', 'site.yml', 3], ['line', 'host vars in a hosts file', 'hosts', 2],
    ['web', 'group vars in a hosts file', 'hosts', 4], ['default', 'role defaults', 'main.yml', 1],
  ]);
}, 60_000);

test('what is asked for and is not there', async () => {
  expect(await hsmfleet('vars', 'web01', 'xx', '-i', 'hosts')).toMatchObject({ code: 1, stderr: expect.stringMatching(/web01 has no variable "xx"[^]*did you mean "x"/) as string });
  expect(await hsmfleet('vars', 'web02', '-i', 'hosts')).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean "web01"') as string });
  expect(await hsmfleet('vars', 'all', '-i', 'a,b')).toMatchObject({ code: 1, stderr: expect.stringContaining('is 2 hosts') as string });
}, 60_000);
