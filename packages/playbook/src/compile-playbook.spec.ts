import { Secret, type Plan } from '@hsmfleet/contract';
import { controlFrameProblem } from '@hsmfleet/contract/wire-validator';
import { describe, expect, it } from 'vitest';
import { compile, mistakesOf, tasksOf, tasksOfPlan } from './test-playbook.ts';

const play = (...lines: string[]) => ['- hosts: web', '  tasks:', ...lines.map((line) => `    ${line}`), ''].join('\n');
const planOf = async (playbook: string, host = 'a', files = {}, options = {}): Promise<Plan> => {
  const plan = (await compile(playbook, files, options)).plays[0]?.plans.get(host) as Plan;
  expect(controlFrameProblem({ type: 'plan', plan })).toBeUndefined();
  return plan;
};
const params = async (...lines: string[]) => (await tasksOf(play(...lines))).map((task) => task.params);

describe('tasks', () => {
  it('takes every spelling of Ansible', async () => {
    expect(await params(
      '- command: cat /etc/hostname', '- command: {argv: [id, -u]}', '- command: "true"', '- command: true', '- ansible.builtin.command: id',
      '- file: path=/x state=directory mode=0755', "- ansible.legacy.file: path='/a b' owner={{ level }}", '- command: id\n      args: {creates: /x}', '- debug: msg="hello {{ n }} you"',
    )).toEqual([
      { _raw_params: 'cat /etc/hostname' }, { argv: ['id', '-u'] }, { _raw_params: 'true' }, { _raw_params: 'true' }, { _raw_params: 'id' },
      { path: '/x', state: 'directory', mode: '0755' }, { path: '/a b', owner: 'group' }, { _raw_params: 'id', creates: '/x' }, { msg: 'hello 1 you' },
    ]);
  });

  it('renders what is known, and leaves the rest to the host with the place it came from', async () => {
    const plan = await planOf(play(
      '- debug: {msg: "{{ level }}:{{ port }}"}', '- debug: {msg: "{{ port }}"}', '- debug: {msg: "{{ ansible_hostname }}/{{ level }}"}',
      '- command: id\n      register: r', '- debug: {msg: "{{ r.stdout | default(fallback) }}"}', '- set_fact: {made: 1}', '- debug: {msg: "{{ made }}"}', '- file: {path: /x, owner: "{{ none_such | default(omit) }}"}',
    ).replace('  tasks:', '  vars: {fallback: "{{ level }}!", unused: 1}\n  tasks:'));
    expect(tasksOfPlan(plan).map((task) => task.params)).toMatchObject([
      { msg: 'group:443' }, { msg: 443 }, { msg: { $template: '{{ ansible_hostname }}/{{ level }}', at: { line: 6, column: 21 } } }, {},
      { msg: { $template: '{{ r.stdout | default(fallback) }}' } }, { made: 1 }, { msg: { $template: '{{ made }}' } }, { path: '/x' },
    ]);
    expect(tasksOfPlan(plan)[7]?.params).toEqual({ path: '/x' });
    expect(plan.vars).toEqual({ level: 'group', fallback: 'group!' });
  });

  it('judges conditions that are known, and keeps the others', async () => {
    const tasks = await tasksOf(play(
      '- command: id\n      when: n == 1', '- command: "{{ nope }}"\n      when: nope is defined', '- command: id\n      when: [n == 1, ansible_hostname == "x"]',
      '- command: id\n      register: r', '- command: "{{ r.stdout }} {{ later_only }}"\n      when: [r is changed, later_only is defined]', '- command: id\n      when: "{{ r is changed }}"',
      '- command: id\n      changed_when: r.rc == 2\n      failed_when: false', '- command: id\n      when: r is defined and r.rc == 0',
    ));
    expect(tasks.map(({ when }) => when)).toMatchObject([
      undefined, [false], [{ $expression: 'ansible_hostname == "x"' }], undefined, [false], [{ $expression: 'r is changed' }], undefined, [{ $expression: 'r is defined and r.rc == 0' }],
    ]);
    expect(tasks[6]).toMatchObject({ changedWhen: [{ $expression: 'r.rc == 2' }], failedWhen: [false] });
  });

  it('keeps a variable open once a task may have changed it, unless -e gives it', async () => {
    const text = play('- debug: {msg: "{{ level }}"}', '- set_fact: {level: new}', '- debug: {msg: "{{ level }}"}');
    expect((await tasksOf(text)).map((task) => task.params)).toMatchObject([{ msg: 'group' }, {}, { msg: { $template: '{{ level }}' } }]);
    const compiled = await compile(text, {}, { extraVars: { level: 'extra' } });
    expect(tasksOfPlan(compiled.plays[0]?.plans.get('a'))[2]?.params).toEqual({ msg: 'extra' });
    expect(compiled.warnings).toEqual([expect.stringContaining('"level" is given with -e')]);
  });

  it('lets changed_when and failed_when see the result that the task itself registers', async () => {
    const text = play('- command: id\n      register: own\n      changed_when: own.rc == 2\n      failed_when: [own.rc > 2, level == "group"]', '- command: id\n      loop: [1, 2]\n      register: each\n      changed_when: each.rc == item');
    const conditions = { changedWhen: [{ $expression: 'own.rc == 2' }], failedWhen: [{ $expression: 'own.rc > 2' }, true] };
    expect(await tasksOf(text)).toMatchObject([conditions, { changedWhen: [{ $expression: 'each.rc == item' }] }]);
    expect(await tasksOf(text, 'a', {}, { extraVars: { own: 'x', each: 'x' } })).toMatchObject([conditions, { changedWhen: [{ $expression: 'each.rc == item' }] }]);
    const [error] = await mistakesOf(play('- command: id\n      register: own\n      when: own.rc == 2'));
    expect(error).toMatchObject({ code: 'UNDEFINED_VARIABLE' });
  });

  it('tells the host which variables -e gave, but leaves a loop its item', async () => {
    const text = play(
      '- set_fact: {level: "{{ ansible_hostname }}"}', '- debug: {msg: "{{ level }} {{ ansible_hostname }} {{ own }}"}\n      vars: {own: task}',
      '- debug: {msg: "{{ item }} {{ ansible_hostname }}"}\n      loop: [1]',
    );
    const plan = await planOf(text, 'a', {}, { extraVars: { level: 'extra', own: 'mine', item: 'no', unused: 1 } });
    expect(plan.vars).toEqual({ level: 'extra', own: 'mine' });
    expect(plan.extraVars).toEqual(['level', 'own']);
    expect(tasksOfPlan(plan)[2]).toMatchObject({ loop: [1], params: { msg: { $template: '{{ item }} {{ ansible_hostname }}' } } });
    expect((await planOf(text.replaceAll('own', 'level'))).extraVars).toBeUndefined();
  });

  it('remembers registered names from play to play', async () => {
    const second = play('- debug: {msg: "{{ r.rc }}"}');
    const compiled = await compile(`${play('- command: id', '  register: r')}${second}`);
    expect(tasksOfPlan(compiled.plays[1]?.plans.get('a'))[0]?.params).toMatchObject({ msg: { $template: '{{ r.rc }}' } });
    expect(tasksOfPlan(compiled.plays[1]?.plans.get('a'))[0]?.id).toBe('1.t0');
  });

  it('takes loops, known and not', async () => {
    const tasks = await tasksOf(play(
      '- debug: {msg: "{{ item.x }} {{ level }}"}\n      loop: [{x: 1}, {x: "{{ n }}"}]', '- debug: {msg: "{{ it }}"}\n      loop: "{{ [1, 2] }}"\n      loop_control: {loop_var: it, label: x}',
      '- debug: {msg: "{{ item }}"}\n      with_items: [[1, 2], 3]', '- command: id\n      register: r', '- debug: {msg: "{{ item }}"}\n      loop: "{{ r.stdout_lines }}"',
    ));
    expect(tasks.map(({ loop, loopVar }) => [loop, loopVar])).toMatchObject([
      [[{ x: 1 }, { x: 1 }], undefined], [[1, 2], 'it'], [[1, 2, 3], undefined], [undefined, undefined], [{ $template: '{{ r.stdout_lines }}' }, undefined],
    ]);
  });

  it('checks parameters with their values in place', async () => {
    const errors = await mistakesOf(play('- file: {path: "{{ p }}", mode: "{{ ansible_hostname }}", depth: "{{ d }}"}\n      vars: {p: rel, d: "7"}'));
    expect(errors.map((error) => error.message)).toEqual(['file.path must be an absolute path']);
  });

  it('passes names, flags, tags and handlers', async () => {
    const plan = await planOf(`${play('- name: "do {{ n }}"', '  command: id', '  notify: [restart, topic]', '  no_log: yes', '  ignore_errors: "{{ ansible_check_mode }}"', '  check_mode: no', '- name: "on {{ ansible_hostname }}"', '  command: id')}  handlers:\n    - name: restart\n      command: id\n      listen: topic\n`, 'a', {}, { check: true });
    expect(tasksOfPlan(plan)[0]).toMatchObject({ id: '0.t0', name: 'do 1', notify: ['restart', 'topic'], noLog: true, ignoreErrors: true, checkMode: false, position: { line: 3, column: 7 } });
    expect(tasksOfPlan(plan)[1]?.name).toBe('on {{ ansible_hostname }}');
    expect(plan.handlers).toMatchObject([{ id: '0.h0', name: 'restart', listen: ['topic'] }]);
    expect([plan.check, plan.gatherFacts]).toEqual([true, true]);
  });

  it.each<[string[] | undefined, string[] | undefined, string]>([
    [undefined, undefined, 'plain one always'], [['one'], undefined, 'one always'], [['never'], undefined, 'always never'], [undefined, ['one'], 'plain always'],
    [['untagged'], undefined, 'plain always'], [['tagged'], undefined, 'one always'], [['two'], ['always'], 'never'], [undefined, ['always'], 'plain one'],
  ])('selects by tags %j without %j', async (tags, skipTags, expected) => {
    const text = play('- {name: plain, command: id}', '- {name: one, command: id, tags: one}', '- {name: always, command: id, tags: [always]}', '- {name: never, command: id, tags: [never, two]}');
    expect((await tasksOf(text, 'a', {}, { tags, skipTags })).map((task) => task.name).join(' ')).toBe(expected);
  });
});

describe('variables', () => {
  it('follow the precedence of Ansible', async () => {
    const text = '- hosts: web\n  vars: {v: play, w: play, x: play}\n  vars_files: [f.yml]\n  tasks:\n    - debug: {msg: "{{ level }} {{ v }} {{ w }} {{ x }}"}\n      vars: {w: task}\n';
    const files = { 'f.yml': 'x: file\nw: file\n', 'group_vars/all.yml': 'level: all\nv: all\n', 'host_vars/a.yml': 'level: host\n' };
    expect((await tasksOf(text, 'a', files))[0]?.params).toEqual({ msg: 'host play task file' });
    expect((await tasksOf(text, 'a', files, { extraVars: { w: 'extra' } }))[0]?.params).toEqual({ msg: 'host play extra file' });
  });

  it('include the magic ones', async () => {
    expect(await params(
      '- debug: {msg: "{{ inventory_hostname }} {{ groups.web | join(\',\') }} {{ group_names }} {{ play_hosts }}"}', '- debug: {msg: "{{ hostvars.b.n }} {{ hostvars[inventory_hostname].level }}"}',
      '- debug: {msg: "{{ groups[\'web\'] | map(\'extract\', hostvars, \'n\') | list }}"}',
    )).toEqual([{ msg: "a a,b ['web'] ['a', 'b']" }, { msg: '2 group' }, { msg: [1, 2] }]);
  });

  it('may name files of variables', async () => {
    const text = '- hosts: web\n  vars_files: ["{{ inventory_hostname }}.yml", [none.yml, all.yml]]\n  tasks: [{debug: {msg: "{{ x }} {{ y }}"}}]\n';
    expect((await tasksOf(text, 'b', { 'a.yml': 'x: 1', 'b.yml': 'x: 2', 'all.yml': 'y: 3' }))[0]?.params).toEqual({ msg: '2 3' });
  });

  it('are asked for', async () => {
    const text = '- hosts: web\n  vars_prompt: [{name: p, prompt: PIN}, {name: q, private: no, default: d}]\n  tasks: [{debug: {msg: "{{ q }}"}}, {debug: {msg: "{{ p }}"}}]\n';
    const plan = await planOf(text, 'a', {}, { ask: (question: string) => Promise.resolve(question === 'PIN' ? '648219' : undefined) });
    expect(tasksOfPlan(plan).map((task) => task.params)).toEqual([{ msg: 'd' }, { msg: { $secret: 's1' } }]);
  });
});

describe('secrets', () => {
  it('travel in their own field, only to the host they belong to', async () => {
    const text = play('- pin_file: {path: /x, pins: [{token: t, pin: "{{ pin | default(\'none\') }}"}]}', '- copy: {content: "pin={{ pin | default(0) }}", dest: /x}', '- template: {src: t.j2, dest: /x}', '- template: {src: h.j2, dest: /x}');
    const files = { 't.j2': 'PIN {{ pin | default("-") }}\n', 'h.j2': '{{ ansible_hostname }} {{ hostvars.a.n }}\n' };
    const a = await planOf(text, 'a', files);
    expect(tasksOfPlan(a)[0]?.params).toEqual({ path: '/x', pins: [{ token: 't', pin: { $secret: 's1' } }] });
    expect(tasksOfPlan(a)[1]?.params).toEqual({ content: { $secret: 's2' }, dest: '/x' });
    expect(tasksOfPlan(a)[2]?.inputs).toEqual({ src: { kind: 'template', name: 't.j2', text: { $secret: 's3' } } });
    expect(Object.values(a.secrets).map((secret) => secret.value)).toEqual(['648219', 'pin=648219', 'PIN 648219\n']);
    const b = await planOf(text, 'b', files);
    expect(JSON.stringify(b)).not.toContain('648219');
    expect(b.vars.hostvars).toMatchObject({ a: { n: 1 }, b: { n: 2 } });
  });

  it('are not told in messages', async () => {
    const errors = await mistakesOf(play('- file: {path: "{{ pin | default(1) }}", state: "x{{ pin | default(1) }}"}', '- debug: {msg: "{{ (pin | default(1)) + [] }}"}'));
    expect(errors.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors.map((error) => error.toShape()))).not.toContain('648219');
  });
});

describe('files', () => {
  it('are found as Ansible finds them, and hashed', async () => {
    const compiled = await compile(play('- copy: {src: f, dest: /x}', '- copy: {src: g, dest: /x}', '- template: {src: t, dest: /x}', '- template: {src: u, dest: /x}', '- template: {src: plain, dest: /x}'), {
      'files/f': 'in files', f: 'beside', g: 'beside', 'templates/t': '{% if true %}\n{{ level }}\n{% endif %}\n', u: '{{ ansible_hostname }}\n', plain: 'no markup\n',
    });
    const inputs = tasksOfPlan(compiled.plays[0]?.plans.get('a')).map((task) => task.inputs?.src);
    expect(inputs).toMatchObject([
      { kind: 'blob', blob: { size: 8, name: 'f' } }, { kind: 'blob', blob: { size: 6 } }, { kind: 'template', name: 't', text: 'group\n' },
      { kind: 'template', text: { $template: '{{ ansible_hostname }}\n', at: { line: 1, column: 1 } } }, { kind: 'template', text: 'no markup\n' },
    ]);
    expect([...compiled.blobs.values()].map((blob) => [blob.path.replace(/.*playbook-[^/]*\//, ''), blob.size])).toEqual([['files/f', 8], ['g', 6]]);
  });

  it('may depend on the item of a loop', async () => {
    const tasks = await tasksOf(play('- copy: {src: "{{ item }}", dest: "/x/{{ item }}"}', '  loop: [f, g]'), 'a', { f: '1', g: '22' });
    expect(tasks.map(({ id, loop, inputs }) => [id, loop, inputs?.src])).toMatchObject([['0.t0-0', ['f'], { blob: { size: 1 } }], ['0.t0-1', ['g'], { blob: { size: 2 } }]]);
  });
});

describe('plays', () => {
  it('come in batches, with their limits', async () => {
    const compiled = await compile('- hosts: all\n  name: site\n  serial: [1, "50%"]\n  max_fail_percentage: 25%\n  any_errors_fatal: yes\n  become: yes\n  become_user: www\n  gather_facts: no\n');
    expect(compiled.plays[0]).toMatchObject({ name: 'site', hosts: ['a', 'b', 'c'], batches: [['a'], ['b'], ['c']], maxFailPercentage: 25, anyErrorsFatal: true, become: true, becomeUser: 'www' });
  });

  it('tell how to connect', async () => {
    const hosts = 'web:\n  hosts:\n    a: {ansible_host: "10.0.0.{{ n }}", n: 1, ansible_ssh_private_key_file: k}\n    b: {ansible_user: other}\n';
    const compiled = await compile('- hosts: web\n  remote_user: deploy\n', { 'hosts.yml': hosts }, { become: true });
    expect(compiled.plays[0]?.connection.get('a')).toEqual({ ansible_host: '10.0.0.1', ansible_user: 'deploy', ansible_ssh_private_key_file: 'k' });
    expect(compiled.plays[0]?.connection.get('b')).toEqual({ ansible_user: 'other' });
    expect(compiled.plays[0]?.become).toBe(true);
  });

  it('tell which tokens their hosts may have', async () => {
    const hosts = 'web:\n  vars: {hsmfleet_manifests: "m/{{ inventory_hostname }}.json", hsmfleet_manifest_keys: [k.pub]}\n  hosts: {a: , b: }\n';
    const compiled = await compile('- hosts: web\n', { 'hosts.yml': hosts });
    expect(compiled.plays[0]?.connection.get('b')).toEqual({ hsmfleet_manifests: 'm/b.json', hsmfleet_manifest_keys: ['k.pub'] });
  });

  it('are limited, and may have no hosts left', async () => {
    const compiled = await compile('- hosts: web\n- hosts: db\n', {}, { limit: 'b' });
    expect(compiled.plays.map((each) => each.hosts)).toEqual([['b'], []]);
    expect(compiled.warnings).toEqual([expect.stringContaining('has no hosts')]);
    const [error] = await mistakesOf('- hosts: web\n', {}, { limit: 'nobody' });
    expect(error).toMatchObject({ code: 'HOST_PATTERN', position: undefined });
  });

  it('take the play\'s own variables and those of -e', async () => {
    const text = '- hosts: "{{ target }}"\n  name: "{{ target }} now"\n  vars: {target: web, sizes: [1, "50%"]}\n  serial: "{{ sizes }}"\n  become: "{{ as_root | default(false) }}"\n  max_fail_percentage: "{{ limit | default(10) }}"\n';
    expect((await compile(text)).plays[0]).toMatchObject({ name: 'web now', batches: [['a'], ['b']], become: false, maxFailPercentage: 10 });
    const extraVars = { target: ['b', 'c'], as_root: 'yes', sizes: '2', limit: '20' };
    expect((await compile(text, {}, { extraVars })).plays[0]).toMatchObject({ hosts: ['b', 'c'], batches: [['b', 'c']], become: true, maxFailPercentage: 20 });
    const [error] = await mistakesOf('- hosts: "{{ nope }}"\n');
    expect(error).toMatchObject({ code: 'UNDEFINED_VARIABLE', position: { line: 1, column: 14 }, hint: expect.stringContaining('-e') });
  });

  it('warn of tags that nothing has, and refuse a limit that leaves no host', async () => {
    const text = play('- {command: id, tags: [deploy]}');
    expect((await compile(text, {}, { tags: ['deploi', 'always'], skipTags: ['x'] })).warnings).toEqual([
      'no task has the tag "deploi": did you mean "deploy"?', 'no task has the tag "x": the tags are deploy',
    ]);
    const [error] = await mistakesOf(text, {}, { limit: 'web:!a:!b' });
    expect(error).toMatchObject({ code: 'HOST_PATTERN', message: 'no host matches the limit "web:!a:!b"' });
  });

  it('may run on the control host', async () => {
    const compiled = await compile('- hosts: localhost\n  tasks: [{debug: {msg: "{{ inventory_hostname }}"}}]\n');
    expect(compiled.plays[0]?.connection.get('localhost')).toEqual({ ansible_connection: 'local' });
  });

  it('keep secrets of the connection', async () => {
    const compiled = await compile('- hosts: a\n', { 'hosts.yml': 'web: {hosts: {a: {ansible_become_password: !secret file:pin}}}\n' });
    expect(compiled.plays[0]?.connection.get('a')?.ansible_become_password).toBeInstanceOf(Secret);
  });
});
