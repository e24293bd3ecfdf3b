import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentFrameProblem } from '@hsmfleet/contract/wire-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, READ_ONLY_ENV, READ_ONLY_MODULE, recap, run, type Ended } from './fleet.ts';

/* What an operator who knows Ansible types: ways to log in and to become root, tags, -e, handlers, exit codes, --json. */
const SUDO_PASSWORD = 'fleet sudo';
let fleet: Fleet;
let desk: Desk;

beforeAll(() => {
  fleet = new Fleet('op', 5, 2);
  desk = new Desk(fleet);
  desk.write('who.yml', '- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - command: id -un\n      register: who\n    - debug: { var: who.stdout }\n');
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

/** Writes the hosts file again, changed. */
function hostsFile(name: string, change: (text: string) => string): string {
  desk.write(name, change(readFileSync(join(desk.folder, 'hosts.yml'), 'utf8')));
  return name;
}

/** What debug tasks without a loop said, in order. */
function said({ stdout }: Ended): string[] {
  return events(stdout).filter((event) => event.type === 'task_finished' && event.resource === 'debug').flatMap(({ message }) => (message === undefined ? [] : [String(message)]));
}

describe('a login', () => {
  test('as a user with sudo, through a jump host, with hashed host keys', async () => {
    const knownHosts = /UserKnownHostsFile=(\S+)/.exec(readFileSync(join(desk.folder, 'hosts.yml'), 'utf8'))?.[1] ?? '';
    const hashed = join(desk.folder, 'known_hosts');
    copyFileSync(knownHosts, hashed);
    expect(await run(['ssh-keygen', '-q', '-H', '-f', hashed])).toMatchObject({ code: 0 });
    expect(readFileSync(hashed, 'utf8')).not.toContain(fleet.address('web02'));
    const file = hostsFile('jump.yml', (text) => text.replace('ansible_user: root', 'ansible_user: ops').replace(knownHosts, `${hashed} -J ops@${fleet.address('web01')}`));
    desk.write('jump-play.yml', '- hosts: web02\n  become: true\n  tasks:\n    - command: id -un\n      register: who\n    - command: cat /proc/net/tcp\n      register: sockets\n    - debug: { msg: "{{ who.stdout }} {{ sockets.stdout }}" }\n');
    const ended = await desk.hsmfleet('apply', 'jump-play.yml', '-i', file);
    expect(ended, ended.stdout).toMatchObject({ code: 0, stdout: expect.stringContaining('  root ') });
    // /proc/net/tcp: a connection to port 22 whose other end is web01, not this machine
    const jump = fleet.address('web01').split('.').reverse().map((byte) => Number(byte).toString(16).padStart(2, '0')).join('').toUpperCase();
    expect(ended.stdout).toMatch(new RegExp(`[0-9A-F]{8}:0016 ${jump}:[0-9A-F]{4} 01 `));
  });

  test('that needs a sudo password takes it from the hosts file, from -K, and says what is wrong with it', async () => {
    const opspw = hostsFile('opspw.yml', (text) => text.replace('ansible_user: root', 'ansible_user: opspw'));
    const missing = await desk.hsmfleet('apply', 'who.yml', '-i', opspw, '-l', 'web01');
    expect(missing).toMatchObject({ code: 2, stdout: expect.stringContaining('hint: give the sudo password with -K') });
    writeFileSync(join(desk.folder, 'secrets/sudo'), `${SUDO_PASSWORD}\n`, { mode: 0o600 });
    const secret = hostsFile('secret.yml', (text) => text.replace('ansible_user: root', 'ansible_user: opspw\n    ansible_become_password: !secret file:secrets/sudo'));
    const ended = await desk.hsmfleet('apply', 'who.yml', '--inventory', secret, '-vv');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('who.stdout: root') });
    expect(ended.stdout + ended.stderr).not.toContain(SUDO_PASSWORD);
    const wrong = await desk.typed([['sudo password: ', 'not it']], 'apply', 'who.yml', '-i', opspw, '-l', 'web01', '-K');
    expect(wrong).toMatchObject({ code: 2, stdout: expect.stringContaining('the sudo password was refused') });
    const right = await desk.typed([['sudo password: ', SUDO_PASSWORD]], 'apply', 'who.yml', '-i', opspw, '-K');
    expect(right, right.stdout).toMatchObject({ code: 0, stdout: expect.stringMatching(/web02 +: ok=2/) });
    expect(right.stdout).not.toContain(SUDO_PASSWORD);
  });
});

describe('a playbook', () => {
  test('gives -e the last word, the own result to changed_when and failed_when, and a loop its item', async () => {
    desk.write('extra.yml', [
      '- hosts: "{{ target }}"', '  gather_facts: false', '  tasks:', '    - set_fact: { color: set }', '    - debug: { msg: "{{ color }} {{ ansible_hostname }}" }',
      '    - command: echo registered', '      register: color', '    - debug: { msg: "{{ color }} {{ who }}" }', '      vars: { who: task }',
      '    - command: sh -c "exit 3"', '      register: own', '      failed_when: own.rc != 3', '      changed_when: own.rc == 4',
      '    - debug: { msg: "{{ item }}" }', '      loop: [one]', '      register: looped',
      '    - debug: { msg: "{{ looped.results[0].msg }} {{ own }}" }', '',
    ].join('\n'));
    const ended = await desk.apply('extra.yml', '-e', 'target=web01 color=red who=me', '-e', '{"item": "no", "own": 1}', '--json');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(said(ended)).toEqual(['red web01', 'red me', 'one 1']);
    expect(events(ended.stdout)).toContainEqual(expect.objectContaining({ type: 'task_finished', task: '0.t4', outcome: 'ok' }));
    expect(events(ended.stdout).find(({ type }) => type === 'run_started')).toMatchObject({ hosts: ['web01'] });
  });

  test('runs what tags say, and warns of a tag that nothing has', async () => {
    desk.write('tags.yml', [
      '- hosts: web01', '  gather_facts: false', '  tags: [site]', '  tasks:', '    - debug: { msg: plain }', '    - { debug: { msg: a }, tags: a }',
      '    - { debug: { msg: always }, tags: always }', '    - { debug: { msg: never }, tags: [never, n] }',
      '- hosts: web01', '  gather_facts: false', '  tasks: [{ debug: { msg: untagged } }]', '',
    ].join('\n'));
    const of = async (...words: string[]): Promise<string> => said(await desk.apply('tags.yml', '--json', ...words)).join(' ');
    expect(await of()).toBe('plain a always untagged');
    expect(await of('-t', 'a,n')).toBe('a always never');
    expect(await of('--skip-tags', 'site')).toBe('untagged');
    const none = await desk.apply('tags.yml', '-t', 'sitee', '--json');
    expect(said(none)).toEqual(['always']);
    expect(none.stderr).toContain('warning: no task has the tag "sitee": did you mean "site"?');
  });

  test('runs handlers once, when something changed, and not after a failure or in check mode', async () => {
    desk.write('handlers.yml', [
      '- hosts: web01', '  gather_facts: false', '  handlers:', '    - { name: first, debug: { msg: first } }', '    - { name: second, listen: topic, debug: { msg: second } }',
      '    - { name: idle, debug: { msg: idle } }', '  tasks:',
      '    - { command: "echo {{ item }}", loop: [a, b], changed_when: "item == \'b\'", notify: [topic, first] }', '    - { command: echo c, notify: first }',
      '    - { command: echo d, changed_when: false, notify: idle }', '    - { command: "false", ignore_errors: true, notify: idle }',
      '    - { fail: { msg: stop }, when: stop | default(false) | bool }', '',
    ].join('\n'));
    expect(said(await desk.apply('handlers.yml', '--json'))).toEqual(['first', 'second']);
    const failed = await desk.apply('handlers.yml', '--json', '-e', 'stop=yes');
    expect([failed.code, said(failed)]).toEqual([2, []]);
    expect(said(await desk.apply('handlers.yml', '--json', '--check'))).toEqual([]);
  });

  test('ends with 0, 2, 4 or 6, and stops at its failure budget', async () => {
    desk.write('codes.yml', [
      '- hosts: all', '  gather_facts: false', '  serial: "{{ batch | default(2) }}"', '  max_fail_percentage: 0', '  tasks:',
      '    - { fail: { msg: stop }, when: inventory_hostname == bad | default(""), ignore_errors: "{{ ignore | default(false) }}" }',
      '- hosts: all', '  gather_facts: false', '  tasks: [{ debug: { msg: second play } }]', '',
    ].join('\n'));
    expect(await desk.apply('codes.yml', '-e', 'bad=web01 ignore=true')).toMatchObject({ code: 0 });
    const budget = await desk.apply('codes.yml', '-e', 'bad=web01 batch=1');
    expect(budget).toMatchObject({ code: 2, stdout: expect.stringContaining('play stopped: 1 of 1 hosts failed, which is more than max_fail_percentage 0') });
    expect(Object.keys(recap(budget.stdout))).toEqual(['web01']);
    const away = hostsFile('away.yml', (text) => text.replace(fleet.address('web02'), `${fleet.address('web02')}, ansible_port: 9`));
    expect(await desk.hsmfleet('apply', 'who.yml', '-i', away)).toMatchObject({ code: 4 });
    desk.write('mixed.yml', '- hosts: all\n  tasks: [{ fail: { msg: stop } }]\n');
    const mixed = await desk.hsmfleet('apply', 'mixed.yml', '-i', away);
    expect(mixed.code).toBe(6);
    expect(recap(mixed.stdout)).toMatchObject({ web01: { failed: 1 }, web02: { unreachable: 1 } });
    expect(mixed.stdout.endsWith('\n')).toBe(true);
  });

  test('streams events that fit the contract', async () => {
    const ended = await desk.apply('who.yml', '--json', '-D');
    const lines = ended.stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(agentFrameProblem({ type: 'event', event: JSON.parse(line) as unknown }), line).toBeUndefined();
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'run_finished', exitCode: 0, counts: { web01: { ok: 2 }, web02: { ok: 2 } } });
  });
});

test('`hsmfleet hosts` and `hsmfleet inventory` answer what they were asked', async () => {
  const hosts = await desk.hsmfleet('hosts', '-i', 'hosts.yml', 'webservers:!web01');
  expect(hosts).toMatchObject({ code: 0, stdout: `host   address      groups\nweb02  ${fleet.address('web02')}  webservers\n` });
  const [[name, address]] = Object.entries(READ_ONLY_ENV) as [[string, string]];
  const found = await desk.hsmfleet('inventory', '-i', 'hosts.yml', 'web02', '-m', READ_ONLY_MODULE, '--module-env', `${name}=${address}`);
  expect(found, found.stderr).toMatchObject({ code: 0 });
  const keys = [...found.stdout.matchAll(/^web02 +fleet-web02 +(\d\d) +(\w+) +(rsa|ec) /gm)].map(([, id, label]) => `${id ?? ''} ${label ?? ''}`);
  expect(keys).toEqual(['01 rsa1024', '02 rsa2048', '03 ec256']);
  expect(found.stdout).toMatch(/fleet-web02 .* read-only /);
});
