import { createSecretTable, decodeValue, Deferred, encodeValue, HsmfleetError, Secret, type Value, type WireValue } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { bindTemplates, evaluate, referencesOf, renderTemplate, renderValue, resolveLookups, scopeOf, type Lookups, type Scope } from './index.ts';

const lookups: Lookups = {
  call: ({ name, args }) => {
    if (name === 'missing') throw new HsmfleetError('FILE_MISSING', 'there is no such file');
    return args.map((arg): Value => (name === 'vault' ? new Secret(`pin of ${String(arg)}`, 'a vault') : `${name}:${String(arg)}`));
  },
};
const control: Scope = { ...scopeOf({ path: 'motd', mapping: { a: 1 } }), lookups };
const host = scopeOf({ fact: 'Debian' });
const templates = (files: Record<string, string>) => ({
  load: (name: string) => (files[name] === undefined ? undefined : new Deferred(files[name], 'text', { file: name, line: 1, column: 1 })),
});
/** As it travels to a host. */
function sent(deferred: Deferred): Deferred {
  const secrets = createSecretTable();
  const wire = JSON.parse(JSON.stringify(encodeValue(deferred, secrets))) as WireValue;
  expect(JSON.stringify(wire)).not.toContain('pin of');
  return decodeValue(wire, secrets.entries) as Deferred;
}
function problemOf(run: () => unknown): HsmfleetError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('lookups on the control host', () => {
  it.each<[string, unknown]>([
    ['lookup("file", path)', 'file:motd'], ['lookup("ansible.builtin.file", "a", "b")', 'file:a,file:b'],
    ['query("file", "a")', ['file:a']], ['q("file", "a", "b")', ['file:a', 'file:b']], ['lookup("file", "a", wantlist=true)', ['file:a']],
    ['lookup("missing", "x", errors="ignore")', null], ['query("missing", "x", errors="ignore")', []],
    ['lookup("dict", mapping)', { key: 'a', value: 1 }], ['query("items", [1, 2], 3)', [1, 2, 3]],
    ['lookup("vars", "path")', 'motd'], ['lookup("vars", "nowhere", default="d")', 'd'],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression, control)).toEqual(expected);
  });

  it('what came out of a vault stays secret, joined or computed on', () => {
    for (const expression of ['lookup("vault", "a")', 'lookup("vault", "a", "b")', 'lookup("vault", "a") | upper', '"x" ~ lookup("vault", "a")']) {
      expect(evaluate(expression, control)).toBeInstanceOf(Secret);
    }
  });

  it('are refused on a host', () => {
    expect(problemOf(() => evaluate('lookup("file", "a")', host)).message).toContain('reads the control host');
  });
});

describe('a text that waits for its host', () => {
  it('takes the results of its lookups along, secrets in their own field', () => {
    const text = new Deferred('{{ fact }}: {{ lookup("file", path) }} {{ lookup("vault", "a") }}');
    const rendered = renderValue(sent(resolveLookups(text, control)), host);
    expect(rendered).toBeInstanceOf(Secret);
    expect((rendered as Secret).reveal()).toBe('Debian: file:motd pin of a');
  });

  it('keeps the place of each lookup below a line of options', () => {
    const text = new Deferred('#jinja2: trim_blocks: False\n{{ fact }} {{ lookup("file", "a") }}', 'text', { file: 'x.j2', line: 1, column: 1 });
    expect(renderTemplate(sent(resolveLookups(text, control)), host)).toBe('Debian file:a');
  });

  it('names the lookup whose argument only the host knows', () => {
    const text = new Deferred('{{ lookup("file", fact) }}', 'text', { file: 'play.yml', line: 3, column: 10 });
    const problem = problemOf(() => resolveLookups(text, control, lookups, { isLater: (name) => name === 'fact' }));
    expect(problem.message).toContain('"fact" is only known on the host');
    expect(problem.position).toMatchObject({ file: 'play.yml', line: 3 });
  });
});

describe('templates of templates', () => {
  const bound = (text: string, files: Record<string, string>): Deferred => bindTemplates(new Deferred(text, 'text', { file: 'main.j2', line: 1, column: 1 }), templates(files));

  it.each<[string, string, Record<string, string>, string]>([
    ['include sees names around it', '{% set x = 1 %}[{% include "a" %}]', { a: '{{ x }} {{ fact }}\n' }, '[1 Debian]'],
    ['include in a loop', '{% for x in [1, 2] %}{% include "a" %};{% endfor %}', { a: '{{ x }}' }, '1;2;'],
    ['the first of a list', '{% include ["none", "a"] %}', { a: 'A' }, 'A'],
    ['missing on purpose', '[{% include "none" ignore missing %}]', {}, '[]'],
    ['without context', '{% set x = 1 %}{% include "a" without context %}', { a: '{{ x | default("-") }}' }, '-'],
    ['import', '{% import "m" as m %}{{ m.f(2) }} {{ m.v }}', { m: '{% macro f(n) %}<{{ n }}>{% endmacro %}{% set v = 3 %}' }, '<2> 3'],
    ['from import', '{% from "m" import f, g as h %}{{ f() }}{{ h() }}', { m: '{% macro f() %}f{% endmacro %}{% macro g() %}g{% endmacro %}' }, 'fg'],
    ['import with context', '{% from "m" import f with context %}{{ f() }}', { m: '{% macro f() %}{{ fact }}{% endmacro %}' }, 'Debian'],
    ['extends', '{% extends "base" %}{% block b %}own {{ super() }}{% endblock %}', { base: '<{% block b %}base{% endblock %}|{% block c %}c{% endblock %}>' }, '<own base|c>'],
    ['nested includes', '{% include "a" %}', { a: '{% include "b" %}!', b: 'B' }, 'B!'],
    ['with', '{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}', {}, '3False'],
    ['call', '{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}{{ x }}{% endcall %}', {}, '<1>'],
    ['varargs', '{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}', {}, "1[2]{'k': 3}"],
  ])('%s', (_name, text, files, expected) => {
    expect(renderTemplate(sent(bound(text, files)), host)).toBe(expected);
  });

  it('variables of included templates are variables of the template', () => {
    expect([...referencesOf(bound('{% set x = 1 %}{% include "a" %}', { a: '{{ x }} {{ y }}' })).required]).toEqual(['y']);
  });

  it('a missing template and a computed name are told with their places', () => {
    expect(problemOf(() => bound('\n{% include "none" %}', {}))).toMatchObject({ code: 'FILE_MISSING', position: { line: 2 } });
    expect(problemOf(() => bound('{% include fact ~ ".j2" %}', {}))).toMatchObject({ code: 'TEMPLATE_INVALID' });
  });

  it('a mistake in an included template names that file', () => {
    expect(problemOf(() => renderTemplate(bound('{% include "a" %}', { a: '\n{{ nowhere }}' }), host)).position).toEqual({ file: 'a', line: 2, column: 4 });
  });
});
