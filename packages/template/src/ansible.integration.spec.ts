import { spawnSync } from 'node:child_process';
import { Deferred, type Value } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { evaluate, renderText, renderValue, scopeOf } from './index.ts';
import { expressions, variables as ofExpressions } from './testdata/expressions.ts';

/** Renders a list of templates with Ansible's own templar: template texts and variables on stdin, results on stdout. */
const PROGRAM = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
given = json.load(sys.stdin)
templar = Templar(loader=DataLoader(), variables=given['variables'])
print(json.dumps([[templar.template(text, convert_data=False, preserve_trailing_newlines=True, escape_backslashes=yaml) for yaml in (False, True)] for text in given['templates']]))
`;
const available = spawnSync('/usr/bin/python3', ['-c', 'import ansible.template']).status === 0;
if (!available) process.stderr.write('skipped: ansible is not installed (Debian package ansible-core)\n');

const variables: Record<string, Value> = {
  name: 'web1', port: 8443, flag: true, off: false, nothing: null, list: ['b', 'a', 'c'], map: { one: 1, two: { deep: "it's" } },
  users: [{ name: 'ann', age: 30, admin: true }, { name: 'bob', age: 20 }], path: '/etc/apache2/x.conf',
};
const templates = [
  'plain {{ name }}:{{ port }}\n', '{{ flag }} {{ nothing }}. {{ list }} {{ map }}', '{% for x in list %}\n  {{ loop.index }} {{ x }}\n{% endfor %}\nend\n',
  '  {% if flag %}\n  a\n  {% endif %}\n b\n', 'a {%- if flag %} b{%- endif %}\n c', '{# note #}\nx', '{% raw %}{{ x }}{% endraw %}\ny', '{% set n = namespace(v=1) %}{% for x in list %}{% set n.v = n.v * 2 %}{% endfor %}{{ n.v }}',
  "{{ users | selectattr('admin', 'defined') | map(attribute='name') | list }}", "{{ users | map(attribute='age') | sum }} {{ list | sort | join('-') }}", '{{ map | dict2items | to_json }}', '{{ map | to_nice_json }}',
  "{{ name | regex_replace('^web(\\d+)$', 'n\\\\1') }} {{ name | upper }} {{ 'a b' | quote }} {{ path | basename }} {{ path | dirname }}", "{{ missing | default('d') }} {{ '' | default('e', true) }}",
  "{{ '1.10' is version('1.9', '>') }} {{ name is match('w') }} {{ 2 in [1, 2] }} {{ 'x' not in list }}", '{{ (port // 100) % 7 }} {{ 2 ** 3 }} {{ -7 // 2 }} {{ 1 ~ 2 }}', "{{ 'y' if flag else 'n' }} {{ off | ternary(1, 2) }}",
  '{{ list[1:] }} {{ list[-1] }} {{ name[:3] }} {{ list | first }}', "{{ 'hi' | b64encode }} {{ 'x' | hash('sha256') }}", '{% macro m(a, b=2) %}<{{ a }}|{{ b }}>{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}', '{% for k, v in map.items() if k != "two" %}{{ k }}={{ v }}{% else %}none{% endfor %}',
  '{{ map | combine({"two": {"x": 1}}, recursive=True) }}', "{{ '%03d' | format(7) }} {{ list | length }} {{ [1, [2, [3]]] | flatten }}", '{{ "a,b" | split(",") }} {{ " x " | trim }}|{{ "ab cd" | title }}', '{{ "a.b" | regex_replace("\\.", "\\\\n") }} {{ "a1" | regex_search("\\d") }}{% if "a1" is search("\\d") %} digit{% endif %}', '{{ "yes" | bool }} {{ "7" | int + 1 }} {{ not off and flag }}',
];

describe.skipIf(!available)('templates come out as Ansible renders them', () => {
  const run = spawnSync('/usr/bin/python3', ['-c', PROGRAM], { encoding: 'utf8', input: JSON.stringify({ templates, variables }) });
  const expected = run.status === 0 ? (JSON.parse(run.stdout) as [file: unknown, yaml: unknown][]) : [];

  it('Ansible ran', () => {
    expect(run.stderr).toBe('');
    expect(expected).toHaveLength(templates.length);
  });

  it.each(templates.map((template, index) => [template, index] as const))('%j', (template, index) => {
    expect(renderText(template, scopeOf(variables))).toBe(expected[index]?.[0]);
    // the space keeps it text: one output alone would keep the type of its value
    expect(renderValue(new Deferred(`${template} `), scopeOf(variables))).toBe(`${String(expected[index]?.[1])} `);
  });
});

/** Evaluates expressions with Ansible, each printed as JSON. */
const EVALUATE = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
given = json.load(sys.stdin)
templar = Templar(loader=DataLoader(), variables=given['variables'])
print(json.dumps([json.loads(templar.template('{{ (' + text + ') | to_json }}', convert_data=False, escape_backslashes=False)) for text in given['expressions']]))
`;

/** What tells the same about a JSON value, whatever the order of keys. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, canonical(item)]));
}

describe.skipIf(!available)('expressions have the values that Ansible gives them', () => {
  // times are local in both
  const run = spawnSync('/usr/bin/python3', ['-c', EVALUATE], { encoding: 'utf8', input: JSON.stringify({ expressions, variables: ofExpressions }) });
  const expected = run.status === 0 ? (JSON.parse(run.stdout) as unknown[]) : [];

  it(`Ansible ran over ${String(expressions.length)} expressions`, () => {
    expect(run.stderr).toBe('');
    expect(expected).toHaveLength(expressions.length);
  });

  it.each(expressions.map((expression, index) => [expression, index] as const))('%s', (expression, index) => {
    expect(canonical(JSON.parse(JSON.stringify(evaluate(expression, scopeOf(ofExpressions)))))).toEqual(canonical(expected[index]));
  });
});
