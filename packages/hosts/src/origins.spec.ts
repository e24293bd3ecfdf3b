import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadHosts } from './load-hosts.ts';
import { VARIABLE_LEVELS } from './variable-levels.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'origins-'));
  const files = {
    hosts: '[web]\na x=line y="{{ x }}"\n[prod:children]\nweb\n[all:vars]\nx=all\n[prod:vars]\nx=prod\n[web:vars]\n x = web\n',
    'more.yml': 'web:\n  vars:\n    x: yaml\n', 'group_vars/all.yml': 'x: fileall\n', 'group_vars/web/1.yml': '# c\nx: file1\n', 'group_vars/web/2.yml': 'x: file2\n', 'host_vars/a.yml': 'x: hostfile\n',
    'play/group_vars/all.yml': 'x: playall\n', 'play/group_vars/web.yml': 'x: playweb\n', 'play/host_vars/a.yml': 'x: playhost\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('every value of a variable is known, the nearest first, with level and place', async () => {
  const model = await loadHosts([join(folder, 'hosts'), join(folder, 'more.yml')], { playbookDir: join(folder, 'play') });
  const origin = model.find('a')?.origins('x');
  const told = origin === undefined ? [] : [origin, ...origin.overridden];
  expect(told.map(({ value, level, group, position }) => `${String(value)} | ${level} | ${String(group)} | ${position?.file.slice(folder.length + 1) ?? ''}:${String(position?.line)}:${String(position?.column)}`)).toEqual([
    'playhost | host_vars beside the playbook | undefined | play/host_vars/a.yml:1:1',
    'hostfile | host_vars beside the hosts files | undefined | host_vars/a.yml:1:1',
    'line | host vars in a hosts file | undefined | hosts:2:3',
    'playweb | group_vars beside the playbook | web | play/group_vars/web.yml:1:1',
    'file2 | group_vars beside the hosts files | web | group_vars/web/2.yml:1:1',
    'file1 | group_vars beside the hosts files | web | group_vars/web/1.yml:2:1',
    'playall | group_vars/all beside the playbook | all | play/group_vars/all.yml:1:1',
    'fileall | group_vars/all beside the hosts files | all | group_vars/all.yml:1:1',
    'yaml | group vars in a hosts file | web | more.yml:3:5',
    'prod | group vars in a hosts file | prod | hosts:8:1',
    'all | group vars in a hosts file | all | hosts:6:1',
  ]);
  expect(told.map(({ level }) => VARIABLE_LEVELS[level])).toEqual(told.map(({ level }) => VARIABLE_LEVELS[level]).sort((a, b) => b - a));
  expect(model.find('a')?.origins('none')).toBeUndefined();
  expect(model.find('a')?.vars.x).toBe('playhost');
});

it('a template knows its place on a line of an INI file', async () => {
  const model = await loadHosts([join(folder, 'hosts')]);
  expect(model.find('a')?.vars.y).toMatchObject({ text: '{{ x }}', position: { file: join(folder, 'hosts'), line: 2, column: 13 } });
});
