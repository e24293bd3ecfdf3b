import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { evaluate, renderTemplate, scopeOf } from './index.ts';
import { FILTERS } from './filters/index.ts';
import { Deferred } from '@hsmfleet/contract';

function problemOf(expression: string): HsmfleetError {
  try {
    evaluate(expression, scopeOf({ x: 'x', items: [1, 2] }), { file: 'play.yml', line: 3, column: 5 });
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return thrown;
    throw thrown;
  }
  throw new Error(`${expression} was not refused`);
}

it.each([
  ['items | json_query("x")', 'selectattr'], ['x | password_hash("sha512")', 'openssl passwd'], ['x | vault("p")', 'encrypt-string'], ['x | unvault("p")', 'lookup("vault"'],
  ['x | expanduser', 'stat'], ['x | realpath', 'stat'], ['x | fileglob', 'query("fileglob"'], ['x | to_datetime', 'strftime'], ['x | win_basename', 'basename'], ['x | ipaddr', 'variables of their own'],
  ['items | random', 'seed'], ['items | shuffle', 'seed'], ['"%Y" | strftime', 'strftime(1700000000)'], ['x is file', 'stat.exists'], ['x is exists', 'stat.exists'],
])('%s is refused at its place, and the message says what to use', (expression, hint) => {
  const problem = problemOf(expression);
  expect(problem).toMatchObject({ code: 'TEMPLATE_INVALID', position: { file: 'play.yml', line: 3 } });
  expect(problem.hint).toContain(hint);
});

describe('a secret stays one through every filter', () => {
  const secret = new Secret('{"k": "648219"}', 'a test');
  /** Arguments of those that need some. */
  const given: Record<string, string> = {
    extract: '(["x"])', zip: '([1])', zip_longest: '([1])', product: '([1])', combinations: '(2)', batch: '(2)', slice: '(2)', replace: '("k", "j")', regex_replace: '("k", "j")', regex_search: '("[0-9]+")',
    regex_findall: '("[0-9]+")', ternary: '("a", "b")', random: '(seed="a")', shuffle: '(seed="a")', relpath: '("a")', map: '("upper")', union: '(["x"])', difference: '(["x"])', symmetric_difference: '(["x"])',
    intersect: '(["k", "6", "4"])', groupby: '("x")', subelements: '("x")', selectattr: '("x")', rejectattr: '("x")', strftime: '(1)', format: '(1)', select: '', reject: '("equalto", "z")', pow: '(2)', default: '("d")', d: '("d")',
  };
  /** They tell whether something holds, a length, or choose among other values. */
  const NOT_SECRET = new Set(['length', 'count', 'bool', 'type_debug', 'ternary']);

  function leaks(value: unknown): boolean {
    if (value instanceof Secret) return false;
    if (Array.isArray(value)) return value.some(leaks);
    // names of keys are shown, as those of an encrypted file are
    if (value !== null && typeof value === 'object') return Object.entries(value).some(([key, item]) => key.includes('648219') || leaks(item));
    // what the arguments brought along is none
    return (typeof value === 'string' || typeof value === 'number') && !['x', 1].includes(value);
  }

  it.each(Object.keys(FILTERS).filter((name) => !NOT_SECRET.has(name)).sort())('%s', (name) => {
    let value: unknown;
    try {
      value = evaluate(`pin | ${name}${given[name] ?? ''}`, scopeOf({ pin: secret }));
    } catch (thrown) {
      // what cannot take a text says so, without showing it
      expect(thrown).toBeInstanceOf(HsmfleetError);
      expect(`${(thrown as HsmfleetError).message} ${(thrown as HsmfleetError).hint ?? ''}`).not.toContain('648219');
      return;
    }
    expect(leaks(value), name).toBe(false);
  });

  it.each([
    ['[{"pin": pin}] | groupby("pin") | map("first") | first', true], ['[{"pin": pin}] | map(attribute="pin") | first', true], ['{"a": pin} | dict2items | map(attribute="value") | first', true],
    ['"-".join([pin])', true], ['pin[0]', true], ['pin[1:]', true], ['[pin] | to_nice_yaml', true], ['pin ~ ""', true], ['"%s" | format(pin)', true], ['lookup("items", pin)', true], ['{"a": pin}.a', true],
    ['{pin: 1}', false], ['[{"key": pin, "value": 1}] | items2dict', false],
  ])('%s', (expression, secretly) => {
    if (secretly) expect(evaluate(expression, scopeOf({ pin: secret }))).toBeInstanceOf(Secret);
    else expect(() => evaluate(expression, scopeOf({ pin: secret }))).toThrow('a secret cannot be the key');
  });

  it('and through templates of templates', () => {
    const part = new Deferred('{{ pin }}', 'text');
    const text = new Deferred('x {% include "part" %}', 'text', undefined, undefined, { templates: { part } });
    expect(renderTemplate(text, scopeOf({ pin: secret }))).toBeInstanceOf(Secret);
  });
});
