import type { Secret } from '@hsmfleet/contract';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { parseYaml } from './load-yaml.ts';
import { readBySchema } from './read-by-schema.ts';

const strict = { additionalProperties: false };
const Sink = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z]+$', description: 'lower-case letters' }),
    level: Type.Union([Type.Literal('low'), Type.Literal('high')]),
    port: Type.Optional(Type.Integer({ minimum: 1 })),
    key: Type.Optional(Type.Unsafe<Secret>({ 'x-secret': true })),
  },
  strict,
);
const File = Type.Object({ title: Type.String(), sinks: Type.Array(Sink), days: Type.Number({ default: 30 }) }, strict);

async function read(lines: string[]) {
  const { source } = await parseYaml('sinks.yml', lines.join('\n'));
  const { value, problems } = readBySchema(source, File, 'PROFILE_INVALID', 'the file');
  return { value, problems: problems.map(({ message, position, hint }) => [position?.line, message, hint]) };
}

test('a file that fits is handed back, with defaults', async () => {
  expect(await read(['title: x', 'sinks:', '  - name: a', '    level: low'])).toEqual({
    value: { title: 'x', sinks: [{ name: 'a', level: 'low' }], days: 30 }, problems: [],
  });
});

test('every mistake is told at once, each at its line', async () => {
  const { value, problems } = await read([
    'titel: x', 'sinks:', '  - name: A1', '    level: hihg', '  - level: low', '    port: many', '  - name: b', '    level: low', '    key: plain',
    '  - name: "{{ c }}"', '    level: high',
  ]);
  expect(value).toBeUndefined();
  expect(problems).toEqual(expect.arrayContaining([
    [1, '"titel" is not a key of the file', 'did you mean "title"?'],
    [1, 'the file needs "title"', undefined],
    [3, 'name is not written as it should be', 'lower-case letters'],
    [4, 'level must be one of low, high', 'did you mean "high"?'],
    [5, 'an entry of sinks needs "name"', undefined],
    [6, 'port must be a whole number', undefined],
    [9, 'key must be a !secret reference', expect.stringContaining('!secret file:')],
    [10, 'templates are not rendered here', undefined],
  ]));
  expect(problems).toHaveLength(9);
});

test('an empty file and one of another kind are told of', async () => {
  expect((await read([''])).problems).toEqual([[1, 'the file is empty', undefined]]);
  expect((await read(['- a'])).problems).toEqual([[1, 'the file must be a mapping', undefined]]);
});

test('a secret is taken where the schema wants one, and nowhere else', async () => {
  process.env.READ_BY_SCHEMA_TEST = 'x';
  const good = await read(['title: x', 'sinks:', '  - name: a', '    level: low', '    key: !secret env:READ_BY_SCHEMA_TEST']);
  expect(good.problems).toEqual([]);
  const bad = await read(['title: !secret env:READ_BY_SCHEMA_TEST', 'sinks: []']);
  expect(bad.problems).toEqual([[1, 'title must be a text', undefined]]);
});
