import { HsmfleetError } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mistakesOf } from './test-playbook.ts';

/** Lines of one task in a play for group web; the task starts at line 3. */
const play = (...lines: string[]) => ['- hosts: web', '  tasks:', ...lines.map((line) => `    ${line}`), ''].join('\n');

describe('one mistake, one message with its place', () => {
  it.each<[string, string, string, number, number, string, string | undefined]>([
    ['unknown task key', play('- comand: id', '  notfy: x'), 'PLAYBOOK_INVALID', 3, 7, '"comand" is neither a key of a task nor a resource', 'did you mean "command"?'],
    ['unknown task key 2', play('- command: id', '  regster: x'), 'PLAYBOOK_INVALID', 4, 7, '"regster" is neither', 'did you mean "register"?'],
    ['two resources', play('- command: id', '  file: {path: /x}'), 'PLAYBOOK_INVALID', 4, 7, 'two resources in one task: command and file', 'make two tasks of it'],
    ['no resource', play('- name: x'), 'PLAYBOOK_INVALID', 3, 7, 'the task has no resource', undefined],
    ['undefined variable', play('- debug: {msg: "{{ levl }}"}'), 'UNDEFINED_VARIABLE', 3, 24, 'the variable "levl" is not defined', 'did you mean "level"?'],
    ['undefined attribute', play('- debug: {msg: "{{ m.y }}"}', '  vars: {m: {x: 1}}'), 'UNDEFINED_VARIABLE', 3, 25, '"m" has no attribute "y"', undefined],
    ['undefined in when', play('- command: id', '  when: nope == 1'), 'UNDEFINED_VARIABLE', 4, 13, '"nope" is not defined', undefined],
    ['undefined beside a fact', play('- debug: {msg: "{{ ansible_hostname }} {{ nope }}"}'), 'UNDEFINED_VARIABLE', 3, 47, '"nope" is not defined', undefined],
    ['a fact that does not exist', play('- debug: {msg: "{{ ansible_hostnam }}"}'), 'UNDEFINED_VARIABLE', 3, 24, 'ansible_hostnam', 'did you mean "ansible_hostname"?'],
    ['register of a later task', play('- debug: {msg: "{{ r.rc }}"}', '- command: id', '  register: r'), 'UNDEFINED_VARIABLE', 3, 24, '"r" is not defined', undefined],
    ['undefined through a variable', play('- debug: {msg: "{{ v }}"}', '  vars:', '    v: "{{ nope }}"'), 'UNDEFINED_VARIABLE', 5, 16, '"nope" is not defined', undefined],
    ['undefined in an item', play('- debug: {msg: "{{ item.nme }}"}', '  loop: [{name: x}]'), 'UNDEFINED_VARIABLE', 3, 28, '"item" has no attribute "nme"', undefined],
    ['a variable in itself', play('- debug: {msg: "{{ v }}"}', '  vars: {v: "{{ v }}"}'), 'TEMPLATE_INVALID', 4, 18, 'refers to itself: v -> v', undefined],
    ['template syntax', play('- debug: {msg: "{{ level | }}"}'), 'TEMPLATE_INVALID', 3, 32, 'expected symbol', undefined],
    ['unknown filter', play('- debug: {msg: "{{ level | nofilter }}"}'), 'TEMPLATE_INVALID', 3, 32, 'the filter "nofilter" is not known', undefined],
    ['bad indentation', play('- command: id', '   when: true'), 'PLAYBOOK_SYNTAX', 4, 8, 'a key is indented below one that already has a value', undefined],
    ['bad indentation of a list', '- hosts: web\n  tasks:\n    - command: id\n   - command: id\n', 'PLAYBOOK_SYNTAX', 4, 4, 'block sequence', 'check the indentation: keys of one mapping start at the same column, list items are indented alike'],
    ['unknown host pattern', '- hosts: wbe\n  tasks: []\n', 'HOST_PATTERN', 1, 10, '"wbe" is neither a host nor a group', 'did you mean "web"?'],
    ['missing vars file', '- hosts: web\n  vars_files: [none.yml]\n', 'FILE_MISSING', 2, 16, 'none.yml does not exist', 'the path is relative to the playbook'],
    ['missing template', play('- template: {src: t.j2, dest: /x}'), 'FILE_MISSING', 3, 23, 'the template "t.j2" does not exist', undefined],
    ['missing file', play('- copy:', '    src: f', '    dest: /x'), 'FILE_MISSING', 4, 14, 'the file "f" does not exist', undefined],
    ['missing file of an item', play('- copy: {src: "{{ item }}", dest: /x}', '  loop: [f]'), 'FILE_MISSING', 3, 19, 'the file "f" does not exist', undefined],
    ['bad secret reference', '- hosts: web\n  vars:\n    p: !secret file:none\n', 'SECRET_REFERENCE', 3, 16, 'none does not exist', undefined],
    ['unset environment', '- hosts: web\n  vars: {p: !secret env:HSMFLEET_NOT_SET}\n', 'SECRET_REFERENCE', 2, 21, 'HSMFLEET_NOT_SET is not set', undefined],
    ['unknown handler', `${play('- command: id', '  notify: restrt')}  handlers:\n    - name: restart\n      command: id\n`, 'PLAYBOOK_INVALID', 4, 15, 'no handler is called "restrt"', 'the handlers of the play are "restart"'],
    ['unknown parameter', play('- file: {path: /x, mod: "0644"}'), 'PARAMS_INVALID', 3, 24, 'file has no parameter "mod"', 'did you mean "mode"?'],
    ['missing parameter', play('- file: {mode: "0644"}'), 'PARAMS_INVALID', 3, 7, 'file needs "path"', undefined],
    ['wrong type', play('- file: {path: /x, depth: many}'), 'PARAMS_INVALID', 3, 31, 'file.depth must be integer', undefined],
    ['wrong choice', play('- file: {path: /x, state: directry}'), 'PARAMS_INVALID', 3, 31, 'file.state must be one of file, directory, absent', 'did you mean "directory"?'],
    ['relative path', play('- file: {path: x}'), 'PARAMS_INVALID', 3, 20, 'file.path must be an absolute path', undefined],
    ['bad mode', play('- file: {path: /x, mode: u+x}'), 'PARAMS_INVALID', 3, 30, 'file.mode', undefined],
    ['nested parameter', play('- pin_file:', '    path: /x', '    pins:', '      - {token: t, pni: x}'), 'PARAMS_INVALID', 6, 24, 'pin_file.pins.0 has no parameter "pni"', 'did you mean "pin"?'],
    ['excluding parameters', play('- copy: {src: site.yml, content: x, dest: /x}'), 'PARAMS_INVALID', 3, 29, 'src and content exclude one another', undefined],
    ['neither of two', play('- copy: {dest: /x}'), 'PARAMS_INVALID', 3, 7, 'copy needs one of src, content', undefined],
    ['free form for what has none', play('- file: hello'), 'PLAYBOOK_INVALID', 3, 13, 'file takes a mapping', undefined],
    ['rendered parameter', play('- file: {path: /x, state: "{{ level }}"}'), 'PARAMS_INVALID', 3, 31, 'file.state must be one of', undefined],
    ['unsupported keyword', play('- command: id', '  async: 10'), 'PLAYBOOK_INVALID', 4, 7, 'async is not supported', undefined],
    ['unsupported keyword 2', play('- command: id', '  throttle: 1'), 'PLAYBOOK_INVALID', 4, 7, 'throttle is not supported', 'use serial on the play'],
    ['unsupported module', play('- ansible.builtin.shell: id'), 'PLAYBOOK_INVALID', 3, 7, 'shell is not supported', undefined],
    ['unsupported loop', play('- command: id', '  with_flattened: []'), 'PLAYBOOK_INVALID', 4, 7, 'with_flattened is not supported', 'use loop: "{{ LISTS | flatten }}"'],
    ['a role that is missing', '- hosts: web\n  roles: [x]\n', 'FILE_MISSING', 2, 11, 'the role "x" does not exist', undefined],
    ['unknown play key', '- hosts: web\n  task: []\n', 'PLAYBOOK_INVALID', 2, 3, '"task" is not a key of a play', 'did you mean "tasks"?'],
    ['no hosts', '- name: x\n', 'PLAYBOOK_INVALID', 1, 3, 'the play has no hosts', undefined],
    ['no list', 'hosts: web\n', 'PLAYBOOK_INVALID', 1, 1, 'a playbook is a list of plays', undefined],
    ['empty', '', 'PLAYBOOK_INVALID', 1, 1, 'the playbook is empty', undefined],
    ['bad serial', '- hosts: web\n  serial: 0\n', 'PLAYBOOK_INVALID', 2, 11, 'serial must be', undefined],
    ['bad percentage', '- hosts: web\n  max_fail_percentage: 200\n', 'PLAYBOOK_INVALID', 2, 24, 'from 0 to 100', undefined],
    ['become on a task', play('- command: id', '  become: true'), 'PLAYBOOK_INVALID', 4, 15, "become differs from the play's", undefined],
    ['loop over no list', play('- command: id', '  loop: "{{ port }}"'), 'PLAYBOOK_INVALID', 4, 13, 'loop must be a list', undefined],
    ['flag of no truth', play('- command: id', '  no_log: maybe'), 'PLAYBOOK_INVALID', 4, 15, 'no_log must be true or false', undefined],
    ['name of a variable', '- hosts: web\n  vars: {a-b: 1}\n', 'PLAYBOOK_INVALID', 2, 10, '"a-b" is not a name for a variable', undefined],
    ['only one host', play('- debug: {msg: "{{ pin }}"}'), 'UNDEFINED_VARIABLE', 3, 24, '"pin" is not defined for b', undefined],
    ['a file only facts tell', play('- template: {src: "{{ ansible_hostname }}", dest: /x}'), 'PLAYBOOK_INVALID', 3, 23, 'must be known before the run starts', undefined],
    ['assert', play('- assert: {that: [n > 0, nope]}'), 'UNDEFINED_VARIABLE', 3, 30, '"nope" is not defined', undefined],
  ])('%s', async (_what, text, code, line, column, message, hint) => {
    const [error, ...more] = (await mistakesOf(text)).filter((each) => !each.message.includes('notfy'));
    expect(more).toEqual([]);
    expect(error).toMatchObject({ code, position: { line, column } });
    expect(error?.message).toContain(message);
    if (hint !== undefined) expect(error?.hint).toBe(hint);
    expect(error?.excerpt).toBe(text.split('\n')[line - 1]);
  });

  it('finds mistakes in templates and in files of variables', async () => {
    const errors = await mistakesOf('- hosts: web\n  vars_files: [v.yml]\n  tasks:\n    - template: {src: t.j2, dest: /x}\n    - debug: {msg: "{{ v }}"}\n', {
      'templates/t.j2': 'one\n{% if nope %}\n{% endif %}\n', 'v.yml': 'v: "{{ gone }}"\n',
    });
    expect(errors.map((error) => [error.message, error.position?.file.replace(/.*\//, ''), error.position?.line, error.position?.column, error.excerpt])).toEqual([
      ['the variable "nope" is not defined', 't.j2', 2, 7, '{% if nope %}'],
      ['the variable "gone" is not defined', 'v.yml', 1, 8, 'v: "{{ gone }}"'],
    ]);
  });

  it('reports everything at once, in the order of the file', async () => {
    const errors = await mistakesOf(`- hosts: nowhere\n  bcome: true\n${play('- comand: id', '- file: {pth: /x}', '- debug: {msg: "{{ nope }}"}').replace('- hosts: web', '- hosts: web')}`);
    expect(errors.map((error) => error.position?.line)).toEqual([1, 2, 5, 6, 7]);
  });

  it('does not call variables undefined when a file of variables could not be read', async () => {
    const errors = await mistakesOf('- hosts: web\n  vars_files: [gone.yml, bad.yml]\n  tasks:\n    - debug: {msg: "{{ from_file }}"}\n    - debug: hello\n      register: r\n    - debug: {msg: "{{ r }}"}\n', { 'bad.yml': 'a: 1\n b: 2\n' });
    expect(errors.map((error) => error.code).sort()).toEqual(['FILE_MISSING', 'PLAYBOOK_INVALID', 'PLAYBOOK_SYNTAX']);
  });

  it('never throws anything but its own errors on mangled playbooks', async () => {
    const good = play('- name: "x {{ n }}"', '  file: {path: "/{{ level }}", mode: "0644"}', '  when: n is defined', '  loop: [1, 2]', '  register: r', '- command: id', '  notify: h', '- debug: {msg: "{{ r.results | length }}"}') + '  handlers:\n    - name: h\n      debug: msg=x\n';
    const edit = fc.tuple(fc.nat(good.length), fc.nat(5), fc.string({ maxLength: 4, unit: fc.constantFrom(...' \n:{}[]-&*!"#|%x~.,='.split('')) }));
    await fc.assert(fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const text = edits.reduce((mangled, [at, cut, insert]) => mangled.slice(0, at) + insert + mangled.slice(at + cut), good);
      for (const error of await mistakesOf(text)) expect(error).toBeInstanceOf(HsmfleetError);
    }), { numRuns: 200 });
  });
});
