import type { ReadHost } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { readCandidates, readInstalled, readListsAge } from './inspect-packages.ts';

/** Recorded answers of programs: dnf and pacman are not where the tests run, and asking apt would depend on its archive. */
function hostWith(answers: Record<string, { code?: number; stdout: string }>, folders: Record<string, string[]> = {}, times: Record<string, number> = {}): ReadHost {
  return {
    query: (argv: string[]) => {
      const answer = answers[argv.join(' ')];
      if (answer === undefined) throw new Error(`not recorded: ${argv.join(' ')}`);
      return Promise.resolve({ argv, code: 0, stderr: '', timedOut: false, ...answer });
    },
    list: (path: string) => Promise.resolve(folders[path]),
    stat: (path: string) => Promise.resolve(times[path] === undefined ? undefined : { mtimeMs: times[path] }),
    now: () => 100_000,
  } as unknown as ReadHost;
}

test("apt's candidates", async () => {
  const stdout = [
    'dpkg:', '  Installed: 1.21.22', '  Candidate: 1.21.23', '  Version table:', '     1.21.23 500',
    'locally-built:', '  Installed: 1.0', '  Candidate: 1.0', 'virtual:', '  Installed: (none)', '  Candidate: (none)', '',
  ].join('\n');
  const host = hostWith({ 'apt-cache policy dpkg locally-built virtual unknown': { stdout } });
  expect(await readCandidates(host, 'apt', ['dpkg', 'locally-built', 'virtual', 'unknown'], {}))
    .toEqual({ dpkg: '1.21.23', 'locally-built': '1.0', virtual: null, unknown: null });
});

test('dnf: what is installed, and what is newer', async () => {
  const host = hostWith({
    'rpm -q --whatprovides --qf %{VERSION}-%{RELEASE}\\n httpd': { stdout: '2.4.57-5.el9\n' },
    'rpm -q --whatprovides --qf %{VERSION}-%{RELEASE}\\n opensc': { code: 1, stdout: 'no package provides opensc\n' },
    'dnf -q -C check-update httpd': { code: 100, stdout: '\nhttpd.x86_64    2.4.57-8.el9    appstream\n' },
  });
  const installed = await readInstalled(host, 'dnf', ['httpd', 'opensc']);
  expect(installed).toEqual({ httpd: '2.4.57-5.el9', opensc: null });
  expect(await readCandidates(host, 'dnf', ['httpd'], installed)).toEqual({ httpd: '2.4.57-8.el9' });
});

test('pacman: what is installed, and what is newer', async () => {
  const host = hostWith(
    { 'pacman -Qu apache opensc': { stdout: 'apache 2.4.59-1 -> 2.4.62-1\n' } },
    { '/var/lib/pacman/local': ['ALPM_DB_VERSION', 'apache-2.4.59-1', 'lib32-opensc-0.23-1', 'opensc-0.25.1-1'] },
  );
  const installed = await readInstalled(host, 'pacman', ['apache', 'opensc', 'pcsclite']);
  expect(installed).toEqual({ apache: '2.4.59-1', opensc: '0.25.1-1', pcsclite: null });
  expect(await readCandidates(host, 'pacman', ['apache', 'opensc'], installed)).toEqual({ apache: '2.4.62-1', opensc: '0.25.1-1' });
});

test('the age of package lists: by folder or stamp, none when there are no lists', async () => {
  const lists = '/var/lib/apt/lists';
  const folders = { [lists]: ['deb.example.org_dists_bookworm_InRelease', 'lock', 'partial'] };
  expect(await readListsAge(hostWith({}, folders, { [lists]: 40_000 }), 'apt')).toBe(60);
  expect(await readListsAge(hostWith({}, folders, { [lists]: 40_000, '/var/lib/apt/periodic/update-success-stamp': 90_000 }), 'apt')).toBe(10);
  expect(await readListsAge(hostWith({}, { [lists]: ['lock', 'partial'] }, { [lists]: 40_000 }), 'apt')).toBeNull();
  expect(await readListsAge(hostWith({}), 'pacman')).toBeNull();
});
