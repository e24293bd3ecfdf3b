import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckReport } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, Fleet, READ_ONLY_MODULE, ROOT, SITE, WRITABLE_MODULE, type Ended } from './fleet.ts';
import { Visitor } from './requests.ts';
import { SABOTAGES, type Sabotage } from './sabotage.ts';

/* What the shipped profile says of hosts as the shipped playbook leaves them, and of hosts where something was made wrong. */
const PROFILE = join(ROOT, 'playbooks/profiles/hsm-webserver.yml');
const HOSTS = 4;

let fleet: Fleet;
let desk: Desk;
/** Of the module as it is on every host. */
let moduleSha256 = '';

beforeAll(async () => {
  fleet = new Fleet('cp', 9, HOSTS);
  desk = new Desk(fleet);
  // the test tokens have a short RSA key, which the profile is right about
  await Promise.all(fleet.hosts.map((host) => script(host, ['privkey', 'pubkey', 'cert'].map((type) => `runuser -u www-data -- pkcs11-tool --module ${WRITABLE_MODULE} --token-label "$token" --login --pin 648219 --delete-object --type ${type} --id 01`).join(' && '))));
  const ended = await desk.apply(SITE);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
  moduleSha256 = (await fleet.must('web01', 'sha256sum', READ_ONLY_MODULE)).slice(0, 64);
  profile([]);
}, 300_000);
afterAll(() => {
  desk.remove();
  fleet.down();
});

function script(host: string, text: string): Promise<string> {
  return fleet.must(host, 'sh', '-c', `token=fleet-${host}; ${text}`);
}

/** The profile of the desk: the shipped one, with waivers. */
function profile(waivers: readonly string[]): void {
  writeFileSync(join(desk.folder, 'our.yml'), ['profile: our-webservers', 'title: Ours', `extends: ${PROFILE}`, ...(waivers.length === 0 ? [] : ['waivers:', ...waivers]), ''].join('\n'));
}

async function check(...words: string[]): Promise<Ended & { report: CheckReport }> {
  const ended = await desk.hsmfleet('check', 'our.yml', '-i', 'hosts.yml', '-e', `module_sha256=${moduleSha256}`, '--format', 'json', ...words);
  expect(ended.stdout, ended.stderr).toContain('"hsmfleet.check/1"');
  return { ...ended, report: JSON.parse(ended.stdout) as CheckReport };
}

/** Everything but pass and not applicable, as "host control outcome". */
function told({ results }: CheckReport): string[] {
  return results.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'not_applicable').map(({ host, control, outcome }) => `${host} ${control} ${outcome}`).sort();
}

describe('hosts as the playbook leaves them', () => {
  test('meet every control, and serve while they are checked', async () => {
    const visitors = fleet.hosts.map((host) => new Visitor(fleet.address(host), `${host}.fleet.test`));
    const { code, report } = await check();
    await Promise.all(visitors.map((visitor) => visitor.stop()));
    expect(told(report)).toEqual([]);
    expect(code).toBe(0);
    expect(report.counts.pass).toBeGreaterThan(30 * HOSTS);
    expect(report.results.filter(({ outcome, evidence }) => outcome === 'pass' && evidence !== 'live')).toEqual([]);
    expect(visitors.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

describe('what is made wrong', () => {
  const rounds = Array.from({ length: Math.ceil(SABOTAGES.length / HOSTS) }, (_, round) => SABOTAGES.slice(round * HOSTS, (round + 1) * HOSTS));

  test.each(rounds.map((round) => [round.map(({ what }) => what).join(', '), round] as const))('is found by its own control alone: %s', async (_what, round) => {
    const placed = round.map((sabotage, index): [string, Sabotage] => [fleet.hosts[index] ?? '', sabotage]);
    await Promise.all(placed.map(([host, { harm }]) => script(host, harm)));
    try {
      const { code, report } = await check();
      expect(told(report)).toEqual(placed.map(([host, { control }]) => `${host} ${control} fail`).sort());
      expect(code).toBe(2);
    } finally {
      await Promise.all(placed.map(([host, { repair }]) => script(host, repair)));
    }
  });
});

describe('a waiver', () => {
  const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const waiver = (until: string): string => `  - { controls: [pin-file-guarded], hosts: web01, reason: being moved, owner: anna, until: "${until}" }`;

  test('silences its finding until its day, and says so when it has expired', async () => {
    await script('web01', 'chmod 644 /etc/hsmfleet/web.pin');
    try {
      profile([waiver(day(1))]);
      // what was made wrong before is repaired, and gone
      const held = await check();
      expect(told(held.report)).toEqual(['web01 pin-file-guarded waived']);
      expect(held.code).toBe(0);
      profile([waiver(day(-1))]);
      const expired = await check('--from-snapshot');
      expect(told(expired.report)).toEqual(['web01 pin-file-guarded fail']);
      expect(expired.code).toBe(2);
      expect(expired.report.results.find(({ outcome }) => outcome === 'fail')?.waiver).toMatchObject({ expired: true, owner: 'anna', until: day(-1) });
      const text = await desk.hsmfleet('check', 'our.yml', '-i', 'hosts.yml', '-e', `module_sha256=${moduleSha256}`, '--from-snapshot');
      expect(text.stdout).toMatch(/waiver.*expired|expired.*waiver/is);
      expect(text.stdout).toContain('anna');
    } finally {
      await script('web01', 'chmod 640 /etc/hsmfleet/web.pin');
      profile([]);
    }
  });
});

describe('what cannot be judged', () => {
  test('is no pass: a host that does not answer is unreachable', async () => {
    desk.write('lost.yml', 'all: { hosts: { web99: { ansible_host: 127.0.0.1, ansible_port: 1 } } }\n');
    const ended = await desk.hsmfleet('check', 'our.yml', '-i', 'lost.yml', '--format', 'json');
    const report = JSON.parse(ended.stdout) as CheckReport;
    expect(report.counts).toMatchObject({ pass: 0, fail: 0, error: 0, unreachable: report.controls.length });
    expect(ended.code).toBe(4);
  });

  test('a wrong profile is told of before any host is touched', async () => {
    desk.write('wrong.yml', [
      'profile: wrong', 'title: Wrong', 'controls:',
      '  - { id: a, title: A, why: w, severity: low, query: select host from kyes }',
      '  - { id: b, title: B, why: w, severity: low, query: select label from keys }',
      '',
    ].join('\n'));
    const ended = await desk.hsmfleet('check', 'wrong.yml', '-i', 'hosts.yml');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('unknown view "kyes"\n  --> wrong.yml:4:11\n  hint: did you mean "keys"?');
    expect(ended.stderr).toContain('query of the control "b" has no column "host"\n  --> wrong.yml:5:11\n');
    expect(ended.stdout).toBe('');
  });
});
