import { Deferred, HsmfleetError, Secret } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { evaluate, hasMarkup, renderText, renderValue, scopeOf } from './index.ts';

const scope = scopeOf({
  name: 'web1', port: 8443, flag: true, off: false, nothing: null, empty: '', list: ['a', 'b', 'c'], numbers: [3, 1, 2],
  map: { one: 1, two: { deep: 'x' } },
  users: [{ name: 'ann', age: 30, admin: true }, { name: 'bob', age: 20 }, { name: 'cy', age: 25, admin: false }],
  result: { changed: true, failed: false, rc: 0, stdout: 'hello world' },
  base: '/etc', conf: new Deferred('{{ base }}/fleet'), nested: { path: new Deferred('{{ conf }}/x') },
  loopA: new Deferred('{{ loopB }}'), loopB: new Deferred('{{ loopA }}'),
  broken: new Deferred('{{ not_there }}'), partly: { good: 1, bad: new Deferred('{{ not_there }}') },
  ports: new Deferred('{{ numbers }}'),
});
const text = (template: string) => renderText(template, scope);
const value = (expression: string) => evaluate(expression, scope);
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return thrown.code;
    throw thrown;
  }
  return 'nothing thrown';
};

describe('output', () => {
  it.each([
    ['plain', 'plain'],
    ['{{ name }}:{{ port }}', 'web1:8443'],
    ['{{ flag }} {{ off }} {{ nothing }}.', 'True False .'],
    ['{{ list }} {{ map }}', "['a', 'b', 'c'] {'one': 1, 'two': {'deep': 'x'}}"],
    ['{{ map.two.deep }}{{ map["one"] }}{{ list[1] }}{{ list[-1] }}{{ list.0 }}', 'x1bca'],
    ['{{ list[1:] }}{{ list[:-1] }}{{ name[0:3] }}{{ list[::-1] }}', "['b', 'c']['a', 'b']web['c', 'b', 'a']"],
    ['{% if port > 80 and not off %}yes{% elif x %}{% else %}no{% endif %}', 'yes'],
    ['{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}', '1a,2b,3c'],
    ['{% for k, v in map.items() %}{{ k }};{% endfor %}', 'one;two;'],
    ['{% for u in users if u.age > 22 %}{{ u.name }} {% else %}none{% endfor %}', 'ann cy '],
    ['{% for u in [] %}x{% else %}none{% endfor %}', 'none'],
    ['{% set y = 3 %}{{ y + 1 }}', '4'],
    ['{% set ns = namespace(n=0) %}{% for x in list %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}', '3'],
    ['{% macro m(a, b="z") %}[{{ a }}{{ b }}]{% endmacro %}{{ m("q") }}{{ m("q", b="r") }}', '[qz][qr]'],
    ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
    ['{# gone #}a', 'a'],
    ['a\n{% if true %}\nb\n{% endif %}\nc\n', 'a\nb\nc\n'],
    ['a\n  {%- if true %} b{% endif -%}\n c', 'a bc'],
    ['{{ {"a": {"b": 1}} }}', "{'a': {'b': 1}}"],
    ['{{ "it" \'s\' }}{{ "\\t".join(["a", "b"]) }}', 'itsa\tb'],
    ['{{ "a" if off else "b" if off else "c" }}', 'c'],
    ['{% filter upper %}a{{ name }}{% endfilter %}', 'AWEB1'],
    ['#jinja2: trim_blocks: False\n{% if true %}\nx{% endif %}', '\nx'],
    ['{% call(x) m2("h") %}{{ x }}{% endcall %}', undefined],
  ])('%s', (template, expected) => {
    if (expected === undefined) expect(codeOf(() => text(template))).toBe('UNDEFINED_VARIABLE');
    else expect(text(template)).toBe(expected);
  });
});

describe('expressions', () => {
  it.each<[string, unknown]>([
    ['1 + 2 * 3', 7], ['(1 + 2) * 3', 9], ['7 // 2', 3], ['-7 % 3', 2], ['2 ** 3', 8], ['10 - 2 - 3', 5], ['8 * 7 % 5', 1],
    ['1 < 2 < 3', true], ['3 > 2 > 2', false], ['"a" in list', true], ['"z" not in list', true], ['not "z" in list', true],
    ['1 ~ "a" ~ true', '1aTrue'], ['[1] + [2]', [1, 2]], ['(1, 2)', [1, 2]], ['[1, 2,]', [1, 2]],
    ['flag == True', true], ['nothing is none', true], ['port is number and name is string', true],
    ['missing is defined', false], ['missing is not defined', true], ['map.zip.zap is defined', false], ['missing.x.y is defined', false],
    ['missing | default("d")', 'd'], ['map.zip | default(7)', 7], ['empty | default("d")', ''], ['empty | default("d", true)', 'd'],
    ['missing is defined and missing.x == 1', false], ['name or missing', 'web1'], ['off and missing', false],
    ['result is changed', true], ['result is failed', false], ['result is succeeded and result is not skipped', true],
    ['"12.5" is version("11", ">")', true], ['"1.0.14" is version("1.0.9", "<")', false], ['"2.0" is version("2.0", "eq")', true],
    ['name is match("web")', true], ['name is match("1")', false], ['name is search("1$")', true], ['name is match "w"', true],
    ['"b" is in list', true], ['"b" is in(list)', true], ['4 is divisibleby 2', true], ['map is mapping', true], ['list is iterable', true],
    ['"%02d" | format(7)', '07'], ['"%s-%s" % (1, "b")', '1-b'],
    ['name.upper().startswith("WEB")', true], ['"a:b:c".split(":")[1]', 'b'], ['map.get("zip", 5)', 5], ['map.keys() | list', ['one', 'two']],
    ['range(1, 4) | list', [1, 2, 3]], ['dict(a=1)', { a: 1 }],
    ['"\\d" is match("\\\\\\\\d")', true],
  ])('%s', (expression, expected) => {
    expect(value(expression)).toEqual(expected);
  });
});

describe('filters', () => {
  it.each<[string, unknown]>([
    ['users | map(attribute="name") | list', ['ann', 'bob', 'cy']],
    ['users | map(attribute="admin", default=false) | list', [true, false, false]],
    ['list | map("upper") | join("-")', 'A-B-C'],
    ['users | selectattr("admin", "defined") | map(attribute="name") | join(",")', 'ann,cy'],
    ['users | rejectattr("age", "gt", 22) | map(attribute="name") | list', ['bob']],
    ['users | selectattr("name", "equalto", "bob") | first', { name: 'bob', age: 20 }],
    ['list | select("in", ["a", "c"]) | list', ['a', 'c']], ['list | reject("match", "a") | list', ['b', 'c']],
    ['numbers | sort', [1, 2, 3]], ['numbers | sort(reverse=true)', [3, 2, 1]], ['users | sort(attribute="age") | map(attribute="name") | first', 'bob'],
    ['numbers | max', 3], ['numbers | min', 1], ['numbers | sum', 6], ['list | length', 3], ['map | count', 2], ['list | last', 'c'],
    ['[1, 2, 1] | unique', [1, 2]], ['[[1], [2, [3]]] | flatten', [1, 2, 3]], ['list | difference(["a"])', ['b', 'c']], ['[1] | union([2])', [1, 2]],
    ['map | combine({"one": 5})', { one: 5, two: { deep: 'x' } }],
    ['map | combine({"two": {"b": 1}}, recursive=true)', { one: 1, two: { deep: 'x', b: 1 } }],
    ['{"a": 1} | dict2items', [{ key: 'a', value: 1 }]], ['[{"key": "a", "value": 1}] | items2dict', { a: 1 }],
    ['"a b" | title', 'A B'], ['" x " | trim', 'x'], ['"abc" | replace("b", "d")', 'adc'],
    ['"web12" | regex_replace("^web(\\d+)$", "n\\\\1")', 'n12'], ['"a1b2" | regex_replace("\\d", "")', 'ab'],
    ['"web12" | regex_search("\\d+")', '12'], ['"web12" | regex_search("(?P<n>\\d)(\\d)", "\\\\2")', ['2']], ['"x" | regex_search("y")', null],
    ['"a1b2" | regex_findall("\\d")', ['1', '2']],
    ['"12" | int + 1', 13], ['"x" | int', 0], ['"ff" | int(base=16)', 255], ['"1.5" | float', 1.5], ['"yes" | bool', true], ['5 | string', '5'],
    ['"hi" | b64encode', 'aGk='], ['"aGk=" | b64decode', 'hi'],
    ['{"b": 1, "a": [true, none]} | to_json', '{"b": 1, "a": [true, null]}'],
    ['{"b": 1, "a": []} | to_nice_json', '{\n    "a": [],\n    "b": 1\n}'], ['\'{"a": 1}\' | from_json', { a: 1 }],
    ['"/a/b.c" | basename', 'b.c'], ['"/a/b.c" | dirname', '/a'], ['["/a", "b"] | path_join', '/a/b'], ['"a.tar" | splitext', ['a', '.tar']],
    ['flag | ternary("y", "n")', 'y'], ['"a b" | quote', "'a b'"], ['"a,b" | split(",")', ['a', 'b']],
    ['"x" | hash("sha256")', '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'],
    ['port | mandatory', 8443], ['"a\\nb" | indent(2)', 'a\n  b'], ['list | ansible.builtin.length', 3],
    ['["one"] | map("extract", map) | list', [1]], ['list | zip([1, 2]) | list', [['a', 1], ['b', 2]]],
    ['"managed" | comment', '#\n# managed\n#'], ['2.6 | round | int', 3], ['"a" | d("b")', 'a'],
  ])('%s', (expression, expected) => {
    expect(value(expression)).toEqual(expected);
  });
});

describe('values', () => {
  it('renders nested variables, and keeps the type of a whole expression', () => {
    expect(renderValue({ a: new Deferred('{{ nested.path }}'), b: new Deferred('{{ ports }}'), c: new Deferred('{{ port }}'), d: new Deferred('p{{ port }}') }, scope)).toEqual({
      a: '/etc/fleet/x', b: [3, 1, 2], c: 8443, d: 'p8443',
    });
  });

  it('leaves out what is omitted', () => {
    expect(renderValue({ a: new Deferred('{{ missing | default(omit) }}'), b: [new Deferred('{{ omit }}'), 1] }, scope)).toEqual({ b: [1] });
  });

  it('uses a part of a variable whose other part is undefined', () => {
    expect(value('partly.good')).toBe(1);
    expect(value('partly.bad is defined')).toBe(false);
    expect(codeOf(() => value('partly'))).toBe('UNDEFINED_VARIABLE');
  });

  it('knows markup', () => {
    expect(['a', '{{ a }}', '{% a %}', '{# a #}', '{a}'].map(hasMarkup)).toEqual([false, true, true, true, false]);
  });
});

describe('mistakes', () => {
  it.each([
    ['{{ missing }}', 'UNDEFINED_VARIABLE'], ['{{ map.zip }}', 'UNDEFINED_VARIABLE'], ['{{ missing.x }}', 'UNDEFINED_VARIABLE'], ['{{ list[9] }}', 'UNDEFINED_VARIABLE'],
    ['{% if missing %}{% endif %}', 'UNDEFINED_VARIABLE'], ['{{ missing | upper }}', 'UNDEFINED_VARIABLE'], ['{{ missing + 1 }}', 'UNDEFINED_VARIABLE'],
    ['{{ [missing] }}', 'UNDEFINED_VARIABLE'], ['{{ broken }}', 'UNDEFINED_VARIABLE'], ['{% for x in missing %}{% endfor %}', 'UNDEFINED_VARIABLE'],
    ['{{ missing == 1 }}', 'UNDEFINED_VARIABLE'], ['{{ missing | mandatory("give it") }}', 'TEMPLATE_INVALID'], ['{{ [] | first }}', 'UNDEFINED_VARIABLE'],
    ['{{ name', 'TEMPLATE_INVALID'], ['{{ }}', 'TEMPLATE_INVALID'], ['{% if %}', 'TEMPLATE_INVALID'], ['{% if a %}', 'TEMPLATE_INVALID'], ['{{ a b }}', 'TEMPLATE_INVALID'],
    ['{{ name | nofilter }}', 'TEMPLATE_INVALID'], ['{{ name is notest }}', 'TEMPLATE_INVALID'], ['{{ 1 + "a" }}', 'TEMPLATE_INVALID'], ['{{ 1 / 0 }}', 'TEMPLATE_INVALID'],
    ['{% include "x" %}', 'FILE_MISSING'], ['{{ lookup("file", "x") }}', 'TEMPLATE_INVALID'], ['{{ loopA }}', 'TEMPLATE_INVALID'], ['{{ "a }}', 'TEMPLATE_INVALID'],
    ['{{ name.constructor }}', 'UNDEFINED_VARIABLE'], ['{{ name | constructor }}', 'TEMPLATE_INVALID'], ['{{ map.__proto__ }}', 'UNDEFINED_VARIABLE'],
    ['{{ range(1000000) }}', 'TEMPLATE_INVALID'], ['{{ (1 }}', 'TEMPLATE_INVALID'], ['{{ [1 }}', 'TEMPLATE_INVALID'], ['{{ range }}', 'TEMPLATE_INVALID'],
    ['{% endif %}', 'TEMPLATE_INVALID'], ['{{ "x" | regex_search("(") }}', 'TEMPLATE_INVALID'], ['{% raw %}', 'TEMPLATE_INVALID'],
  ])('%s', (template, code) => {
    expect(codeOf(() => text(template))).toBe(code);
  });

  it('names the place in the file', () => {
    const failing = () => renderText('ok\n  {{ missing }}', scope, { file: 'a.j2', line: 1, column: 1 });
    expect(failing).toThrow(expect.objectContaining({
      position: { file: 'a.j2', line: 2, column: 6 }, excerpt: '  {{ missing }}', message: 'the variable "missing" is not defined',
    }) as Error);
    const inYaml = () => renderValue(new Deferred('x {{ a b }}', 'text', { file: 'p.yml', line: 7, column: 11 }), scope);
    expect(inYaml).toThrow(expect.objectContaining({ position: { file: 'p.yml', line: 7, column: 18 } }) as Error);
  });
});

describe('secrets', () => {
  const pin = new Secret('648219', 'pin');
  const secret = scopeOf({ pin, token: { label: 'T', pin }, list: [pin, 'b'], name: 'x', line: new Deferred('{{ token.label }}:{{ pin }}') });
  const revealed = (result: unknown) => (result instanceof Secret ? `secret ${result.reveal()}` : result);

  it.each([
    ['{{ pin }}', 'secret 648219'], ['{{ token.label }}:{{ token.pin }}', 'secret T:648219'], ['{{ line }}', 'secret T:648219'],
    ['{{ pin | b64encode }}', 'secret NjQ4MjE5'], ['{{ ("a" ~ pin) | upper }}', 'secret A648219'], ['{{ list | join(",") }}', 'secret 648219,b'],
    ['{% if name %}{{ pin }}{% endif %}', 'secret 648219'], ['{% set y %}{{ pin }}{% endset %}{{ y }}', 'secret 648219'],
    ['{{ pin | int + 1 }}', 'secret 648220'], ['{{ token }}', "secret {'label': 'T', 'pin': '648219'}"], ['{{ token | to_json }}', 'secret {"label": "T", "pin": "648219"}'],
    ['{{ pin[0:2] }}', 'secret 64'], ['{{ pin.split("8") | last }}', 'secret 219'], ['{% for c in pin %}{{ c }}{% endfor %}', 'secret 648219'],
    ['{% macro m(p) %}{{ p }}{% endmacro %}{{ m(pin) }}', 'secret 648219'], ['{{ pin | hash("md5") | length }}', '32'],
    ['{{ list | last }}', 'b'], ['{{ token.label }}', 'T'], ['{{ pin | length }}', '6'], ['{{ pin == "648219" }}', 'True'], ['{{ pin is defined }}', 'True'],
    ['{{ pin | default("x") }}', 'secret 648219'], ['{{ pin | regex_replace("6", "7") }}', 'secret 748219'], ['{{ pin | regex_search("4") }}', 'secret 4'],
    ['{{ [pin, pin] | unique | first }}', 'secret 648219'], ['{{ {"a": pin} | dict2items | map(attribute="value") | first }}', 'secret 648219'],
    ['{{ true | ternary(pin, "") }}', 'secret 648219'], ['{{ "%s" | format(pin) }}', 'secret 648219'], ['{{ pin | list | join }}', 'secret 648219'],
  ])('%s', (template, expected) => {
    expect(revealed(renderText(template, secret))).toBe(expected);
  });

  it('keeps the secret in values', () => {
    expect(renderValue({ a: new Deferred('{{ pin }}') }, secret)).toEqual({ a: pin });
    expect(evaluate('pin | length > 4', secret)).toBe(true);
  });

  it.each(['{{ pin + [1] }}', '{{ pin | from_json | bad }}', '{{ pin.x }}', '{{ pin() }}', '{{ pin | combine({}) }}', '{{ (pin ~ "{") | from_json }}', '{{ name | regex_search(pin ~ "(") }}', '{{ name | hash(pin) }}', '{{ name | map(pin) }}', '{{ token[pin] }}'])(
    'does not tell it in the error of %s',
    (template) => {
      try {
        renderText(template, secret, { file: 'a', line: 1, column: 1 });
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(HsmfleetError);
        expect(JSON.stringify((thrown as HsmfleetError).toShape())).not.toContain('648219');
        return;
      }
      expect.unreachable('it must fail');
    },
  );
});
