import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostsOf, readCases, unpackCase, type ConformanceCase } from './conformance/case-files.ts';
import { differencesOf } from './conformance/compare.ts';
import { readOurOutput } from './conformance/our-output.ts';
import type { CaseOutcome } from './conformance/outcome.ts';
import { runWithAnsible } from './conformance/run-ansible.ts';
import { Fleet, ROOT, run } from './fleet.ts';

/*
 * Small playbooks run as Ansible runs them. How Ansible does is recorded (tools/conformance); where the two differ on
 * purpose, the case says why, and so does docs/reference/differences-from-ansible.md.
 */
const FOLDER = join(ROOT, 'tools/conformance');
/** Playbooks run beside each other, each with three hosts of its own: a host takes one run at a time. */
const PARALLEL = 3;
const NAMES = ['one', 'two', 'three'];
const cases = readCases(join(FOLDER, 'cases'));
const recorded = (name: string): CaseOutcome => JSON.parse(readFileSync(join(FOLDER, 'recorded', `${name}.json`), 'utf8')) as CaseOutcome;

let fleet: Fleet;
let folder = '';
const ours = new Map<string, { outcome: CaseOutcome; stderr: string }>();

async function runHere(given: ConformanceCase, lane: number): Promise<void> {
  const home = join(folder, given.name);
  const shared = /ansible_user[\s\S]*?(?=\n {2}children)/.exec(fleet.hostsFile())?.[0] ?? '';
  const variables = Object.fromEntries([...shared.matchAll(/^\s*(\w+): (.*)$/gm)].map((found) => [found[1] as string, (found[2] as string).replace(/^"(.*)"$/, '$1')]));
  unpackCase(given, home, hostsOf(given.name, (host) => ({ ...variables, ansible_host: fleet.address(`web0${String(3 * lane + NAMES.indexOf(host) + 1)}`) })));
  const ended = await run([join(ROOT, 'apps/cli/bin/hsmfleet'), 'apply', 'site.yml', '-i', 'hosts.yml', '--json', ...given.args], {
    cwd: home, env: { ...process.env, XDG_STATE_HOME: join(folder, `state-${String(lane)}`), NO_COLOR: '1' }, timeoutMs: 120_000,
  });
  ours.set(given.name, { outcome: readOurOutput(ended.stdout, ended.code), stderr: ended.stderr });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-conformance-'));
  fleet = new Fleet('cf', 13, 3 * PARALLEL);
  const queue = [...cases];
  await Promise.all(Array.from({ length: PARALLEL }, async (_, lane) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await runHere(next, lane);
  }));
}, 900_000);

afterAll(() => {
  fleet.down();
  rmSync(folder, { recursive: true, force: true });
  const ran = cases.filter(({ name }) => ours.has(name));
  const equal = ran.filter(({ name }) => differencesOf(recorded(name), (ours.get(name) as { outcome: CaseOutcome }).outcome).length === 0).length;
  const declared = cases.filter(({ differs }) => differs !== undefined).length;
  process.stdout.write(`conformance: ${String(cases.length)} cases, ${String(ran.length)} ran, ${String(equal)} equal, ${String(declared)} declared to differ\n`);
});

describe('as Ansible does it', () => {
  test.each(cases.filter(({ differs }) => differs === undefined).map((each) => [each.name, each.title] as const))('%s: %s', (name) => {
    const { outcome, stderr } = ours.get(name) ?? { outcome: { exit: -1, tasks: {}, recap: {} }, stderr: 'it did not run' };
    const differences = differencesOf(recorded(name), outcome);
    expect(differences, `${differences.join('\n')}\n${stderr}`).toEqual([]);
  });
});

describe('otherwise, on purpose', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/differences-from-ansible.md'), 'utf8').toLowerCase();

  test.each(cases.flatMap((each) => (each.differs === undefined ? [] : [[each.name, each.differs, each.racing] as const])))('%s: %s', (name, reason, racing) => {
    expect(page).toContain(reason.toLowerCase());
    if (racing) return;
    // a difference that is gone must not be declared any longer
    expect(differencesOf(recorded(name), (ours.get(name) as { outcome: CaseOutcome }).outcome)).not.toEqual([]);
  });
});

const available = spawnSync('ansible-playbook', ['--version']).status === 0;
if (!available) process.stderr.write('skipped: recording a sample anew: ansible-playbook is not installed (Debian package ansible-core)\n');

describe.skipIf(!available)('what is recorded is what Ansible does', () => {
  test.each(['block-nested', 'handlers-flush', 'precedence-inventory'])('%s, recorded anew', async (name) => {
    const given = cases.find((each) => each.name === name) as ConformanceCase;
    expect(await runWithAnsible(given)).toEqual(recorded(name));
  });
});
