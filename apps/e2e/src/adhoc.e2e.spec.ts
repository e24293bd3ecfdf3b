import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Desk, events, Fleet } from './fleet.ts';

/* One task, or one program, on real hosts without a playbook; hosts files of several kinds. */
let fleet: Fleet;
let desk: Desk;

beforeAll(() => {
  fleet = new Fleet('ah', 20, 2);
  desk = new Desk(fleet);
  desk.write('args.yml', '# as in a playbook\npath: /srv/from-file\nstate: directory\nmode: "0750"\n');
  desk.write('last.retry', 'web02\n');
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

test('a program gets its words as they are, and its output, exit code and errors are told per host', async () => {
  const ended = await desk.hsmfleet('shell', 'all', '-i', 'hosts.yml', '--json', '--', 'sh', '-c', 'echo "{{ here }} $0"; echo wrong >&2; exit 3', '$HOME; id');
  expect(ended, ended.stderr).toMatchObject({ code: 2 });
  const lines = ended.stdout.trim().split('\n').map((line) => JSON.parse(line) as { host: string });
  expect(lines.sort((a, b) => a.host.localeCompare(b.host))).toMatchObject(['web01', 'web02'].map((host) => ({ host, outcome: 'failed', rc: 3, stdout: '{{ here }} $HOME; id', stderr: 'wrong' })));
  const plain = await desk.hsmfleet('shell', 'web01', '-i', 'hosts.yml', '--', 'sh', '-c', 'echo out; echo err >&2');
  expect(plain).toMatchObject({ code: 0, stdout: 'web01 | rc=0 >>\nout\n', stderr: 'web01: err\n' });
});

test('a task takes words, JSON and a file, and a template sees variables and facts', async () => {
  const words = await desk.hsmfleet('run', 'web01', '-i', 'hosts.yml', '-m', 'debug', '-a', 'msg="{{ ansible_host }} is {{ ansible_facts.hostname }}"');
  expect(words, words.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^web01 \| SUCCESS => \{[^]*10\.120\.0\.11 is \S+"/) as string });
  const check = await desk.hsmfleet('run', 'web01', '-i', 'hosts.yml', '-m', 'file', '-a', '{"path": "/srv/from-json", "state": "directory"}', '--check');
  expect(check, check.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('web01 | CHANGED') as string });
  expect(await fleet.exec('web01', 'test', '-e', '/srv/from-json')).toMatchObject({ code: 1 });
  const file = await desk.hsmfleet('run', 'all', '-i', 'hosts.yml', '-l', '@last.retry', '-m', 'file', '-a', '@args.yml');
  expect(file, file.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^web02 \| CHANGED/) as string });
  expect(await fleet.exec('web02', 'stat', '-c', '%a', '/srv/from-file')).toMatchObject({ code: 0, stdout: '750\n' });
  expect(await fleet.exec('web01', 'test', '-e', '/srv/from-file')).toMatchObject({ code: 1 });
  const again = await desk.hsmfleet('run', 'web02', '-i', 'hosts.yml', '-m', 'file', '-a', '@args.yml', '--json');
  expect(events(again.stdout).find(({ type }) => type === 'task_finished')).toMatchObject({ outcome: 'ok' });
});

test('a command without a shell, by its free form', async () => {
  const ended = await desk.hsmfleet('run', 'web01', '-i', 'hosts.yml', '-m', 'command', '-a', 'echo a b');
  expect(ended).toMatchObject({ code: 0, stdout: 'web01 | CHANGED | rc=0 >>\na b\n' });
  const missing = await desk.hsmfleet('run', 'web01', '-i', 'hosts.yml', '-m', 'command', '-a', '/no/such/program');
  expect(missing).toMatchObject({ code: 2, stdout: expect.stringMatching(/^web01 \| FAILED[^]*\/no\/such\/program/) as string });
});

test('mistakes are told before any host is reached, where the person wrote them', async () => {
  desk.write('bad.yml', 'path: /srv/x\nstat: directory\n');
  const cases: [string[], RegExp][] = [
    [['run', 'all', '-i', 'hosts.yml'], /no resource is named[^]*hint: name one with -m/],
    [['run', 'all', '-i', 'hosts.yml', '-m', 'fiel'], /no resource "fiel"[^]*did you mean "file"/],
    [['run', 'all', '-i', 'hosts.yml', '-m', 'shell', '-a', 'id'], /hsmfleet shell PATTERN/],
    [['run', 'all', '-i', 'hosts.yml', '-m', 'file', '-a', '@bad.yml'], /no parameter "stat"[^]*bad\.yml:2:1/],
    [['run', 'all', '-i', 'hosts.yml', '-m', 'file', '-a', '{"path": "/x", "stat": 1}'], /no parameter "stat"[^]*-a:1:16/],
    [['run', 'all', '-i', 'hosts.yml', '-m', 'debug', '-a', 'msg={{ nope }}'], /"nope" is not defined/],
    [['run', 'wbe01', '-i', 'hosts.yml', '-m', 'command', '-a', 'id'], /did you mean "web01"/],
    [['shell', 'all', '-i', 'hosts.yml'], /missing required argument 'argv'/],
  ];
  for (const [words, message] of cases) expect(await desk.hsmfleet(...words), words.join(' ')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) as string });
});

test('hosts come from an INI file and from a program', async () => {
  const connection = (/ansible_ssh_common_args: "(.*)"/.exec(readFileSync(join(desk.folder, 'hosts.yml'), 'utf8'))?.[1] ?? '').replaceAll('"', '');
  const key = /ansible_ssh_private_key_file: (\S+)/.exec(readFileSync(join(desk.folder, 'hosts.yml'), 'utf8'))?.[1] ?? '';
  desk.write('hosts.ini', `[web]\nweb[01:02]\n[web:vars]\nansible_user=root\nansible_ssh_private_key_file=${key}\nansible_ssh_common_args=${connection}\n`);
  desk.write('list.sh', `#!/bin/sh\necho '{"_meta": {"hostvars": {"web01": {"ansible_host": "${fleet.address('web01')}"}, "web02": {"ansible_host": "${fleet.address('web02')}"}}}, "web": {"hosts": ["web01", "web02"]}}'\n`);
  chmodSync(join(desk.folder, 'list.sh'), 0o755);
  const ended = await desk.hsmfleet('shell', 'web[1]', '-i', 'hosts.ini', '-i', 'list.sh', '--', 'echo', 'reached');
  expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'web02 | rc=0 >>\nreached\n' });
});
