import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fleet, ROOT, run, type Ended } from './fleet.ts';

/*
 * Every mistake gives one clear message with its place, the right exit code, and touches no host. The host is a listener
 * that counts connections, so "touches no host" is seen and not assumed.
 */
let folder: string;
let listener: Server;
let connections = 0;
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-bad-'));
  listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  port = (listener.address() as { port: number }).port;
});
afterAll(() => {
  listener.close();
  rmSync(folder, { recursive: true, force: true });
});

function apply(playbook: string, ...words: string[]): Promise<Ended> {
  writeFileSync(join(folder, 'hosts.yml'), `web:\n  hosts:\n    one: { ansible_host: 127.0.0.1, ansible_port: ${String(port)} }\n`);
  writeFileSync(join(folder, 'play.yml'), playbook);
  return run([join(ROOT, 'apps/cli/bin/hsmfleet'), 'apply', 'play.yml', '-i', 'hosts.yml', ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', XDG_STATE_HOME: join(folder, 'state') },
  });
}

test.each([
  ['an unknown task key', '- hosts: web\n  tasks:\n    - name: x\n      debug: { msg: hello }\n      whn: true\n', 'play.yml:5:7', /whn.*when/s],
  ['two resources in one task', '- hosts: web\n  tasks:\n    - debug: { msg: hello }\n      command: id\n', 'play.yml:4:7', /two resources|more than one resource/i],
  ['an undefined variable', '- hosts: web\n  tasks:\n    - debug:\n        msg: "{{ no_such_thing }}"\n', 'play.yml:4:', /no_such_thing/],
  ['bad YAML indentation', '- hosts: web\n  tasks:\n    - debug: { msg: hello }\n     name: x\n', 'play.yml:4:', /./],
  ['an unknown host pattern', '- hosts: webb\n  tasks:\n    - debug: { msg: hello }\n', 'play.yml:1:', /webb.*web/s],
  ['a missing vars file', '- hosts: web\n  vars_files:\n    - no-such.yml\n  tasks:\n    - debug: { msg: hello }\n', 'play.yml:3:', /no-such\.yml/],
  ['a bad secret reference', '- hosts: web\n  vars:\n    pin: !secret file:no-such-pin\n  tasks:\n    - debug: { msg: "{{ pin }}" }\n', 'play.yml:3:', /no-such-pin/],
  ['a parameter of the wrong type', '- hosts: web\n  tasks:\n    - file: { path: relative, state: sideways }\n', 'play.yml:3:', /state|path/],
])('%s', async (_title, playbook, place, words) => {
  const before = connections;
  const ended = await apply(playbook);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 1 });
  expect(ended.stderr).toContain(place);
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toMatch(/\^/);
  expect(ended.stderr).not.toMatch(/\n\s+at .*\.(ts|mjs|js):/);
  expect(connections).toBe(before);
});

test('all mistakes of a file are told at once', async () => {
  const ended = await apply('- hosts: web\n  tasks:\n    - debug: { msg: "{{ one_thing }}" }\n      whn: 1\n    - comand: id\n');
  expect(ended.code).toBe(1);
  for (const place of ['play.yml:3:', 'play.yml:4:', 'play.yml:5:']) expect(ended.stderr).toContain(place);
});

test('an unreadable key file', async () => {
  const key = join(folder, 'key');
  writeFileSync(key, 'this is no key\n');
  chmodSync(key, 0o600);
  const before = connections;
  for (const file of [key, join(folder, 'none')]) {
    const ended = await apply('- hosts: web\n  tasks:\n    - debug: { msg: hello }\n', '--private-key', file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 1 });
    expect(ended.stderr).toContain(file);
  }
  expect(connections).toBe(before);
});

test('an unknown host key fails with its fingerprint and the command that accepts it', async () => {
  const fleet = new Fleet('bi', 2, 1);
  try {
    writeFileSync(join(folder, 'fleet.yml'), fleet.hostsFile().replace(/UserKnownHostsFile=\S+/, `UserKnownHostsFile=${join(folder, 'known_hosts')}`));
    writeFileSync(join(folder, 'hello.yml'), '- hosts: webservers\n  tasks:\n    - command: touch /var/tmp/was-here\n');
    const ended = await run([join(ROOT, 'apps/cli/bin/hsmfleet'), 'apply', 'hello.yml', '-i', 'fleet.yml'], { cwd: folder, env: { ...process.env, NO_COLOR: '1', XDG_STATE_HOME: join(folder, 'state') } });
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 4 });
    const output = ended.stdout + ended.stderr;
    expect(output).toMatch(/SHA256:[A-Za-z0-9+/]{43}/);
    expect(output).toContain('ssh-keyscan');
    expect((await fleet.exec('web01', 'test', '-e', '/var/tmp/was-here')).code).toBe(1);
    expect(existsSync(join(folder, 'known_hosts'))).toBe(false);
  } finally {
    fleet.down();
  }
});

test('usage errors end with 1 and say what would be right', async () => {
  const program = join(ROOT, 'apps/cli/bin/hsmfleet');
  const unknown = await run([program, 'aply', 'x.yml'], { cwd: dirname(program) });
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.stderr).toMatch(/apply/);
  const missing = await run([program, 'apply', join(folder, 'none.yml'), '-i', join(folder, 'hosts.yml')]);
  expect(missing).toMatchObject({ code: 1 });
  expect(missing.stderr).toContain('none.yml');
});
