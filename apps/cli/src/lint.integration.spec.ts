import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ajvDraft04 from 'ajv-draft-04';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const SCHEMA = fileURLToPath(new URL('../../../packages/check-report/src/testdata/schemas/sarif-2.1.0-rtm.5.json', import.meta.url));

// each look is a program of its own, which a busy machine starts slowly
vi.setConfig({ testTimeout: 90_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-lint-'));
  writeFileSync(join(folder, 'hosts.yml'), 'web: {hosts: {a: {port: 443}, b: }}\n');
  writeFileSync(join(folder, 'good.yml'), '- name: Good\n  hosts: web\n  tasks:\n    - {name: a, debug: {msg: x}}\n');
  writeFileSync(join(folder, 'hint.yml'), '- name: Hint\n  hosts: web\n  tasks:\n    - debug: {msg: x}\n');
  writeFileSync(join(folder, 'habit.yml'), '- name: Habit\n  hosts: web\n  tasks:\n    - name: a\n      command: systemctl restart apache2\n      changed_when: true\n');
  writeFileSync(join(folder, 'mistake.yml'), '- name: Mistake\n  hosts: web\n  tasks:\n    - name: a\n      copyy: {dest: /x}\n');
  writeFileSync(join(folder, 'host.yml'), '- name: Mistake on b\n  hosts: web\n  tasks:\n    - {name: a, debug: {msg: "{{ port }}"}}\n');
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function lint(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'lint', ...words], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('the exit code', () => {
  it('tells mistakes from habits, and hints only on demand', async () => {
    const codes = await Promise.all([lint('good.yml'), lint('hint.yml'), lint('hint.yml', '--strict'), lint('habit.yml'), lint('habit.yml', '--skip', 'resource-instead'), lint('mistake.yml')]);
    expect(codes.map(({ code }) => code)).toEqual([0, 0, 2, 2, 0, 1]);
    expect(codes[0]?.stdout).toBe('nothing found\n');
  });

  it('knows what shows for one host only, when hosts are given', async () => {
    expect(await lint('host.yml')).toMatchObject({ code: 0 });
    expect(await lint('host.yml', '-i', 'hosts.yml')).toMatchObject({ code: 1, stdout: expect.stringMatching(/^host\.yml:4:\d+: error .*port.* \[UNDEFINED_VARIABLE\]$/m) as unknown });
  });

  it('does not tell of passwords that are not given: who reviews need not be able to roll out', async () => {
    const sealed = ['  vars:', '    pin: !vault |', '      $ANSIBLE_VAULT;1.1;AES256', `      ${'61'.repeat(64)}0a${'62'.repeat(64)}0a${'63'.repeat(64)}`, ''].join('\n');
    writeFileSync(join(folder, 'sealed.yml'), `web:\n  hosts: {a: }\n${sealed}`);
    writeFileSync(join(folder, 'pin.yml'), '- name: Uses a PIN\n  hosts: web\n  tasks:\n    - {name: a, debug: {msg: "{{ pin }}"}}\n    - {name: b, debug: {msg: "{{ port }}"}}\n');
    expect(await lint('pin.yml', '-i', 'sealed.yml')).toMatchObject({ code: 1, stdout: expect.not.stringContaining('VAULT') as unknown, stderr: expect.stringContaining('note: no password opens some of what is encrypted') as unknown });
    writeFileSync(join(folder, 'pin.yml'), '- name: Uses a PIN\n  hosts: web\n  tasks:\n    - {name: a, debug: {msg: "{{ pin }}"}}\n');
    expect(await lint('pin.yml', '-i', 'sealed.yml')).toMatchObject({ code: 0, stdout: 'nothing found\n' });
    expect(await lint('good.yml', '-i', 'sealed.yml')).toEqual({ code: 0, stdout: 'nothing found\n', stderr: '' });
  });

  it('is that of a wrong command line for what does not exist', async () => {
    expect(await lint()).toMatchObject({ code: 1, stderr: expect.stringMatching(/no playbook is given/) as unknown });
    expect(await lint('none.yml')).toMatchObject({ code: 1, stderr: expect.stringMatching(/none\.yml/) as unknown });
    expect(await lint('good.yml', '--skip', 'no-such-rule')).toMatchObject({ code: 1, stderr: expect.stringMatching(/there is no rule "no-such-rule"/) as unknown });
  });
});

describe('the report', () => {
  it('names file, line, column, rule and what to write instead', async () => {
    expect((await lint('habit.yml')).stdout).toBe('habit.yml:5:7: warning systemctl is run as a command [resource-instead]\n  hint: use service\n\n0 errors, 1 warnings, 0 hints\n');
  });

  it('is JSON for programs', async () => {
    expect(JSON.parse((await lint('mistake.yml', '--format', 'json')).stdout)).toEqual([
      expect.objectContaining({ rule: 'PLAYBOOK_INVALID', severity: 'error', position: { file: 'mistake.yml', line: 5, column: 7 }, hint: expect.stringContaining('copy') as unknown }),
    ]);
  });

  it('is SARIF that the published schema accepts', async () => {
    const validate = new ajvDraft04.default({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);
    for (const file of ['good.yml', 'habit.yml', 'mistake.yml']) {
      const log = JSON.parse((await lint(file, '--format', 'sarif')).stdout) as { runs: { results: { ruleId: string; ruleIndex: number }[]; tool: { driver: { rules: { id: string }[] } } }[] };
      expect([file, validate(log), validate.errors]).toEqual([file, true, null]);
      for (const { ruleId, ruleIndex } of log.runs[0]?.results ?? []) expect(log.runs[0]?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
  });
});

it('finds nothing in the playbooks that come with the program', async () => {
  const playbooks = fileURLToPath(new URL('../../../playbooks', import.meta.url));
  for (const name of ['site.yml', 'build-module.yml', 'inventory.yml', 'benchmark.yml']) expect(await lint(join(playbooks, name), '--strict')).toMatchObject({ code: 0 });
});
