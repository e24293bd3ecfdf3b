import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, recap, ROOT, run, type Ended } from './fleet.ts';

/*
 * A real PKCS#11 library, Debian's softhsm2, from its upstream archive to a module that is loaded on two other hosts. It
 * goes under /opt by another name, so that it leaves the hosts' own softhsm2 alone.
 */
const PLAYBOOK = join(ROOT, 'playbooks/build-module.yml');
const MODULE = '/opt/softhsm-lab/lib/softhsm/libsofthsm2.so';
/** A build on a machine that tests other things too takes a while. */
const BUILD_MS = 900_000;
let fleet: Fleet;
let desk: Desk;
let settings: Record<string, unknown>;

beforeAll(async () => {
  const source = (await run([join(ROOT, 'tools/test-fleet/fetch-debian-source'), 'softhsm2'])).stdout.trim();
  if (source === '') throw new Error('the sources of softhsm2 cannot be fetched');
  fleet = new Fleet('ar', 7, 3);
  desk = new Desk(fleet);
  const hosts = fleet.hostsFile().replace(/( +)webservers:\n/, `$1builders:\n$1  hosts:\n$1    web01: {ansible_host: ${fleet.address('web01')}}\n$1webservers:\n`).replace(/ +web01: \{ .*\n/, '');
  desk.write('hosts.yml', hosts);
  settings = {
    module_source: source, module_sha256: createHash('sha256').update(readFileSync(source)).digest('hex'), module_version: '2.6.1',
    module_package: 'softhsm-lab', module_prefix: '/opt/softhsm-lab', module_regenerate: 'no', module_build_depends: ['libssl-dev'], module_depends: [],
    module_configure: ['--disable-static', '--disable-gost', '--disable-p11-kit', '--with-crypto-backend=openssl', '--sysconfdir=/etc/softhsm-lab', '--localstatedir=/opt/softhsm-lab/var', 'CFLAGS=-O0', 'CXXFLAGS=-O0'],
    hsm_module: MODULE, hsm_module_env: { SOFTHSM2_CONF: '/etc/softhsm/softhsm2.conf' },
  };
}, 300_000);
afterAll(() => {
  fleet.down();
  desk.remove();
});

/** `apply` of the playbook with these settings over the usual ones. */
function build(more: Record<string, unknown> = {}, ...words: string[]): Promise<Ended> {
  desk.write('module.json', JSON.stringify({ ...settings, ...more }));
  const program = join(ROOT, 'apps/cli/bin/hsmfleet');
  return run([program, 'apply', PLAYBOOK, '-i', 'hosts.yml', '-e', '@module.json', ...words], { cwd: desk.folder, env: desk.env, timeoutMs: BUILD_MS });
}

const installed = async (host: string): Promise<boolean> => (await fleet.exec(host, 'dpkg', '-s', 'softhsm-lab')).code === 0;

describe('what cannot be built', () => {
  test('an archive with another hash is refused before anything is built', async () => {
    const ended = await build({ module_sha256: '0'.repeat(64) }, '--json');
    expect(ended.code).toBe(2);
    const failed = events(ended.stdout).filter((event) => event.type === 'task_finished' && event.outcome !== 'ok');
    expect(failed.map(({ host, error }) => [host, (error as { message: string }).message])).toEqual([['web01', expect.stringContaining(`has the SHA-256 ${String(settings.module_sha256)}, not ${'0'.repeat(64)}`)]]);
    expect((await fleet.exec('web01', 'test', '-e', '/var/cache/hsmfleet-build')).code).toBe(1);
  });

  test('a configure that fails is one clear message, and nothing is left or told of', async () => {
    const ended = await build({ module_configure: ['--with-crypto-backend=nonsense'] }, '--json');
    expect(ended.code).toBe(2);
    const failed = events(ended.stdout).filter((event) => event.type === 'task_finished' && event.outcome !== 'ok');
    expect(failed).toHaveLength(1);
    expect((failed[0]?.error as { message: string }).message).toMatch(/configure.*softhsm-lab.*Crypto backend nonsense not supported/is);
    expect(await fleet.must('web01', 'ls', '-A', '/var/cache/hsmfleet-build')).toBe('');
    expect(JSON.parse((await desk.hsmfleet('artifacts', '--json')).stdout)).toEqual([]);
  });

  test('a package that nobody built is a mistake with its place; no host is touched', async () => {
    const file = desk.write('install.yml', '- hosts: webservers\n  tasks:\n    - package:\n        artifact: softhsm-lab\n');
    const ended = await desk.apply(file);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('there is no artefact "softhsm-lab"');
    expect(ended.stderr).toMatch(/install\.yml:4:19/);
    expect(ended.stdout).not.toContain('PLAY');
  });
});

describe('a module', () => {
  test('is built on one host, and stops the roll-out on the first webserver because it can write', async () => {
    const ended = await build();
    const said = ended.stdout + ended.stderr;
    expect(ended.code, said).toBe(2);
    expect(recap(ended.stdout)).toMatchObject({ web01: { changed: 1, failed: 0 }, web02: { changed: 1 } });
    expect(said).toContain(`the module ${MODULE} can write to its tokens`);
    expect(said).toContain('of sc-hsm-embedded V2.9 (2016) and older are read-only, V2.10 and later can write');
    expect([await installed('web02'), await installed('web03')]).toEqual([true, false]);
  }, BUILD_MS);

  test('is at hand on the control host, byte for byte as it was built', async () => {
    const [artifact] = JSON.parse((await desk.hsmfleet('artifacts', 'softhsm*', '--json')).stdout) as { sha256: string; file: string; buildHost: string; path: string }[];
    expect(artifact).toMatchObject({ file: 'softhsm-lab_2.6.1-1_amd64.deb', buildHost: 'web01', latest: true });
    expect(createHash('sha256').update(readFileSync(artifact?.path ?? '')).digest('hex')).toBe(artifact?.sha256);
    expect((await desk.hsmfleet('artifacts', 'show', 'softhsm-lab')).stdout).toContain('dpkg-deb');
    const exported = await desk.hsmfleet('artifacts', 'export', 'softhsm-lab', '.');
    expect(exported, exported.stderr).toMatchObject({ code: 0 });
    expect((await run(['dpkg-deb', '--contents', join(desk.folder, 'softhsm-lab_2.6.1-1_amd64.deb')])).stdout).toContain(`.${MODULE}`);
  });

  test('installs on the others by its name, and loads there', async () => {
    const file = desk.write('install.yml', [
      '- hosts: webservers', '  tasks:', '    - package: {artifact: softhsm-lab, version: "2.6.1"}',
      `    - pkcs11_module: {path: ${MODULE}, env: {SOFTHSM2_CONF: /etc/softhsm/softhsm2.conf}, token: "fleet-{{ inventory_hostname }}", read_only: false}`, '',
    ].join('\n'));
    const ended = await desk.apply(file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(recap(ended.stdout)).toMatchObject({ web02: { changed: 0 }, web03: { changed: 1 } });
    for (const host of ['web02', 'web03']) {
      const slots = await fleet.must(host, 'env', 'SOFTHSM2_CONF=/etc/softhsm/softhsm2.conf', 'pkcs11-tool', '--module', MODULE, '-L');
      expect(slots).toContain(`fleet-${host}`);
    }
    expect(await fleet.must('web03', 'sh', '-c', 'ls -A /var/cache/hsmfleet-packages')).toBe('');
    const again = recap((await desk.apply(file)).stdout);
    expect(again).toMatchObject({ web02: { changed: 0, failed: 0 }, web03: { changed: 0, failed: 0 } });
  });

  test('is not built again, and nothing changes, when the playbook runs again', async () => {
    const kept = await fleet.must('web01', 'sh', '-c', 'stat -c "%n %Y" /var/lib/hsmfleet/packages/*/*.deb');
    const ended = await build({}, '--json');
    // the writable module still stops it, but before that nothing was to do
    const done = events(ended.stdout).filter((event) => event.type === 'task_finished').map(({ host, resource, outcome }) => [host, resource, outcome]);
    expect(done).toEqual([['web01', 'source_package', 'ok'], ['web02', 'package', 'ok'], ['web02', 'pkcs11_module', 'refused']]);
    expect(await fleet.must('web01', 'sh', '-c', 'stat -c "%n %Y" /var/lib/hsmfleet/packages/*/*.deb')).toBe(kept);
    // told of again, it is fetched only when it is not here
    const state = join(desk.folder, 'state/hsmfleet/blobs');
    expect(readdirSync(state)).toHaveLength(1);
    await desk.hsmfleet('artifacts', 'forget', 'softhsm-lab');
    expect(readdirSync(state)).toEqual([]);
    await build();
    expect(readdirSync(state)).toHaveLength(1);
  });

  test('proven read-only behind a write-protected server, it goes to every webserver, and the second run changes nothing', async () => {
    const readOnly = { hsm_module: '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so', hsm_module_env: { P11_KIT_SERVER_ADDRESS: 'unix:path=/run/p11-kit-ro/pkcs11' } };
    await fleet.must('web03', 'dpkg', '--purge', 'softhsm-lab');
    const first = await build(readOnly);
    expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 });
    expect(recap(first.stdout)).toMatchObject({ web01: { changed: 0 }, web02: { changed: 0 }, web03: { changed: 1 } });
    const second = await build(readOnly);
    expect(second, second.stdout + second.stderr).toMatchObject({ code: 0 });
    expect(recap(second.stdout)).toMatchObject({ web01: { changed: 0 }, web02: { changed: 0 }, web03: { changed: 0 } });
  });

  test('is removed without a trace', async () => {
    const file = desk.write('remove.yml', '- hosts: webservers\n  tasks:\n    - package: {name: softhsm-lab, state: absent, purge: true}\n');
    const ended = await desk.apply(file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    for (const host of ['web02', 'web03']) {
      expect(await installed(host)).toBe(false);
      expect(await fleet.must(host, 'dpkg', '--audit')).toBe('');
      expect((await fleet.exec(host, 'ls', '-d', '/opt/softhsm-lab', '/etc/softhsm-lab')).stdout).toBe('');
    }
    expect(recap((await desk.apply(file)).stdout)).toMatchObject({ web02: { changed: 0 }, web03: { changed: 0 } });
    expect(existsSync(MODULE)).toBe(false);
  });
});
