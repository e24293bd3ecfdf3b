import { decodeValue, Deferred, Secret, type Plan, type WireValue } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { renderValue, scopeOf } from '@hsmfleet/template';
import { formatInlineValue, sealText, VaultKeyring } from '@hsmfleet/vault';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compilePlaybook } from './index.ts';
import { compile, mistakesOf, writePlaybook, tasksOfPlan } from './test-playbook.ts';
import { testResources } from './test-resources.ts';

/* What Ansible Vault encrypted, from the files of a person to the plan of a host. */
const key = { label: 'default', password: new Secret('kaktus', 'a test') };
const vault = new VaultKeyring([key]);
const PIN = 'pin-of-a-test';
let inline = '';
let whole = '';

beforeAll(async () => {
  inline = formatInlineValue(await sealText(Buffer.from(PIN), key), 'pin');
  whole = await sealText(Buffer.from(`pin: ${PIN}\ndsn: "${PIN}@{{ ansible_hostname }}"\nknown: "${PIN}@{{ level }}"\nretries: 3\nwords: [${PIN}1, ${PIN}2]\n`), key);
});

const planOf = async (playbook: string, files: Record<string, string> = {}): Promise<Plan> => (await compile(playbook, files, { vault })).plays[0]?.plans.get('a') as Plan;
/** All of a plan but its one field for secrets, which is never printed or stored. */
const open = (plan: Plan): string => JSON.stringify({ ...plan, secrets: {} });
const pinFile = (value: string): string => `- hosts: web\n  tasks:\n    - pin_file: {path: /p, pins: [{token: T, pin: "${value}"}]}\n`;

describe('a !vault value', () => {
  it('of a play or a task is a secret of the plan', async () => {
    for (const playbook of [
      pinFile('{{ pin }}').replace('  tasks:', `  vars:\n    ${inline}\n  tasks:`),
      pinFile('{{ pin }}').replace('    - pin_file', `    - vars:\n        ${inline}\n      pin_file`),
      `- hosts: web\n  tasks:\n    - pin_file:\n        path: /p\n        pins:\n          - token: T\n            ${inline.replaceAll('\n', '\n      ')}\n`,
    ]) {
      const plan = await planOf(playbook);
      expect(Object.values(plan.secrets ?? {})).toMatchObject([{ value: PIN, origin: expect.stringMatching(/^vault:site\.yml:\d+$/) as string }]);
      expect(open(plan)).not.toContain(PIN);
    }
  });

  it('of hosts, groups and vars files too', async () => {
    const path = writePlaybook(`- hosts: web\n  vars_files: [more.yml]\n  tasks:\n    - debug: {msg: "{{ pin }} {{ group_pin }} {{ other }}"}\n`, {
      'hosts.yml': `web:\n  hosts:\n    a:\n      ${inline}\n`, 'group_vars/web/vault.yml': inline.replace('pin', 'group_pin'), 'more.yml': inline.replace('pin', 'other'),
    });
    const hosts = await loadHosts([join(dirname(path), 'hosts.yml')], { vault });
    const { plays } = await compilePlaybook({ playbook: path, hosts, check: false, diff: false, run: 'run-00000001', user: 'tester', resources: testResources, vault });
    const plan = plays[0]?.plans.get('a') as Plan;
    expect(open(plan)).not.toContain(PIN);
    expect(decodeValue(tasksOfPlan(plan)[0]?.params as WireValue, plan.secrets ?? {})).toMatchObject({ msg: expect.any(Secret) as Secret });
  });
});

describe('a vars file that is encrypted as a whole', () => {
  it('gives secrets, and conditions and loops go on working', async () => {
    const plan = await planOf('- hosts: web\n  vars_files: [v.yml]\n  tasks:\n    - pin_file: {path: /p, pins: [{token: T, pin: "{{ pin }}"}]}\n      when: [retries > 2, pin != ""]\n    - debug: {msg: "{{ known }}"}\n      loop: "{{ words }}"\n      when: words | length == 2\n', { 'v.yml': whole });
    expect(open(plan)).not.toContain(PIN);
    expect(tasksOfPlan(plan).map(({ when }) => when)).toEqual([undefined, undefined]);
    const { msg } = decodeValue(tasksOfPlan(plan)[1]?.params as WireValue, plan.secrets ?? {}) as { msg: Secret };
    expect(msg.reveal()).toBe(`${PIN}@group`);
  });

  it('has templates that only a host can render: they travel as secrets, and what they render to is one', async () => {
    const plan = await planOf('- hosts: web\n  vars_files: [v.yml]\n  tasks:\n    - debug: {msg: "{{ dsn }}"}\n', { 'v.yml': whole });
    expect(open(plan)).not.toContain(PIN);
    const vars = decodeValue(plan.vars as WireValue, plan.secrets ?? {}) as Record<string, Deferred>;
    expect(vars.dsn).toBeInstanceOf(Deferred);
    const rendered = renderValue(vars.dsn as Deferred, scopeOf({ ansible_hostname: 'web1' }));
    expect([(rendered as Secret).reveal(), String(rendered)]).toEqual([`${PIN}@web1`, '[secret]']);
  });
});

describe('mistakes', () => {
  it('name file, line and column, and one wrong password is one mistake', async () => {
    const wrong = new VaultKeyring([{ label: 'default', password: new Secret('wrong', 'a test') }]);
    const mistakes = await mistakesOf(pinFile('{{ pin }}').replace('  tasks:', `  vars:\n    ${inline}\n    ${inline.replace('pin', 'other')}\n  tasks:`), {}, { vault: wrong });
    expect(mistakes).toMatchObject([{ code: 'VAULT_PASSWORD', position: { file: expect.stringMatching(/\/site\.yml$/) as string, line: 3, column: 17 }, message: expect.stringContaining('1 more place') as string }]);
    expect(await mistakesOf(pinFile('{{ pin }}'), { 'site.yml': whole }, { vault })).toMatchObject([{ code: 'PLAYBOOK_INVALID', message: expect.stringContaining('encrypted as a whole') as string }]);
    expect(await mistakesOf('- hosts: web\n  vars_files: [v.yml]\n  tasks: []\n', { 'v.yml': whole })).toMatchObject([{ code: 'VAULT_PASSWORD', position: { line: 1 } }]);
  });

  it('a file that cannot be opened, or is for a resource that keeps no secret, is told at the parameter', async () => {
    const playbook = '- hosts: web\n  tasks:\n    - copy: {src: key.pem, dest: /k}\n    - template: {src: key.pem, dest: /k}\n';
    expect(await mistakesOf(playbook, { 'key.pem': whole })).toMatchObject([
      { code: 'VAULT_PASSWORD', position: { line: 3, column: 19 }, message: expect.stringMatching(/key\.pem: it is encrypted with Ansible Vault, and no vault password is given; the same goes for 1 more place$/) as string },
    ]);
    expect(await mistakesOf('- hosts: web\n  tasks:\n    - plain_copy: {src: key.pem}\n', { 'key.pem': whole }, { vault })).toMatchObject([{ code: 'PLAYBOOK_INVALID', message: expect.stringContaining('takes no secret') as string }]);
  });
});

describe('a file of the control host that is encrypted as a whole', () => {
  const bytes = Buffer.from([0xff, 0, ...Buffer.from(PIN)]);

  it('goes to hosts as a secret of the plan, whatever its bytes, and never as a blob', async () => {
    const playbook = '- hosts: web\n  tasks:\n    - copy: {src: key.bin, dest: /k}\n    - copy: {src: plain, dest: /k}\n';
    const { plays, blobs } = await compile(playbook, { 'key.bin': await sealText(bytes, key), plain: 'x' }, { vault });
    expect([...blobs.values()].map(({ path }) => path)).toEqual([expect.stringMatching(/plain$/)]);
    const plan = plays[0]?.plans.get('a') as Plan;
    const input = tasksOfPlan(plan)[0]?.inputs?.src;
    expect(input).toEqual({ kind: 'template', name: 'key.bin', text: { $secret: 's1' }, encoding: 'base64' });
    expect(Buffer.from(plan.secrets?.s1?.value ?? '', 'base64').equals(bytes)).toBe(true);
    expect(open(plan)).not.toContain(PIN);
  });

  it('is a template like another, and what it renders to is a secret, here and on the host', async () => {
    const playbook = '- hosts: web\n  tasks:\n    - template: {src: a.j2, dest: /k}\n    - template: {src: b.j2, dest: /k}\n    - template: {src: c.j2, dest: /k}\n';
    const plan = await planOf(playbook, { 'a.j2': await sealText(Buffer.from(`${PIN} {{ level }}`), key), 'b.j2': await sealText(Buffer.from(`${PIN} {{ ansible_hostname }}`), key), 'c.j2': await sealText(Buffer.from(PIN), key) });
    expect(open(plan)).not.toContain(PIN);
    const rendered = tasksOfPlan(plan).map(({ inputs }) => renderValue(decodeValue((inputs?.src as { text: WireValue }).text, plan.secrets ?? {}), scopeOf({ ansible_hostname: 'web1' })) as Secret);
    expect(rendered.map((each) => [String(each), each.reveal()])).toEqual([['[secret]', `${PIN} group`], ['[secret]', `${PIN} web1`], ['[secret]', PIN]]);
  });
});
