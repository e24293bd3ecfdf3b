import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSIBLE_CASES, REFUSED_CASES, type AnsibleCase } from './ansible-cases.ts';
import { hostsGraphText, hostsListing, loadHosts } from './index.ts';
import { anInventory } from './test-inventories.ts';

/** The same hosts files read by Ansible itself. */
const program = spawnSync('which', ['ansible-inventory'], { encoding: 'utf8' }).stdout.trim();
const available = program !== '';
if (!available) process.stderr.write('skipped: ansible-inventory is not installed (Debian package ansible-core)\n');

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Asks ansible-inventory, with the Python that it runs with. */
function askAnsible(questions: string[][]): Answer[] {
  const python = readFileSync(program, 'utf8').split('\n', 1)[0]?.replace(/^#!\s*/, '') ?? '';
  const run = spawnSync(python, [fileURLToPath(new URL('testdata/ask-ansible.py', import.meta.url))], {
    encoding: 'utf8', input: JSON.stringify(questions), maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ANSIBLE_LOCALHOST_WARNING: '0' },
    // where no ansible.cfg is
    cwd: folder,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Answer[];
}

/** What ansible-inventory lists; texts that are no templates come in a wrapper there. */
function listed(answer: Answer | undefined): unknown {
  return JSON.parse(answer?.stdout ?? '', (_key, value: unknown) => (
    typeof value === 'object' && value !== null && '__ansible_unsafe' in value ? value.__ansible_unsafe : value
  ));
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hosts-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Writes the files of a case; the values for -i, absolute. */
function write(files: AnsibleCase['files'], from: readonly string[] = ['hosts']): string[] {
  const base = mkdtempSync(join(folder, 'case-'));
  for (const [name, text] of Object.entries(files)) {
    const path = join(base, name.replace(/!$/, ''));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    if (name.endsWith('!')) chmodSync(path, 0o755);
  }
  return from.map((each) => (each.includes(',') ? each : join(base, each)));
}

const sources = (paths: string[]): string[] => paths.flatMap((path) => ['-i', path]);
const site = (name: string): string[] => [fileURLToPath(new URL(`testdata/${name}/hosts.yml`, import.meta.url))];

describe.skipIf(!available)('ansible-inventory reads the same', { timeout: 120_000 }, () => {
  it('from every kind of hosts file', async () => {
    const cases: { name: string; paths: string[] }[] = [
      ...['site', 'plain', 'deep'].map((name) => ({ name, paths: site(name) })),
      ...ANSIBLE_CASES.map(({ name, files, from }) => ({ name, paths: write(files, from) })),
    ];
    const answers = askAnsible(cases.map(({ paths }) => ['ansible-inventory', ...sources(paths), '--list']));
    for (const [index, { name, paths }] of cases.entries()) {
      expect([name, hostsListing(await loadHosts(paths))]).toEqual([name, listed(answers[index])]);
    }
  });

  it('from made-up hosts files', async () => {
    const made = fc.sample(anInventory, { numRuns: 60, seed: Number(process.env.HOSTS_SEED ?? 7) }).map((files) => ({ files, paths: write(files, ['hosts', 'more.yml']) }));
    const answers = askAnsible(made.map(({ paths }) => ['ansible-inventory', ...sources(paths), '--list']));
    for (const [index, { files, paths }] of made.entries()) {
      expect([files, hostsListing(await loadHosts(paths))]).toEqual([files, listed(answers[index])]);
    }
  });

  it('as a graph, and of one host', async () => {
    const paths = site('site');
    const [graph, host] = askAnsible([['ansible-inventory', ...sources(paths), '--graph'], ['ansible-inventory', ...sources(paths), '--host', 'web01.example']]);
    const model = await loadHosts(paths);
    expect(hostsGraphText(model)).toBe(graph?.stdout);
    expect(model.find('web01.example')?.vars).toEqual(JSON.parse(host?.stdout ?? ''));
  });

  it('with vars files beside the playbook', async () => {
    const [path = ''] = write({
      hosts: '[web]\na x=inline\n[web:vars]\ng=1\n', 'group_vars/web.yml': 'g: inv\nf: inv\n', 'host_vars/a.yml': 'h: inv\n',
      'play/group_vars/all.yml': 'f: playall\ng: playall\n', 'play/group_vars/web.yml': 'w: play\n', 'play/host_vars/a.yml': 'h: play\nx: play\n',
    });
    const playbookDir = join(dirname(path), 'play');
    const [answer] = askAnsible([['ansible-inventory', '-i', path, '--playbook-dir', playbookDir, '--list']]);
    expect(hostsListing(await loadHosts([path], { playbookDir }))).toEqual(JSON.parse(answer?.stdout ?? ''));
  });

  it('and refuses the same, where the place is told here', async () => {
    const cases = REFUSED_CASES.map((each) => ({ ...each, paths: write(each.files, each.from) }));
    const answers = askAnsible(cases.map(({ paths }) => ['ansible-inventory', ...sources(paths), '--list']));
    for (const [index, { name, paths, line, column, message }] of cases.entries()) {
      const { code = 0, stderr = '' } = answers[index] ?? {};
      expect([name, code !== 0 || stderr.includes('Unable to parse') || stderr.includes('Failed to parse')]).toEqual([name, true]);
      const thrown: unknown = await loadHosts(paths).then(() => undefined, (error: unknown) => error);
      const first = thrown instanceof HsmfleetErrors ? thrown.errors[0] : thrown;
      expect([name, first]).toEqual([name, expect.any(HsmfleetError)]);
      expect([name, (first as HsmfleetError).message]).toEqual([name, expect.stringMatching(message)]);
      if (line !== undefined) expect([name, (first as HsmfleetError).position]).toEqual([name, { file: paths[0], line, column }]);
    }
  });
});

describe.skipIf(!available)('ansible selects the same hosts, in the same order', { timeout: 120_000 }, () => {
  const hosts = 'lone.example\n[web]\nweb[01:05]\nx9\n[old]\nweb04\nlegacy-a\n[db]\ndb1.example\ndb2.example\nweb05\n[prod:children]\nweb\ndb\n[web.x]\nweb.x\n';
  const patterns = [
    'all', '*', 'web', 'prod', 'db,web', 'web:db', 'web:!old', 'web:&db', '!web', '&web', 'prod:&web:!old', '!old:web:&prod', 'web01,lone.example', 'web[0]', 'web[-1]', 'web[1:2]', 'web[3:]', 'web[0:0]',
    'web0*', 'web0?', 'web0[!12]', '~web0[1-3]$', '~(web|db).*[2-5]', '~.*\\.example', '!~web.*', '*.example', '*.example:!db*', 'db*[0]', 'ungrouped', 'ungrouped:db', 'we*', 'w*:!web.x', 'localhost',
    'web01:web02', 'web,!web01', 'db[0],web[1]', 'all[2]', 'all[-1]', 'all[1:3]', '~(?P<n>x)9', 'prod:!db', 'web.x', 'x9,x9,web',
  ];

  it('by many patterns', async () => {
    const each = patterns;
    const [path = ''] = write({ hosts, limit: '# failed\n', 'site.retry': 'web02\ndb1.example\n' });
    const retry = join(dirname(path), 'site.retry');
    const limits = [`@${retry}`, 'web:!old', 'web01', '!web'];
    const answers = askAnsible([...each.map((pattern) => ['ansible', '-i', path, pattern, '--list-hosts']), ...limits.map((limit) => ['ansible', '-i', path, 'all', '--list-hosts', '-l', limit])]);
    const model = await loadHosts([path]);
    const named = ({ stdout }: Answer): string[] => stdout.split('\n').slice(1).map((line) => line.trim()).filter((line) => line !== '');
    const theirs = answers.map(named);
    expect([...each.map((pattern) => [pattern, model.select(pattern)]), ...limits.map((limit) => [limit, model.select('all', limit)])])
      .toEqual([...each, ...limits].map((pattern, index) => [pattern, theirs[index]]));
    expect(theirs.flat().length).toBeGreaterThan(100);
  });
});
