import { decodeValue, Deferred, Secret, type WireValue } from '@hsmfleet/contract';
import { renderTemplate, renderValue, scopeOf } from '@hsmfleet/template';
import { sealText, VaultKeyring } from '@hsmfleet/vault';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, mistakesOf } from './test-playbook.ts';

const key = { label: 'default', password: new Secret('vault password', 'a test') };
const vault = new VaultKeyring([key]);
let sealed = '';
beforeAll(async () => {
  sealed = await sealText(Buffer.from('pin: "775533"\nnested: {retries: 3, words: [one]}\n'), key);
});

/** What the first task of host a is to print, as its agent renders it. */
async function printed(expression: string, files: Record<string, string> = {}, facts: Record<string, string> = { ansible_hostname: 'host-a' }): Promise<unknown> {
  const text = expression.includes('{{') ? expression : `{{ ${expression} }}`;
  const compiled = await compile(`- hosts: a\n  vars: {made: "{{ lookup('file', 'motd') }}!"}\n  tasks:\n    - debug: {msg: ${JSON.stringify(text)}}\n`, { 'files/motd': 'hello\n', 'files/b.txt': 'b', 'files/a.txt': 'a', 'beside.txt': ' x \n', 'secret.yml': sealed, 'templates/t.j2': '{{ level }} {{ own | default("-") }}\n', ...files }, { vault });
  const plan = compiled.plays[0]?.plans.get('a');
  const [task] = (plan?.tasks ?? []) as { params: WireValue }[];
  expect(JSON.stringify({ ...plan, secrets: {} })).not.toContain('775533');
  const vars = Object.fromEntries(Object.entries(plan?.vars ?? {}).map(([name, value]) => [name, decodeValue(value as WireValue, plan?.secrets ?? {})]));
  const value = renderValue(decodeValue(task?.params ?? null, plan?.secrets ?? {}), scopeOf(vars, facts)) as { msg: unknown };
  return value.msg instanceof Secret ? { secret: value.msg.reveal() } : value.msg;
}

describe('lookups of a playbook', () => {
  it.each<[string, unknown]>([
    ["lookup('file', 'motd')", 'hello'], ["lookup('file', 'beside.txt', rstrip=false)", ' x \n'], ['made', 'hello!'],
    ["lookup('file', 'a.txt', 'b.txt')", 'a,b'], ["query('file', 'a.txt', 'b.txt')", ['a', 'b']],
    ["lookup('fileglob', '*.txt') | split(',') | map('basename') | list", ['a.txt', 'b.txt']], ["query('fileglob', '*.none')", []],
    ["lookup('first_found', ['none', 'motd']) | basename", 'motd'], ["query('first_found', ['none'], skip=true)", []],
    ["lookup('first_found', {'files': ['none.yml', 'motd'], 'paths': ['files']}) | basename", 'motd'],
    ["lookup('template', 't.j2')", 'group -\n'], ["lookup('template', 't.j2', template_vars={'own': 5})", 'group 5\n'],
    ["lookup('env', 'HSMFLEET_NOT_SET')", ''], ["lookup('env', 'HSMFLEET_NOT_SET', default='d')", 'd'],
    ["lookup('vault', 'secret.yml', 'pin')", { secret: '775533' }], ["lookup('vault', 'secret.yml', 'nested.retries')", { secret: '3' }],
    ["'pin ' ~ lookup('vault', 'secret.yml', 'pin')", { secret: 'pin 775533' }],
    ["{{ ansible_hostname }}: {{ lookup('file', 'motd') }}", 'host-a: hello'], ['{{ ansible_hostname }}: {{ made }}', 'host-a: hello!'],
    ["{{ ansible_hostname }} {{ lookup('vault', 'secret.yml', 'pin') }}", { secret: 'host-a 775533' }],
  ])('%s', async (expression, expected) => {
    expect(await printed(expression)).toEqual(expected);
  });

  it.each<[string, string, string]>([
    ["lookup('file', 'none.txt')", 'FILE_MISSING', 'looked for'], ["lookup('pipe', 'date')", 'TEMPLATE_INVALID', 'command with register'],
    ["lookup('password', 'x')", 'TEMPLATE_INVALID', 'encrypt-string'], ["lookup('nothing', 'x')", 'TEMPLATE_INVALID', 'fileglob'],
    ["lookup('file', ansible_hostname)", 'TEMPLATE_INVALID', 'read the file on the host'], ["lookup('vault', 'plain.txt')", 'TEMPLATE_INVALID', 'vault encrypt'],
    ["lookup('vault', 'secret.yml', 'none')", 'TEMPLATE_INVALID', 'vault view'], ["lookup('first_found', ['none'])", 'FILE_MISSING', 'skip=true'],
  ])('%s is a mistake with its place and what to do', async (expression, code, hint) => {
    const [problem, ...more] = await mistakesOf(`- hosts: a\n  tasks:\n    - debug: {msg: "{{ ${expression} }}"}\n`, { 'plain.txt': 'x', 'secret.yml': sealed }, { vault });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code, position: { line: 3 } });
    expect(problem?.hint).toContain(hint);
  });

  it('a vault that cannot be opened says so', async () => {
    const [problem] = await mistakesOf(`- hosts: a\n  tasks:\n    - debug: {msg: "{{ lookup('vault', 'secret.yml') }}"}\n`, { 'secret.yml': sealed });
    expect(problem?.code).toBe('VAULT_PASSWORD');
  });
});

it('templates include others: those beside them, and those of the templates folder', async () => {
  const compiled = await compile('- hosts: a\n  tasks:\n    - template: {src: main.j2, dest: /x}\n', {
    'templates/main.j2': "{% include 'part.j2' %} {% from 'macros.j2' import m %}{{ m(1) }} {{ lookup('file', 'motd') }}\n", 'templates/part.j2': '{{ level }} {{ ansible_hostname }}\n',
    'templates/macros.j2': '{% macro m(x) %}<{{ x }}>{% endmacro %}', 'files/motd': 'hi',
  });
  const plan = compiled.plays[0]?.plans.get('a');
  const [task] = (plan?.tasks ?? []) as { inputs: Record<string, { text: WireValue }> }[];
  const template = decodeValue(task?.inputs.src?.text ?? null, {});
  expect(template).toBeInstanceOf(Deferred);
  expect(Object.keys(plan?.vars ?? {})).toEqual(['level']);
  expect(renderTemplate(template as Deferred, scopeOf({ level: 'group', ansible_hostname: 'h' }))).toBe('group h <1> hi\n');
});

