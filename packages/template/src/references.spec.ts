import { describe, expect, it } from 'vitest';
import { referencedVariables } from './index.ts';

describe('referencedVariables', () => {
  it.each<[string, 'text' | 'expression', string[], string[]]>([
    ['a {{ x }} {{ y.z[w] }}', 'text', ['w', 'x', 'y'], []],
    ['{{ x | default(y) }}', 'text', ['y'], ['x']],
    ['{{ x.a.b | default("") }}', 'text', [], ['x']],
    ['x is defined and x.y == z', 'expression', ['z'], ['x']],
    ['x is not defined or x > 1', 'expression', [], ['x']],
    ['not (x is undefined) and x', 'expression', [], ['x']],
    ['x or x is defined', 'expression', ['x'], []],
    ['{% if x is defined %}{{ x }}{% else %}{{ y }}{% endif %}', 'text', ['y'], ['x']],
    ['{% if x is defined %}{% endif %}{{ x }}', 'text', ['x'], []],
    ['{{ a if a is defined else b }}', 'text', ['b'], ['a']],
    ['{% for i in items %}{{ i }}{{ loop.index }}{{ o }}{% endfor %}', 'text', ['items', 'o'], []],
    ['{% for k, v in m.items() if v > lim %}{{ k }}{% endfor %}', 'text', ['lim', 'm'], []],
    ['{% set a = b %}{{ a }}', 'text', ['b'], []],
    ['{% macro f(p, q=r) %}{{ p }}{{ q }}{{ s }}{% endmacro %}{{ f(t) }}', 'text', ['s', 't'], []],
    ['{{ true }}{{ None }}{{ range(3) }}{{ omit }}', 'text', [], []],
    ['{{ x is defined | ternary(1, 2) }}', 'text', [], ['x']],
    ['{{ l | map("extract", hostvars, k) }}', 'text', ['hostvars', 'k', 'l'], []],
  ])('%s', (text, kind, required, optional) => {
    const found = referencedVariables(text, kind);
    expect([[...found.required].sort(), [...found.optional].sort()]).toEqual([required, optional]);
  });
});
