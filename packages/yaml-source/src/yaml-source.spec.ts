import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Secret } from '@hsmfleet/contract';
import { Deferred, HsmfleetError } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadYaml, nearestName, parseYaml, Problems, suggestion, toValue } from './index.ts';

const valueOf = async (text: string) => {
  const { source, problems } = await parseYaml('t.yml', text);
  expect(problems).toEqual([]);
  return toValue(source.root, source);
};

describe('values', () => {
  it('reads YAML as Ansible does', async () => {
    expect(await valueOf('a: yes\nb: off\nc: 0644\nd: "0644"\ne: y\nf: 2024-01-02\ng: 12:30\nh: ~\ni:\nj: 1.5\nk: "yes"\n1: x\nyes: z\n')).toEqual({
      a: true, b: false, c: 420, d: '0644', e: 'y', f: '2024-01-02', g: '12:30', h: null, i: null, j: 1.5, k: 'yes', 1: 'x', yes: 'z',
    });
  });

  it('works in anchors and merge keys', async () => {
    expect(await valueOf('a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n')).toEqual({ a: { x: 1, y: 2 }, b: { x: 1, y: 3 }, c: { x: 1, y: 2 } });
  });

  it('defers text with markup, with the place where the text starts', async () => {
    const value = await valueOf('a: "x {{ y }}"\nb: {{ !unsafe }}\n'.replace('{{ !unsafe }}', '!unsafe "{{ raw }}"') + 'c: |\n  one\n  {{ two }}\n');
    expect(value).toEqual({
      a: new Deferred('x {{ y }}', 'text', { file: 't.yml', line: 1, column: 5 }),
      b: '{{ raw }}',
      c: new Deferred('one\n{{ two }}\n', 'text', { file: 't.yml', line: 4, column: 3 }),
    });
  });
});

describe('mistakes', () => {
  it.each([
    ['a: 1\n b: 2\n', 2, 2, 'PLAYBOOK_SYNTAX'],
    ['- a: 1\n  b: 2\n   c: 3\n', 3, 4, 'PLAYBOOK_SYNTAX'],
    ['a: 1\na: 2\n', 2, 1, 'PLAYBOOK_SYNTAX'],
    ['a: !nope 1\n', 1, 4, 'PLAYBOOK_SYNTAX'],
    ['a:\n\t- 1\n', 2, 1, 'PLAYBOOK_SYNTAX'],
    ['a: "x\n', 2, 1, 'PLAYBOOK_SYNTAX'],
    ['x: 1\na: !secret nonsense\n', 2, 12, 'SECRET_REFERENCE'],
    ['a: !secret file:missing\n', 1, 12, 'SECRET_REFERENCE'],
    ['a: !secret env:HSMFLEET_NOT_SET\n', 1, 12, 'SECRET_REFERENCE'],
    ['a: !secret prompt:PIN?\n', 1, 12, 'SECRET_REFERENCE'],
    ['a: !secret "file:{{ x }}"\n', 1, 12, 'SECRET_REFERENCE'],
    ['a: !secret {x: 1}\n', 1, 4, 'PLAYBOOK_SYNTAX'],
  ])('%j', async (text, line, column, code) => {
    const { problems } = await parseYaml('t.yml', text);
    expect(problems[0]).toMatchObject({ code, position: { file: 't.yml', line, column }, excerpt: text.split('\n')[line - 1] });
  });

  it.each([
    ['a: !vault xyz', 'no vault password is given'],
    ['a: &a [*a]', 'contains itself'],
    ['a: *b', 'anchor'],
    ['{a: 1}: b', 'plain word'],
    ['__proto__: b', '__proto__'],
    [['a: &a [1,1,1,1,1,1,1,1,1,1]', ...'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'.charAt(at)}`).join(',')}]`)].join('\n'), 'too many'],
  ])('%j', async (text, message) => {
    const { source, problems } = await parseYaml('t.yml', text);
    const errors = new Problems();
    errors.add(...problems);
    errors.attempt(() => toValue(source.root, source));
    expect(() => {
      errors.throwIfAny();
    }).toThrow(message);
  });

  it('says that a file is missing', async () => {
    await expect(loadYaml('/no/such.yml')).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('counts the same mistake once', () => {
    const errors = new Problems();
    const twice = () => new HsmfleetError('USAGE', 'x', { position: { file: 'a', line: 1, column: 1 } });
    errors.add(twice(), twice());
    expect(errors.count).toBe(1);
  });
});

describe('secrets', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'yaml-source-'));
    writeFileSync(join(folder, 'pin'), '648219\n\n', { mode: 0o600 });
    writeFileSync(join(folder, 'open'), 'x');
    chmodSync(join(folder, 'open'), 0o644);
    writeFileSync(join(folder, 'empty'), '\n', { mode: 0o600 });
    process.env.HSMFLEET_TEST_PIN = 'from env';
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    delete process.env.HSMFLEET_TEST_PIN;
  });

  it('resolves files beside the YAML file, the environment and prompts', async () => {
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve('typed');
    };
    const text = 'a: !secret file:pin\nb: !secret env:HSMFLEET_TEST_PIN\nc: !secret prompt:PIN of T\nd: !secret "prompt:PIN of T"\n';
    const { source, problems, warnings } = await parseYaml(join(folder, 'v.yml'), text, { ask });
    expect([problems, warnings]).toEqual([[], []]);
    const value = toValue(source.root, source) as Record<string, Secret>;
    expect(Object.values(value).map((secret) => secret.reveal())).toEqual(['648219\n', 'from env', 'typed', 'typed']);
    expect(value.a?.origin).toBe('file:pin');
    expect(asked).toEqual(['PIN of T']);
  });

  it('warns about a file that others can read, and refuses an empty one', async () => {
    const open = await parseYaml(join(folder, 'v.yml'), 'a: !secret file:open');
    expect(open.warnings).toEqual([expect.stringContaining('can be read by group or others')]);
    const empty = await parseYaml(join(folder, 'v.yml'), 'a: !secret file:empty');
    expect(empty.problems[0]?.message).toContain('is empty');
  });

  it('does not repeat what stands in the place of a reference', async () => {
    const { problems } = await parseYaml('t.yml', 'a: !secret 648219');
    expect(problems[0]?.message).not.toContain('648219');
  });
});

describe('nearestName', () => {
  it('finds a slip, not just anything', () => {
    expect(nearestName('comand', ['copy', 'command'])).toBe('command');
    expect(nearestName('Become', ['become'])).toBe('become');
    expect(nearestName('zzz', ['copy', 'command'])).toBeUndefined();
    expect(suggestion('tsks', ['tasks'])).toBe('did you mean "tasks"?');
  });
});
