import { basename } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { testResources } from '../test-resources.ts';
import { writePlaybook } from '../test-playbook.ts';
import { lintPlaybook } from './lint-playbook.ts';
import { LINT_RULES } from './rules.ts';

/** "rule line" of everything found, for a play with these tasks from line 5 on. */
async function found(tasks: string, { head = '', files = {}, skip = ['name'] }: { head?: string; files?: Record<string, string>; skip?: string[] } = {}): Promise<string[]> {
  const playbook = writePlaybook(`- name: A play\n  hosts: web\n${head === '' ? '  gather_facts: true' : head}\n  tasks:\n${tasks}`, files);
  const findings = await lintPlaybook({ playbook, skip, resources: testResources });
  return findings.map(({ rule, position: { file, line } }) => `${rule} ${basename(file) === 'site.yml' ? '' : `${basename(file)}:`}${String(line)}`);
}

describe('each rule finds what it is for, and nothing beside it', () => {
  test('plain-secret', async () => {
    expect(await found('    - pin_file: {path: /x, pins: [{token: a, pin: "648219"}]}\n    - debug: {msg: "{{ admin_password }}"}\n      vars: {admin_password: hunter2, pin_file: /etc/pin}\n')).toEqual(['plain-secret 5', 'plain-secret 7']);
    expect(await found('    - pin_file: {path: /x, pins: [{token: a, pin: !secret env:PIN}]}\n    - pin_file: {path: /x, pins: [{token: a, pin: "{{ pin }}"}]}\n', { head: '  vars: {token_pin: !secret env:PIN}' })).toEqual([]);
    expect(await found('    - debug: {msg: x}\n', { head: '  vars: {token_pin: 1234}' })).toEqual(['plain-secret 3']);
  });
  test('token-tool', async () => {
    expect(await found('    - command: /usr/bin/pkcs11-tool -L\n      changed_when: false\n    - command: {argv: [p11tool, --list-all]}\n      changed_when: false\n    - command: id\n      changed_when: false\n')).toEqual(['token-tool 5', 'token-tool 7']);
  });
  test('resource-instead', async () => {
    expect(await found('    - command: systemctl restart apache2\n      changed_when: true\n    - command: "{{ program }} x"\n      changed_when: true\n', { head: '  vars: {program: systemctl}' })).toEqual(['resource-instead 5']);
  });
  test('no-changed-when', async () => {
    expect(await found('    - command: id\n    - command: {cmd: id, creates: /x}\n    - command: id\n      changed_when: false\n    - command: id\n      when: other.changed\n', { head: '  vars: {other: {changed: true}}' })).toEqual(['no-changed-when 5']);
  });
  test('file-mode', async () => {
    expect(await found('    - copy: {content: a, dest: /x}\n    - file: {path: /x, mode: "0666"}\n    - file: {path: /tmp/y, mode: "1777"}\n    - file: {path: /x, mode: "0644"}\n')).toEqual(['file-mode 5', 'file-mode 6']);
  });
  test('ignored-failure', async () => {
    expect(await found('    - debug: {msg: a}\n      ignore_errors: true\n    - debug: {msg: a}\n      register: r\n      ignore_errors: true\n    - debug: {msg: "{{ r }}"}\n')).toEqual(['ignored-failure 6']);
  });
  test('unused-handler', async () => {
    const handlers = '  handlers:\n    - {name: one, debug: {msg: a}}\n    - {name: two, debug: {msg: a}, listen: all of them}\n    - {name: three, debug: {msg: a}}';
    expect(await found('    - debug: {msg: a}\n      notify: [one, all of them]\n', { head: handlers })).toEqual(['unused-handler 6']);
  });
  test('unused-register', async () => {
    expect(await found('    - debug: {msg: a}\n      register: read\n    - debug: {msg: a}\n      register: unread\n    - debug: {msg: a}\n      when: read is changed\n')).toEqual(['unused-register 7']);
  });
  test('braces-in-condition', async () => {
    expect(await found('    - debug: {msg: a}\n      when: "{{ n == 1 }}"\n    - debug: {msg: a}\n      when: n == 1\n', { head: '  vars: {n: 1}' })).toEqual(['braces-in-condition 6']);
  });
  test('loop-form', async () => {
    expect(await found('    - debug: {msg: "{{ item }}"}\n      with_items: [a]\n    - debug: {msg: "{{ item }}"}\n      loop: [a]\n')).toEqual(['loop-form 6']);
  });
  test('truth-word', async () => {
    expect(await found('    - file: {path: /x, recurse: yes}\n    - file: {path: /x, recurse: true, owner: "no"}\n')).toEqual(['truth-word 5']);
  });
  test('name', async () => {
    expect(await found('    - debug: {msg: a}\n    - {name: b, debug: {msg: a}}\n', { skip: [] })).toEqual(['name 5']);
  });
  test('site-without-batches', async () => {
    const rule = LINT_RULES.find(({ id }) => id === 'site-without-batches');
    const sites = new Map([...testResources, ['tls_site', { ...testResources.get('file'), name: 'tls_site' }]]) as typeof testResources;
    const lint = (head: string): ReturnType<typeof lintPlaybook> => lintPlaybook({ playbook: writePlaybook(`- name: p\n  hosts: ${head}\n  tasks: [{name: t, tls_site: {path: /x}}]\n`), resources: sites });
    expect((await lint('web')).map((finding) => finding.rule)).toEqual([rule?.id]);
    for (const head of ['web[0]', 'web\n  serial: 1', 'web\n  max_fail_percentage: 10', 'web\n  any_errors_fatal: true']) expect(await lint(head)).toEqual([]);
  });
});

describe('a playbook as a whole', () => {
  it('is followed into roles and included files, each place being told once', async () => {
    const role = '- {name: x, command: id}\n';
    expect(await found('    - import_role: {name: r}\n    - import_role: {name: r}\n    - include_tasks: more.yml\n', { files: { 'roles/r/tasks/main.yml': role, 'more.yml': '- {name: y, command: uptime}\n' } }))
      .toEqual(['no-changed-when more.yml:1', 'no-changed-when main.yml:1']);
  });

  it('may say that a line is on purpose', async () => {
    expect(await found('    - command: id   # noqa: no-changed-when\n    - command: id   # noqa\n    - command: id   # noqa: file-mode, name\n    - command: id   # noqa is not meant here\n')).toEqual(['no-changed-when 7', 'no-changed-when 8']);
  });

  it('tells mistakes as well, with their code, and goes on', async () => {
    expect(await found('    - copyy: {dest: /x}\n    - command: id\n')).toEqual(['PLAYBOOK_INVALID 5', 'no-changed-when 6']);
    await expect(lintPlaybook({ playbook: '/no/such/site.yml' })).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('shows no secret', async () => {
    const playbook = writePlaybook('- name: p\n  hosts: web\n  vars: {token_pin: "648219"}\n  tasks: []\n');
    expect(JSON.stringify(await lintPlaybook({ playbook, resources: testResources }))).not.toContain('648219');
  });
});

test('rules have names, reasons, and are told apart', () => {
  expect(new Set(LINT_RULES.map(({ id }) => id)).size).toBe(LINT_RULES.length);
  for (const { id, title, why } of LINT_RULES) expect([id, /^[a-z]+(?:-[a-z]+)*$/.test(id), title.length > 10, why.endsWith('.')]).toEqual([id, true, true, true]);
});
