import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KEYWORDS } from '@hsmfleet/resource';
import { resources } from '@hsmfleet/resources';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { playbookSchema } from './index.ts';

const ajv = new Ajv({ strict: false, allErrors: true });
for (const keyword of KEYWORDS) ajv.addKeyword(keyword);
const validate = ajv.compile(playbookSchema(resources));

describe('playbookSchema', () => {
  it('takes the playbook of the speed comparison', () => {
    const text = readFileSync(fileURLToPath(new URL('testdata/peers-light/light.yml', import.meta.url)), 'utf8');
    expect(validate(parse(text, { version: '1.1' }))).toBe(true);
  });

  it('takes the examples of every resource', () => {
    for (const resource of resources.values()) {
      for (const example of resource.examples) {
        const tasks = [parse(example.yaml, { version: '1.1', logLevel: 'silent' })].flat() as unknown[];
        validate([{ hosts: 'all', tasks }]);
        expect([example.title, validate.errors]).toEqual([example.title, null]);
      }
    }
  });

  it('takes roles, blocks, imports, includes and metas', () => {
    const playbook = parse(`
- import_playbook: other.yml
  when: yes
- hosts: all
  order: sorted
  force_handlers: yes
  environment: {A: b}
  pre_tasks: [{meta: flush_handlers}]
  roles: [web, {role: db, port_of_it: 1, when: x, tags: [t]}]
  tasks:
    - block: [{command: id}]
      rescue: [{include_tasks: {file: t.yml, apply: {tags: t}}, loop: [1], loop_control: {index_var: i}}]
      always: [{import_role: {name: web, tasks_from: x}, no_log: yes}, {block: [{include_vars: v.yml}]}]
    - command: id
      until: r.rc == 0
      retries: 3
      register: r
      delegate_to: localhost
      run_once: yes
    - local_action: command id
      with_dict: {a: 1}
  handlers: [{name: h, include_tasks: h.yml, listen: x}]
`, { version: '1.1' }) as unknown;
    validate(playbook);
    expect(validate.errors).toBe(null);
  });

  it.each([
    ['an unknown key', [{ hosts: 'all', tasks: [{ command: 'id', notfy: 'x' }] }]], ['two resources', [{ hosts: 'all', tasks: [{ command: 'id', file: { path: '/x' } }] }]],
    ['an unknown parameter', [{ hosts: 'all', tasks: [{ file: { path: '/x', mod: 1 } }] }]], ['no hosts', [{ tasks: [] }]], ['a loop on an import', [{ hosts: 'all', tasks: [{ import_tasks: 'x.yml', loop: [1] }] }]],
    ['an unknown meta task', [{ hosts: 'all', tasks: [{ meta: 'flush' }] }]],
  ])('refuses %s', (_what, playbook) => {
    expect(validate(playbook)).toBe(false);
  });
});
