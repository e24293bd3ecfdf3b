import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetErrors, type HsmfleetError } from '@hsmfleet/contract';
import { Ajv } from 'ajv';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseProfile } from './parse-profile.ts';
import { profileSchema } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-profile-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const GOOD = [
  'profile: web', 'title: Web servers', 'max_age: 2d', 'parameters:', '  days: { description: least days, default: 30 }', '  named: { description: list, default: [a, b] }',
  'set:', '  - hosts: "web*"', '    values: { days: 14 }', 'controls:',
  '  - id: expiry', '    title: Certificates last', '    why: >', '      they', '      end', '    severity: high', '    query: select host from certificates where days_left < $days',
  '  - { id: drift, title: No drift, why: because, severity: low, playbook: ../site.yml, tasks: [The site], max_age: 30m }',
  'waivers:', '  - { controls: [expiry], hosts: all, reason: known, owner: anna, until: "2026-12-31" }',
];

function write(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.join('\n'));
  return file;
}

async function mistakes(lines: readonly string[]): Promise<[number | undefined, string, string | undefined][]> {
  try {
    await parseProfile(write('bad.yml', lines));
  } catch (thrown) {
    const errors = thrown instanceof HsmfleetErrors ? thrown.errors : [thrown as HsmfleetError];
    return errors.map(({ position, message, hint }) => [position?.line, message, hint]);
  }
  return [];
}

test('a profile is read with parameters, overrides, controls and waivers', async () => {
  const profile = await parseProfile(write('good.yml', GOOD));
  expect(profile).toMatchObject({ name: 'web', title: 'Web servers', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect([...profile.parameters.values()].map(({ name, value }) => [name, value])).toEqual([['days', 30], ['named', 'a,b']]);
  expect(profile.overrides).toMatchObject([{ hosts: 'web*', values: new Map([['days', 14]]) }]);
  expect(profile.controls).toMatchObject([
    { id: 'expiry', why: 'they end', kind: 'query', maxAgeHours: 48, fix: null, position: { line: 11 } },
    { id: 'drift', kind: 'drift', playbook: join(folder, '..', 'site.yml'), tasks: ['The site'], maxAgeHours: 0.5 },
  ]);
  expect(profile.waivers).toMatchObject([{ controls: ['expiry'], until: '2026-12-31', position: { line: 20 } }]);
});

test('the published schema takes it, and refuses a control that judges nothing', () => {
  const validate = new Ajv({ strict: false }).compile(profileSchema());
  const good = parse(GOOD.join('\n')) as { controls: { query?: string }[] };
  expect(validate(good), JSON.stringify(validate.errors)).toBe(true);
  delete good.controls[0]?.query;
  expect(validate(good)).toBe(false);
});

test('another profile is extended: its controls come first, some are left out, its waivers hold', async () => {
  const base = write('base.yml', GOOD);
  const own = write('own.yml', [
    'profile: own', 'title: Ours', `extends: ${base}`, 'without: [drift]', 'set:', '  - { hosts: all, values: { days: 7 } }', 'controls:',
    '  - { id: more, title: More, why: so, severity: low, query: select host from hosts where last_status = $named }',
  ]);
  const profile = await parseProfile(own);
  expect(profile.controls.map(({ id, position }) => [id, position.file])).toEqual([['expiry', base], ['more', own]]);
  expect(profile.waivers).toHaveLength(1);
  expect(profile.overrides.map(({ values }) => values.get('days'))).toEqual([14, 7]);
  expect(profile.sha256).not.toBe((await parseProfile(base)).sha256);
});

test('every mistake is told at once, each at its line', async () => {
  expect(await mistakes([
    'profile: web', 'title: Web', 'parameters:', '  days: { description: d, default: 1 }', 'set:', '  - { hosts: all, values: { dais: 2 } }', 'controls:',
    '  - { id: a, title: A, why: w, severity: low }',
    '  - { id: a, title: A, why: w, severity: low, query: select host from hosts where age_hours > $day }',
    '  - { id: b, title: B, why: w, severity: low, query: select 1, playbook: x.yml }',
    '  - { id: c, title: C, why: w, severity: low, query: delete from hosts }',
    '  - { id: d, title: D, why: w, severity: low, playbook: x.yml, message: "{a}" }',
    'waivers:', '  - { controls: [aa], hosts: all, reason: r, owner: o, until: "2026-02-30" }',
  ])).toEqual([
    [6, 'there is no parameter "dais"', 'did you mean "days"?'],
    [8, 'the control "a" judges nothing', 'give it a query or a playbook'],
    [9, 'there is another control "a"', expect.stringContaining('without')],
    [9, 'there is no parameter "day"', 'did you mean "days"?'],
    [10, 'the control "b" has a query and a playbook: make it two controls', undefined],
    [11, 'query must be one SELECT statement', undefined],
    [12, '"message" goes with a query', undefined],
    [14, 'there is no control "aa" to waive', 'did you mean "a"?'],
    [14, 'there is no day 2026-02-30', 'write it as 2026-12-31'],
  ]);
});

test.each<[string, string[], [number, string]]>([
  ['an unknown key', ['profile: a', 'title: A', 'control: []'], [3, '"control" is not a key of the profile']],
  ['a severity that is none', ['profile: a', 'title: A', 'controls:', '  - { id: a, title: A, why: w, severity: urgent, query: select 1 }'], [4, 'severity must be one of low, medium, high, critical']],
  ['no controls', ['profile: a', 'title: A'], [1, 'the profile has no controls']],
  ['a template', ['profile: a', 'title: "{{ b }}"', 'controls: []'], [2, 'templates are not rendered here']],
  ['broken YAML', ['profile: a', 'title: [A'], [2, 'flow sequence in block collection must be sufficiently indented and end with a ]']],
  ['an ancestor that is missing', ['profile: a', 'title: A', 'extends: gone.yml'], [3, 'gone.yml does not exist']],
])('%s', async (_what, lines, [line, message]) => {
  const found = await mistakes(lines);
  expect(found[0]?.[0]).toBe(line);
  expect(found[0]?.[1]).toContain(message);
});

test('a profile that extends itself by a detour is refused', async () => {
  write('one.yml', ['profile: one', 'title: One', 'extends: two.yml']);
  const two = write('two.yml', ['profile: two', 'title: Two', 'extends: one.yml']);
  await expect(parseProfile(two)).rejects.toThrow('the profile extends itself');
});
