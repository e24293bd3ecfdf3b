import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorReport } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BROKEN_LINKS, type BrokenLink } from './broken-links.ts';
import { Desk, Fleet, PIN, SITE, WRITABLE_MODULE, type Ended } from './fleet.ts';
import { Visitor } from './requests.ts';

/* What doctor says of hosts as the shipped playbook leaves them, and of hosts on which one link was broken. */
const HOSTS = 4;

let fleet: Fleet;
let desk: Desk;

beforeAll(async () => {
  fleet = new Fleet('dr', 15, HOSTS);
  desk = new Desk(fleet);
  mkdirSync(join(desk.folder, 'host_vars'));
  desk.write('empty', '');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(desk.folder, 'stranger')]);
  const ended = await desk.apply(SITE);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
}, 300_000);
afterAll(() => {
  desk.remove();
  fleet.down();
});

function script(host: string, text: string): Promise<string> {
  return fleet.must(host, 'sh', '-c', `host=${host}; token=fleet-${host}; ${text}`);
}

async function doctor(...words: string[]): Promise<Ended & { report: DoctorReport }> {
  const ended = await desk.hsmfleet('doctor', ...words, '--json');
  expect(ended.stdout, ended.stderr).toContain('"hsmfleet.doctor/1"');
  expect(ended.stdout + ended.stderr).not.toContain(PIN);
  return { ...ended, report: JSON.parse(ended.stdout) as DoctorReport };
}

/** What must be the same afterwards on a host that doctor looked at. */
const STATE = 'cat /run/apache2/apache2.pid; ps -o lstart= -C apache2; find /etc/apache2 /etc/hsmfleet -type f | sort | xargs sha256sum; stat -c "%n %a %U %G %Y" /etc/hsmfleet/web.pin /run/p11-kit-ro/pkcs11';

describe('hosts as the playbook leaves them', () => {
  test('hold at every link, serve all the while, and are left as they are', async () => {
    const before = await Promise.all(fleet.hosts.map((host) => script(host, STATE)));
    const visitors = fleet.hosts.map((host) => new Visitor(fleet.address(host), `${host}.fleet.test`));
    const { code, report } = await doctor('webservers', '-i', 'hosts.yml', '--playbook', SITE);
    await Promise.all(visitors.map((visitor) => visitor.stop()));
    expect(report.hosts.map(({ host, verdict, broken }) => [host, verdict, broken]), JSON.stringify(report.hosts[0], null, 1)).toEqual(fleet.hosts.map((host) => [host, 'healthy', null]));
    expect(code).toBe(0);
    expect(report.hosts[0]?.links.map(({ link, status }) => `${link} ${status}`)).toEqual([
      'name ok', 'ssh-port ok', 'host-key ok', 'login ok', 'sudo not_applicable', 'agent ok', 'runtime ok', 'reader not_applicable', 'pcscd not_applicable', 'permission ok',
      'module ok', 'read-only ok', 'token ok', 'certificate ok', 'nss-database not_applicable', 'nickname not_applicable', 'pin-file ok', 'apache-config ok', 'port ok', 'tls ok',
    ]);
    expect(visitors.flatMap(({ problems }) => problems)).toEqual([]);
    expect(await Promise.all(fleet.hosts.map((host) => script(host, STATE)))).toEqual(before);
  });
});

describe('a link that is broken', () => {
  const rounds = Array.from({ length: Math.ceil(BROKEN_LINKS.length / HOSTS) }, (_, round) => BROKEN_LINKS.slice(round * HOSTS, (round + 1) * HOSTS));

  test.each(rounds.map((round) => [round.map(({ what }) => what).join('; '), round] as const))('is named, with its fix: %s', async (_what, round) => {
    const placed = round.map((broken, index): [string, BrokenLink] => [fleet.hosts[index] ?? '', broken]);
    const files = placed.flatMap(([host, { vars }]) => (vars === undefined ? [] : [desk.write(`host_vars/${host}.yml`, JSON.stringify(vars).replaceAll('$desk', desk.folder))]));
    try {
      await Promise.all(placed.map(([host, { harm }]) => (harm === undefined ? undefined : script(host, harm))));
      const { code, report } = await doctor(placed.map(([host]) => host).join(','), '-i', 'hosts.yml');
      const named = new Map(report.hosts.map((host) => [host.host, host]));
      expect(placed.map(([host]) => `${host} ${named.get(host)?.broken ?? 'healthy'}`), JSON.stringify(report.hosts.map(({ host, links }) => [host, links.filter(({ status }) => status === 'broken')]), null, 1)).toEqual(placed.map(([host, { link }]) => `${host} ${link}`));
      for (const [host, { link, evidence, fix }] of placed) {
        const links = named.get(host)?.links ?? [];
        const at = links.findIndex((each) => each.link === link);
        expect(links[at]?.evidence).toMatch(evidence);
        expect(`${links[at]?.fix?.text ?? ''} ${links[at]?.fix?.command ?? ''}`).toMatch(fix);
        expect(new Set(links.slice(at + 1).map(({ status }) => status)).size, link).toBeLessThanOrEqual(1);
        expect(links.slice(0, at).filter(({ status }) => status === 'broken' || status === 'not_looked_at')).toEqual([]);
      }
      const verdicts = new Set(report.hosts.map(({ verdict }) => verdict));
      expect(code).toBe((verdicts.has('broken') ? 2 : 0) + (verdicts.has('unreachable') ? 4 : 0));
    } finally {
      for (const file of files) rmSync(file);
      await Promise.all(placed.map(([host, { repair }]) => (repair === undefined ? undefined : script(host, repair))));
    }
  });

  test('is named from what earlier logins showed, where a PIN was wrong', async () => {
    desk.write('restart.yml', '- hosts: webservers\n  tasks:\n    - service: { name: apache2, state: restarted }\n');
    await script('web01', 'cp -p /etc/hsmfleet/web.pin /root/kept && sed -i s/648219/648210/ /etc/hsmfleet/web.pin');
    try {
      expect((await desk.apply('restart.yml', '-l', 'web01')).code).toBe(2);
      const { code, report } = await doctor('web01', '-i', 'hosts.yml');
      expect(code).toBe(2);
      expect(report.hosts[0]?.links.find(({ status }) => status === 'broken')).toMatchObject({
        link: 'pin-file', code: 'PIN_INCORRECT', evidence: expect.stringContaining('called the PIN in it wrong') as string, fix: { text: expect.stringContaining('do not start') as string },
      });
      expect(JSON.stringify(report)).not.toContain('648210');
    } finally {
      await script('web01', `cp -p /root/kept /etc/hsmfleet/web.pin && pkcs11-tool --module ${WRITABLE_MODULE} --token-label "$token" --login --pin ${PIN} -O >/dev/null`);
    }
  });

  test('is what the playbook wants and the host does not have', async () => {
    desk.write('more.yml', '- hosts: webservers\n  tasks:\n    - tls_site: { name: more, server_name: more.test, port: 8443, engine: mod_ssl, module: { path: /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so }, token: "fleet-{{ inventory_hostname }}" }\n');
    const { code, report } = await doctor('web01', '-i', 'hosts.yml', '--playbook', 'more.yml');
    expect(code).toBe(2);
    expect(report.hosts[0]?.links.find(({ status }) => status === 'broken')).toMatchObject({ link: 'apache-config', evidence: expect.stringContaining('no site more.test:8443') as string });
  });
});

describe('the control host', () => {
  test('is looked at when no host is named, each link for itself', async () => {
    desk.write('vault-pass', 'x\n');
    const { code, report } = await doctor('-i', 'hosts.yml', '--vault-password-file', 'vault-pass');
    expect(code).toBe(0);
    expect(report.hosts).toEqual([]);
    expect(report.control?.filter(({ status }) => status === 'broken')).toEqual([]);
    const broken = await doctor('-i', 'nothing.yml', '--vault-password-file', 'gone');
    expect(broken.code).toBe(2);
    expect(broken.report.control?.filter(({ status }) => status === 'broken').map(({ link }) => link)).toEqual(['vault-passwords', 'hosts-file']);
  });

  test('a person reads the same in words', async () => {
    const { stdout, code } = await desk.hsmfleet('doctor', 'web02', '-i', 'hosts.yml', '--site', 'nobody.test');
    expect(code).toBe(2);
    expect(stdout).toMatch(/apache-config +BROKEN +no site is called "nobody\.test"; there are "web02\.fleet\.test:443"\n +fix: /);
    expect(stdout).toContain('web02: broken at apache-config');
    expect(stdout).toMatch(/not looked at, since they need it: port, tls/);
  });
});
