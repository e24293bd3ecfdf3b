import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Planted } from './leak-search.ts';
import { run, type Desk } from './fleet.ts';

/* The secrets of the leak test, how they come to the program, and playbooks that do with them what they can to show them. */

/** What a keyboard has, and what programs quote; no line breaks, which no PIN has. */
const LETTERS = fc.constantFrom(...'abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789', ...'\'"\\$`&<>%+/=?#[]()*!;:,.@~|^-_ ü€');

/** Secrets that were never there before, one for each way in. */
export function plantSecrets(seed: number): Record<'vault' | 'age' | 'whole' | 'file' | 'key' | 'environment' | 'hook' | 'login', string> {
  // a letter or digit at both ends: readers of files strip blanks there
  const values = fc.sample(fc.tuple(fc.constantFrom(...'abcdef'), fc.array(LETTERS, { minLength: 14, maxLength: 22 }), fc.constantFrom(...'uvwxyz')), { seed, numRuns: 8 }).map(([first, middle, last], index) => `${first}${String(index)}${middle.join('')}${last}`);
  const [vault = '', age = '', whole = '', file = '', key = '', environment = '', hook = '', login = ''] = values;
  return { vault, age, whole, file, key, environment, hook: Buffer.from(hook).toString('hex').slice(0, 24), login };
}

const VAULT_PASSWORD = 'kaktus & "stachel" 42';

const SHOW = `
- name: Show what may not be shown
  hosts: all
  vars:
    composed: "{{ vault_pin }}-{{ ansible_hostname }}"
  tasks:
    - name: A name with {{ vault_pin }} in it
      debug: { msg: "{{ vault_pin }} {{ age_pin }} {{ whole_pin }} {{ file_pin }}" }
    - { name: debug var, debug: { var: whole_list } }
    - { name: set_fact, set_fact: { copied: "{{ age_pin }}/{{ composed }}", nested: { a: ["{{ vault_pin }}"] } } }
    - { name: debug of facts set, debug: { msg: "{{ copied }} {{ nested | to_json }} {{ copied | b64encode }} {{ copied | upper | lower }} {{ copied | quote }} {{ nested | to_nice_yaml }}" } }
    - name: a program that prints what it is given, as it is and encoded
      command: { argv: [sh, -c, 'tee /dev/stderr | tee /srv/leak-raw | base64 -w0; echo; od -An -v -tx1 < /srv/leak-raw | tr -d " \\n"; rm /srv/leak-raw'], stdin: "{{ vault_pin }}" }
      register: printed
    - { name: debug of a register, debug: { var: printed } }
    - { name: debug of lines, debug: { msg: "{{ printed.stdout_lines | default([]) }}" } }
    - name: a loop
      debug: { msg: "{{ item }} {{ item.pin | default('') }}" }
      loop: ["{{ vault_pin }}", "{{ age_pin }}", { pin: "{{ whole_pin }}" }]
      register: looped
    - { name: debug of a loop, debug: { var: looped } }
    - { name: a folder, file: { path: /srv/leak, state: directory, mode: "0700" } }
    - name: contents
      copy: { content: "pin={{ vault_pin }}\\nother={{ serial }}\\n", dest: /srv/leak/content, mode: "0644" }
      register: copied_file
      notify: tell
    - { name: contents as JSON, copy: { content: "{{ { 'a': age_pin } | to_json }}", dest: /srv/leak/json, mode: "0644" } }
    - { name: an encrypted file, copy: { src: key.pem, dest: /srv/leak/key.pem, mode: "0644" } }
    - { name: a template, template: { src: conf.j2, dest: /srv/leak/conf, mode: "0644" } }
    - { name: an encrypted template, template: { src: sealed.j2, dest: /srv/leak/sealed, mode: "0644" } }
    - { name: a line, lineinfile: { path: /srv/leak/lines, line: "pin {{ age_pin }} {{ serial }}", regexp: "^pin", create: true, mode: "0644" } }
    - { name: debug of a written file, debug: { var: copied_file } }
    - { name: an assertion, assert: { that: ["vault_pin == 'no'", "whole_pin | length > 200"], fail_msg: "{{ vault_pin }} is not {{ age_pin }}" }, ignore_errors: true, register: asserted }
    - { name: debug of an assertion, debug: { var: asserted } }
    - { name: a failure, fail: { msg: "it is {{ whole_pin }}" }, ignore_errors: true }
    - { name: a condition that fails, command: { argv: ["true"] }, failed_when: "age_pin | length > 3", ignore_errors: true }
    - { name: a condition that is wrong, debug: { msg: x }, when: "(vault_pin ~ ansible_hostname).no.such == age_pin", ignore_errors: true }
    - { name: arithmetic with a secret, debug: { msg: "{{ (vault_pin ~ ansible_hostname) + 1 }}" }, ignore_errors: true }
    - { name: a path, file: { path: "/srv/nowhere/{{ vault_pin }}{{ ansible_hostname }}", state: touch }, ignore_errors: true }
    - { name: an argument, command: { argv: [echo, "{{ vault_pin }}{{ ansible_hostname }}"] }, ignore_errors: true }
    - { name: a program that fails and prints, command: { argv: [sh, -c, 'cat >&2; exit 3'], stdin: "{{ whole_pin }}" }, ignore_errors: true }
    - { name: no_log, command: { argv: [cat], stdin: "{{ vault_pin }}" }, no_log: true }
    - { name: a program that is missing, command: { argv: [/nonexistent/program], stdin: "{{ age_pin }}" }, ignore_errors: true }
    - { name: a program with an environment, command: { argv: [sh, -c, 'echo "$GIVEN"'] }, environment: { GIVEN: "{{ environment_pin }}" }, register: environed }
    - { name: debug of a program with an environment, debug: { var: environed } }
    - { name: the PIN file of the web server, copy: { content: "fleet:{{ token_pin }}\\n", dest: /srv/leak/pin, mode: "0644" } }
  handlers:
    - { name: tell, debug: { msg: "changed to {{ vault_pin }}" } }
`;

const BLOCKS = `
- name: Fail in a block
  hosts: all
  gather_facts: false
  tasks:
    - block:
        - { name: fails, command: { argv: [sh, -c, 'cat; exit 1'], stdin: "{{ vault_pin }}" } }
      rescue:
        - { name: rescue, debug: { msg: "{{ ansible_failed_result }} {{ ansible_failed_task }}" } }
    - { name: until, command: { argv: [cat], stdin: "{{ age_pin }}" }, register: tried, until: "tried.stdout == 'no'", retries: 1, delay: 0, ignore_errors: true }
    - { name: once, command: { argv: [cat], stdin: "{{ vault_pin }}" }, run_once: true, register: once }
    - { name: debug of once, debug: { msg: "{{ once }}" } }
    - { name: a fact for all, set_fact: { shared: "{{ whole_pin }}" }, run_once: true }
    - { name: debug of it, debug: { var: shared } }
    - { name: another host, command: { argv: [cat], stdin: "{{ age_pin }}" }, delegate_to: web02, register: delegated, when: inventory_hostname == 'web01' }
    - { name: debug of another host, debug: { var: delegated } }
    - { name: tasks of a file, include_tasks: "{{ 'more' }}.yml", loop: ["{{ vault_pin }}"] }
`;

const CONTROL = `
- hosts: all
  gather_facts: false
  tasks:
    - { name: the file holds what it should, copy: { content: "pin={{ vault_pin }}\\nchecked\\n", dest: /srv/leak/content, mode: "0644" } }
    - { name: "this says {{ age_pin }}", fail: { msg: "{{ age_pin }}" } }
`;

const PROFILE = `
profile: leaks
title: Controls that know secrets
controls:
  - { id: content, title: the file holds what it should, why: it is a test, severity: high, playbook: control.yml }
  - { id: debian, title: hosts are Debian, why: nothing else is tested, severity: low, query: "select host, distribution from hosts where distribution <> 'Debian'" }
`;

/** Encrypts with Ansible Vault. */
export async function seal(desk: Desk, ...words: string[]): Promise<void> {
  const ended = await desk.hsmfleet('vault', ...words, '--vault-password-file', 'secrets/vault');
  if (ended.code !== 0) throw new Error(ended.stderr);
}

async function inline(desk: Desk, name: string, value: string, ...words: string[]): Promise<string> {
  const ended = await run([HSMFLEET, 'vault', 'encrypt-string', '--name', name, ...words], { cwd: desk.folder, env: desk.env, input: value });
  if (ended.code !== 0) throw new Error(ended.stderr);
  return ended.stdout;
}
let HSMFLEET = '';

/** Writes playbooks and encrypted files; secrets come as !vault, !age, files that are encrypted as a whole, and !secret. */
export async function setStage(desk: Desk, program: string, secrets: ReturnType<typeof plantSecrets>): Promise<Planted[]> {
  HSMFLEET = program;
  writeFileSync(join(desk.folder, 'secrets/vault'), `${VAULT_PASSWORD}\n`, { mode: 0o600 });
  writeFileSync(join(desk.folder, 'secrets/file'), `${secrets.file}\n`, { mode: 0o600 });
  writeFileSync(join(desk.folder, 'secrets/hook'), `${secrets.hook}\n`, { mode: 0o600 });
  execFileSync('age-keygen', ['-o', join(desk.folder, 'secrets/age')], { stdio: 'ignore' });
  chmodSync(join(desk.folder, 'secrets/age'), 0o600);
  const recipient = execFileSync('age-keygen', ['-y', join(desk.folder, 'secrets/age')], { encoding: 'utf8' }).trim();
  for (const folder of ['group_vars/all', 'templates', 'files']) mkdirSync(join(desk.folder, folder), { recursive: true });
  const q = (text: string): string => JSON.stringify(text);
  const raw = (text: string): string => `!unsafe ${q(text)}`;
  desk.write('group_vars/all/whole.yml', `whole_pin: ${raw(secrets.whole)}\nwhole_list: [${raw(secrets.whole)}, { deep: ${raw(secrets.whole)} }]\n`);
  desk.write('files/key.pem', `-----BEGIN SOME KEY-----\n${secrets.key}\n-----END SOME KEY-----\n`);
  desk.write('templates/sealed.j2', `sealed ${secrets.key.replace(/\{/g, '')} {{ ansible_hostname }}\n`);
  const [vault, environment, login, age] = await Promise.all([
    inline(desk, 'vault_pin', secrets.vault, '--vault-password-file', 'secrets/vault'),
    inline(desk, 'environment_pin', secrets.environment, '--vault-id', 'other@secrets/vault'),
    inline(desk, 'ansible_password', secrets.login, '--vault-password-file', 'secrets/vault'),
    inline(desk, 'age_pin', secrets.age, '--age-recipient', recipient),
    seal(desk, 'encrypt', 'group_vars/all/whole.yml', 'templates/sealed.j2'),
    desk.hsmfleet('vault', 'encrypt', 'files/key.pem', '--age-recipient', recipient),
  ]);
  desk.write('group_vars/all/values.yml', `${vault}${environment}${age}file_pin: !secret file:../../secrets/file\nserial: 1\n`);
  desk.write('templates/conf.j2', 'pin = {{ vault_pin }}\n{% for each in [age_pin] %}\nlist {{ each }}\n{% endfor %}\nhost {{ ansible_hostname }} {{ serial }}\n');
  desk.write('show.yml', SHOW);
  desk.write('blocks.yml', BLOCKS);
  desk.write('more.yml', '- { name: "in a file {{ item }}", debug: { msg: "{{ item }}" } }\n');
  desk.write('control.yml', CONTROL);
  desk.write('profile.yml', PROFILE);
  desk.write('stranger.yml', `all:\n  hosts:\n    stranger:\n      ansible_host: 127.0.0.1\n      ansible_port: 1\n      ${login.replaceAll('\n', '\n      ')}\n`);
  const identity = /AGE-SECRET-KEY-\w+/.exec(readFileSync(join(desk.folder, 'secrets/age'), 'utf8'))?.[0] ?? '';
  return [...Object.entries(secrets).map(([name, value]) => ({ name, value })), { name: 'vault password', value: VAULT_PASSWORD }, { name: 'age identity', value: identity }];
}

/** Files with a mistake on the line that shows a secret, and what goes wrong there. */
export const MISTAKES: Readonly<Record<string, string>> = {
  'undefined variable': '- hosts: all\n  tasks:\n    - debug: { msg: "{{ vault_pin }} {{ no_such_name }}" }\n',
  'wrong expression': '- hosts: all\n  tasks:\n    - debug: { msg: "{{ vault_pin | no_such_filter }} {{ whole_pin" }\n',
  'wrong parameter': '- hosts: all\n  tasks:\n    - file: { path: "{{ whole_pin }}", stat: "{{ vault_pin }}", mode: "{{ age_pin }}" }\n',
  'a value of the wrong kind': '- hosts: all\n  tasks:\n    - debug: { msg: x }\n      loop: "{{ vault_pin }}"\n      notify: "{{ age_pin }}"\n',
  'a missing file named by a secret': '- hosts: all\n  tasks:\n    - copy: { src: "{{ vault_pin }}", dest: /srv/x }\n    - template: { src: "{{ whole_pin }}", dest: /srv/x }\n    - include_tasks: "{{ vault_pin }}.yml"\n',
};
