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

  it.each([
    ['an unknown key', [{ hosts: 'all', tasks: [{ command: 'id', notfy: 'x' }] }]], ['two resources', [{ hosts: 'all', tasks: [{ command: 'id', file: { path: '/x' } }] }]],
    ['an unknown parameter', [{ hosts: 'all', tasks: [{ file: { path: '/x', mod: 1 } }] }]], ['no hosts', [{ tasks: [] }]], ['roles', [{ hosts: 'all', roles: [] }]],
  ])('refuses %s', (_what, playbook) => {
    expect(validate(playbook)).toBe(false);
  });
});
