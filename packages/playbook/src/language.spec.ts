import type { Plan, PlannedInclude, PlannedStep } from '@hsmfleet/contract';
import { controlFrameProblem } from '@hsmfleet/contract/wire-validator';
import { loadHosts } from '@hsmfleet/hosts';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainVariables, surveyPlaybook } from './index.ts';
import { compile, mistakesOf, writePlaybook } from './test-playbook.ts';
import { testResources } from './test-resources.ts';

const play = (...lines: string[]) => ['- hosts: web', '  tasks:', ...lines.map((line) => `    ${line}`), ''].join('\n');

async function planOf(playbook: string, files: Record<string, string> = {}, options = {}): Promise<Plan> {
  const plan = (await compile(playbook, files, options)).plays[0]?.plans.get('a') as Plan;
  expect(controlFrameProblem({ type: 'plan', plan })).toBeUndefined();
  return plan;
}

/** Steps in a line: what is there, and how it is nested. */
function outline(steps: readonly PlannedStep[]): string {
  return steps.map((step) => {
    switch (step.kind) {
      case 'meta': return step.implicit === true ? '!' : step.meta;
      case 'block': return `[${outline(step.block)} / ${outline(step.rescue)} / ${outline(step.always)}]`;
      case 'include': return `${step.name}{${Object.entries(step.bodies).map(([name, body]) => `${name}: ${outline(body)}`).join('; ')}}`;
      default: return typeof (step.params as { msg?: unknown }).msg === 'string' ? (step.params as { msg: string }).msg : step.name;
    }
  }).join(' ');
}

const shape = async (playbook: string, files: Record<string, string> = {}, options = {}): Promise<string> => outline((await planOf(playbook, files, options)).tasks);
const messages = async (playbook: string, files: Record<string, string> = {}): Promise<string[]> => (await mistakesOf(playbook, files)).map(({ message, position }) => `${position?.file.replace(/^.*\/playbook-[^/]*\//, '') ?? ''}:${String(position?.line ?? 0)}:${String(position?.column ?? 0)} ${message}`);

describe('sections', () => {
  it('run in order, each with its handlers', async () => {
    const text = '- hosts: web\n  post_tasks: [{debug: {msg: post}}]\n  tasks: [{debug: {msg: task}}]\n  roles: [r]\n  pre_tasks: [{debug: {msg: pre}}]\n';
    expect(await shape(text, { 'roles/r/tasks/main.yml': '- debug: {msg: role}\n' })).toBe('pre ! role task ! post !');
  });
});

describe('roles', () => {
  const files = {
    'roles/a/tasks/main.yaml': '- debug: {msg: "{{ p }} {{ v }} {{ d }} {{ e }} {{ role_name }}"}\n- copy: {src: f, dest: /x}\n- template: {src: t, dest: /x}\n',
    'roles/a/defaults/main.yml': 'd: default\nlevel: default\n', 'roles/a/vars/main.yml': 'v: role\ne: role\n', 'roles/a/files/f': 'role', f: 'play', 'roles/a/templates/t': '{{ d }}',
    'roles/a/meta/main.yml': 'dependencies: [{role: b, q: 1}]\n', 'roles/b/tasks/main.yml': '- debug: {msg: "b{{ q }}{{ bd }}"}\n', 'roles/b/defaults/main.yml': 'bd: B\n',
    'roles/a/handlers/main.yml': '- {name: h, debug: {msg: handler}}\n',
  };

  it('have variables, files, dependencies and parameters, as in Ansible', async () => {
    const plan = await planOf('- hosts: web\n  vars: {v: play}\n  roles:\n    - {role: a, p: param, vars: {e: entry, d: entry}}\n  tasks:\n    - debug: {msg: "{{ v }} {{ bd }} {{ level }} {{ ansible_play_role_names }}"}\n      notify: h\n', files);
    expect(outline(plan.tasks)).toBe("b1B param role entry role a a : copy a : template role B group ['a'] !");
    expect(plan.tasks[2]).toMatchObject({ name: 'a : copy', inputs: { src: { blob: { size: 4 } } } });
    expect(plan.tasks[3]).toMatchObject({ inputs: { src: { text: 'entry' } } });
    expect(plan.handlers).toMatchObject([{ name: 'a : h', listen: ['h'] }]);
  });

  it('run once with the same parameters, unless they allow duplicates', async () => {
    const two = { 'roles/b/tasks/main.yml': '- debug: {msg: "b{{ x | default(0) }}"}\n', 'roles/c/meta/main.yml': 'allow_duplicates: yes\ndependencies: [b]\n', 'roles/c/tasks/main.yml': '- debug: {msg: c}\n' };
    expect(await shape('- hosts: web\n  roles: [b, b, {role: b, x: 1}, c, c]\n', two)).toBe('b0 b1 c c !');
    expect(await shape('- hosts: web\n  tasks: [{import_role: {name: b}}, {import_role: {name: b}}]\n', two)).toBe('b0 b0 !');
  });

  it('hand down tags and conditions, and are found among the files of the machine', async () => {
    const plan = await planOf('- hosts: web\n  roles: [{role: b, tags: t, when: ansible_hostname == "x"}]\n', { 'roles/b/tasks/main.yml': '- debug: {msg: b}\n  when: level == "group"\n' }, { tags: ['t'] });
    expect(plan.tasks[0]).toMatchObject({ when: [{ $expression: 'ansible_hostname == "x"' }] });
    expect(await messages('- hosts: web\n  roles: [nope]\n')).toEqual(['site.yml:2:11 the role "nope" does not exist']);
  });

  it('take other files than main, and refuse what is missing', async () => {
    const other = { 'roles/b/tasks/main.yml': '- debug: {msg: main}\n', 'roles/b/tasks/x.yml': '- debug: {msg: "x{{ y }}"}\n', 'roles/b/vars/o.yml': 'y: 1\n' };
    expect(await shape(play('- import_role: {name: b, tasks_from: x, vars_from: o}'), other)).toBe('x1 !');
    expect(await messages(play('- import_role: {name: b, tasks_from: none}'), other)).toEqual(['site.yml:3:27 the role "b" has no tasks/none']);
  });

  it('that lead back to themselves are a mistake', async () => {
    const circle = { 'roles/b/meta/main.yml': 'dependencies: [c]\n', 'roles/c/meta/main.yml': 'dependencies: [b]\n' };
    expect(await messages('- hosts: web\n  roles: [b]\n', circle)).toEqual(['roles/c/meta/main.yml:1:16 the role "b" leads back to itself']);
    expect(await messages(play('- import_tasks: a.yml'), { 'a.yml': '- include_tasks: a.yml\n' })).toEqual(['a.yml:1:18 the file of tasks leads back to itself']);
  });

  it('have variables of their own on the host', async () => {
    const plan = await planOf('- hosts: web\n  vars: {v: play}\n  roles: [r, s]\n  tasks: [{debug: {msg: "{{ ansible_hostname }} {{ v }}"}}]\n', {
      'roles/r/tasks/main.yml': '- debug: {msg: "{{ ansible_hostname }} {{ d }} {{ role_name }}"}\n', 'roles/r/defaults/main.yml': 'd: "{{ role_name }}"\n',
      'roles/s/tasks/main.yml': '- debug: {msg: "{{ ansible_hostname }} {{ d }}"}\n', 'roles/s/vars/main.yml': 'd: s\n',
    });
    expect(plan.vars).toEqual({ d: 's', v: 'play' });
    expect(plan.tasks[0]).toMatchObject({ scope: 'r.0' });
    expect(plan.scopes).toEqual({ 'r.0': { role_name: 'r' } });
  });
});

describe('imports and includes', () => {
  it('hand down keywords, or do not', async () => {
    const files = { 't.yml': '- debug: {msg: "{{ v }}"}\n  when: n == 1\n' };
    const plan = await planOf(play('- import_tasks: t.yml', '  when: ansible_hostname == "x"', '  vars: {v: 1}', '  no_log: yes', '- include_tasks: t.yml', '  when: ansible_hostname == "x"', '  vars: {v: 2}'), files);
    expect(plan.tasks[0]).toMatchObject({ when: [{ $expression: 'ansible_hostname == "x"' }], params: { msg: 1 }, noLog: true });
    const include = plan.tasks[1] as PlannedInclude;
    expect(include).toMatchObject({ kind: 'include', resource: 'include_tasks', what: 't.yml', when: [{ $expression: 'ansible_hostname == "x"' }] });
    expect(include.bodies['t.yml']).toMatchObject([{ params: { msg: 2 } }]);
    expect(include.bodies['t.yml']?.[0]).not.toHaveProperty('when');
  });

  it('take every file that a fact may choose, and one that is known', async () => {
    const files = { 'os-a.yml': '- debug: {msg: A}\n', 'os-b.yml': '- debug: {msg: B}\n', 'other.yml': 'x: 1\n', 'os-vars.yml': 'x: 1\n' };
    expect(await shape(play('- include_tasks: "os-{{ ansible_hostname }}.yml"'), files)).toBe('include_tasks{os-a.yml: A; os-b.yml: B} !');
    expect(await shape(play('- include_tasks: "os-{{ inventory_hostname }}.yml"'), files)).toBe('include_tasks{os-a.yml: A} !');
    expect(await shape(play('- include_tasks: "os-{{ item }}.yml"', '  loop: [b, a]'), files)).toBe('include_tasks{os-b.yml: B; os-a.yml: A} !');
    expect(await messages(play('- include_tasks: "{{ inventory_hostname }}.yml"'), files)).toEqual(['site.yml:3:22 the file of tasks "a.yml" does not exist for a', 'site.yml:3:22 the file of tasks "b.yml" does not exist for b']);
  });

  it('take roles by name, with tags and variables below apply', async () => {
    const files = { 'roles/x-a/tasks/main.yml': '- debug: {msg: "{{ p }}"}\n', 'roles/x-b/tasks/main.yml': '- debug: {msg: other}\n' };
    expect(await shape(play('- include_role: {name: "x-{{ ansible_hostname }}"}', '  vars: {p: 1}'), files)).toContain('x-a: x-a : debug; x-b: other');
    expect(await shape(play('- include_role: {name: x-b, apply: {tags: t}}', '  tags: t'), files, { tags: ['t'] })).toBe('include_role : x-b{x-b: other} !');
    expect(await shape(play('- include_role: {name: x-b}', '  tags: t'), files, { tags: ['t'] })).toBe('include_role : x-b{x-b: } !');
  });

  it('read variables', async () => {
    const files = { 'vars/v.yml': 'level: included\nnew: "{{ n }}"\n', 'v-x.yml': 'w: 1\n' };
    const plan = await planOf(play('- include_vars: v.yml', '- debug: {msg: "{{ level }}{{ new }}"}', '- include_vars: "v-{{ ansible_hostname }}.yml"', '- debug: {msg: "{{ w }}"}'), files);
    expect(plan.tasks).toMatchObject([{ what: 'v.yml', values: { 'v.yml': { level: 'included', new: 1 } } }, { params: { msg: 'included1' } }, { values: { 'v-x.yml': { w: 1 } } }, { params: { msg: { $template: '{{ w }}' } } }, {}]);
  });

  it('of playbooks bring conditions, tags and variables', async () => {
    const compiled = await compile('- import_playbook: sub/other.yml\n  when: ansible_hostname == "x"\n  vars: {v: 1}\n  tags: t\n- hosts: db\n', { 'sub/other.yml': '- hosts: web\n  vars: {v: 0}\n  roles: [r]\n', 'sub/roles/r/tasks/main.yml': '- debug: {msg: "{{ v }} {{ playbook_dir }}"}\n' }, { tags: ['t'] });
    expect(compiled.plays.map(({ hosts }) => hosts)).toEqual([['a', 'b'], ['c']]);
    expect(compiled.plays[0]?.plans.get('a')?.tasks[0]).toMatchObject({ when: [{ $expression: 'ansible_hostname == "x"' }], params: { msg: expect.stringMatching(/^1 .*\/sub$/) as string } });
    expect(await messages('- import_playbook: site.yml\n')).toEqual(['site.yml:1:20 the playbook imports itself']);
  });
});

describe('blocks', () => {
  it('hand down keywords, and keep what is done after a failure', async () => {
    const plan = await planOf(play('- block: [{debug: {msg: "{{ v }}"}}]', '  rescue: [{debug: {msg: "{{ ansible_failed_task.name }}"}}]', '  always: [{debug: {msg: end}}]', '  vars: {v: block}', '  when: ansible_hostname == "x"', '  environment: {A: "1"}', '- block: [{debug: {msg: plain}}]'));
    expect(outline(plan.tasks)).toBe('[block / debug / end] plain !');
    expect((plan.tasks[0] as { block: PlannedStep[] }).block[0]).toMatchObject({ when: [{ $expression: 'ansible_hostname == "x"' }], environment: { A: '1' } });
  });
});

describe('keywords', () => {
  it('travel with the task', async () => {
    const plan = await planOf(play(
      '- command: id', '  register: r', '  until: r.rc == 0', '  retries: 5', '  delay: "{{ n }}"', '  run_once: yes', '  delegate_to: c', '  environment: {N: 1}', '  any_errors_fatal: yes', '  ignore_unreachable: yes', '  timeout: 9', '  diff: no',
      '  loop: [1, 2]', '  loop_control: {index_var: i, label: "{{ item }}", pause: 1, extended: yes}', '- local_action: command id -u', '- action: file path=/x',
    ).replace('  tasks:', '  environment: {P: "{{ level }}"}\n  force_handlers: yes\n  tasks:'));
    expect(plan.tasks[0]).toMatchObject({
      until: [{ $expression: 'r.rc == 0' }], retries: 5, delay: 1, runOnce: true, delegateTo: 'c', environment: { P: 'group', N: '1' }, anyErrorsFatal: true, ignoreUnreachable: true, timeout: 9, diff: false,
      loopControl: { indexVar: 'i', label: { $template: '{{ item }}' }, pause: 1, extended: true },
    });
    expect(plan.tasks[1]).toMatchObject({ delegateTo: 'localhost', params: { _raw_params: 'id -u' } });
    expect(plan.tasks[2]).toMatchObject({ resource: 'file', params: { path: '/x' } });
    expect(plan.forceHandlers).toBe(true);
  });

  it.each<[string, string, unknown]>([
    ['with_dict', '{a: 1}', [{ key: 'a', value: 1 }]], ['with_items', '[[1, [2]], 3]', [1, [2], 3]], ['with_list', '[[1], 2]', [[1], 2]],
    ['with_together', '[[1, 2], [3]]', [[1, 3], [2, null]]], ['with_nested', '[[1, 2], [3]]', [[1, 3], [2, 3]]], ['with_sequence', 'start=1 end=3 format=x%02d', ['x01', 'x02', 'x03']],
    ['with_subelements', '[[{n: 1, k: [a, b]}], k]', [[{ n: 1, k: ['a', 'b'] }, 'a'], [{ n: 1, k: ['a', 'b'] }, 'b']]], ['with_indexed_items', '[x]', [[0, 'x']]],
  ])('%s is a loop', async (key, value, items) => {
    expect((await planOf(play('- debug: {msg: "{{ item }}"}', `  ${key}: ${value}`))).tasks[0]).toMatchObject({ loop: items });
  });

  it('looks up what an item names', async () => {
    expect(await shape(play('- debug: {msg: "{{ lookup(\'file\', item) }}"}', '  loop: [f, g]'), { f: '1', g: '2' })).toBe('1 2 !');
  });

  it('of modules give defaults', async () => {
    expect((await planOf(play('- file: {path: /x, state: absent}').replace('  tasks', '  module_defaults: {file: {state: file, owner: "{{ level }}"}}\n  tasks'))).tasks[0]).toMatchObject({ params: { path: '/x', state: 'absent', owner: 'group' } });
  });
});

describe('mistakes', () => {
  it.each<[string, string]>([
    [play('- include_tasks: {file: t.yml, x: 1}'), '3:36 include_tasks takes no parameters'],
    [play('- include_tasks: t.yml', '  environment: {}'), '4:7 environment on include_tasks would not reach what is included'],
    [play('- import_tasks: t.yml', '  loop: [1]'), '4:7 import_tasks cannot be looped'],
    [play('- meta: reset_connection'), '3:13 meta: reset_connection is not supported'],
    [play('- meta: flush_handler'), '3:13 there is no meta task "flush_handler"'],
    [play('- block: []', '  loop: [1]'), '4:7 a block cannot be looped'],
    [play('- rescue: []'), '3:7 rescue without block'],
    [play('- command: id', '  retries: 3'), '4:7 retries without until does nothing'],
    [play('- command: id', '  delegate_to: nobody'), '4:20 delegate_to names "nobody", which no hosts file has'],
    [play('- command: id', '  loop: [1]', '  loop_control: {extendd: yes}'), '5:22 "extendd" is not a key of loop_control'],
    ['- hosts: web\n  strategy: linear\n', '2:13 strategy must be free'],
    ['- hosts: web\n  roles: [{role: r, port: 1}]\n', '2:21 port is not supported on a role: write it on the play'],
    ['- hosts: web\n  handlers: [{block: []}]\n', '2:15 a block cannot be a handler'],
  ])('%#', async (text, expected) => {
    expect(await messages(text, { 't.yml': '- command: id\n', 'roles/r/tasks/main.yml': '' })).toEqual([`site.yml:${expected}`]);
  });
});

describe('other views', () => {
  it('begin at a task', async () => {
    const text = play('- {name: one, debug: {msg: 1st}}', '- block:', '    - {name: two, debug: {msg: 2nd}}', '    - {name: three, debug: {msg: 3rd}}', '  always: [{debug: {msg: end}}]');
    expect(await shape(text, {}, { startAtTask: 'thr*' })).toBe('[3rd /  / end] !');
    const [error] = await mistakesOf(text, {}, { startAtTask: 'tow' });
    expect(error).toMatchObject({ code: 'USAGE', hint: 'did you mean "two"?' });
  });

  it('list tasks, survey without hosts, and explain variables', async () => {
    const files = { 'roles/r/tasks/main.yml': '- {name: x, debug: {msg: "{{ d }}"}, tags: t}\n- include_tasks: "{{ any }}.yml"\n', 'roles/r/tasks/more.yml': '- comand: id\n', 'roles/r/defaults/main.yml': 'd: 1\n', 'v.yml': 'w: 1\n' };
    const text = '- hosts: web\n  vars: {v: 1}\n  vars_files: [v.yml]\n  roles: [r]\n';
    const path = writePlaybook(text, files);
    const survey = await surveyPlaybook({ playbook: path, resources: testResources });
    expect(survey.problems.map(({ message, position }) => `${String(position?.line)} ${message}`)).toEqual(['1 "comand" is neither a key of a task nor a resource']);
    const hosts = await loadHosts([join(dirname(path), 'hosts.yml')]);
    const [explained] = await explainVariables({ playbook: path, hosts, host: 'a', check: false, diff: false, run: 'run-00000001', user: 'x', resources: testResources });
    expect(explained?.layers.map(({ level, vars, places }) => [level, vars, [...places.values()].map(({ line }) => line)])).toEqual([['role defaults', { d: 1 }, [1]], ['play vars', { v: 1 }, [2]], ['vars_files', { w: 1 }, [1]]]);
    expect((await compile('- hosts: web\n  roles: [{role: r, tags: [u]}]\n', { ...files, 'roles/r/tasks/main.yml': '- {name: x, debug: {msg: 1}, tags: t}\n' })).listed).toEqual([{ name: undefined, pattern: 'web', tags: [], tasks: [{ name: 'r : x', tags: ['u', 't'], included: false }] }]);
  });
});
