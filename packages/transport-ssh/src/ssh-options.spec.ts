import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isConfigSameForAllHosts } from './ssh-config-scope.ts';
import { createSshOptionsResolver } from './ssh-options.ts';

let directory: string;
const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(directory, name), text, { mode });
  return join(directory, name);
};
beforeAll(() => { directory = mkdtempSync(join(tmpdir(), 'hsmfleet-options-')); });
afterAll(() => { rmSync(directory, { recursive: true }); });

/** A program in the place of ssh that notes its arguments and prints an answer. */
function fakeSsh(name: string, answer: string): { path: string; calls: () => string[] } {
  const log = join(directory, `${name}.log`);
  const path = file(name, `#!/bin/sh\necho "$*" >> ${log}\ncat <<'END'\n${answer}\nEND\n`, 0o700);
  return { path, calls: () => { try { return readFileSync(log, 'utf8').trim().split('\n'); } catch { return []; } } };
}

describe('createSshOptionsResolver', () => {
  it('does not run ssh when the arguments say it all', async () => {
    const ssh = fakeSsh('unused', '');
    const options = await createSshOptionsResolver(ssh.path).resolve({
      name: 'web01', address: '10.0.0.1', user: 'root', identityFile: '~/key',
      sshArgs: ['-F', '/dev/null', '-o', 'UserKnownHostsFile=~/kh', '-o', 'StrictHostKeyChecking=yes', '-p', '2222', '-o', 'ConnectTimeout=3', '-J', 'a,b'],
    });
    expect(ssh.calls()).toEqual([]);
    expect(options).toMatchObject({ hostname: '10.0.0.1', port: 2222, user: 'root', requiredIdentityFiles: [`${homedir()}/key`], connectTimeoutMs: 3000, proxyJump: ['a', 'b'] });
    expect(options.knownHostsFiles).toEqual([`${homedir()}/kh`, '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']);
  });

  it('asks once for the whole fleet when the configuration does not tell hosts apart', async () => {
    const ssh = fakeSsh('shared', 'hostname web01\nuser deploy\nport 22\nidentityfile ~/.ssh/%h\nidentitiesonly yes\nuserknownhostsfile /kh');
    const config = file('plain', 'Host *\n  User deploy\n');
    const resolver = createSshOptionsResolver(ssh.path);
    const [a, b] = await Promise.all(['web01', 'web02'].map((name) => resolver.resolve({ name, port: name === 'web02' ? 2222 : 22, sshArgs: ['-F', config] })));
    expect(ssh.calls()).toEqual([`-G -F ${config} -- web01`]);
    expect(a).toMatchObject({ hostname: 'web01', user: 'deploy', identitiesOnly: true });
    expect(b).toMatchObject({ hostname: 'web02', port: 2222, optionalIdentityFiles: [`${homedir()}/.ssh/web02`], knownHostsFiles: ['/kh'] });
  });

  it('asks per host when the configuration tells hosts apart', async () => {
    const ssh = fakeSsh('single', 'hostname 10.0.0.9\nuser root\nport 22');
    const config = file('hosts', 'Host web*\n  HostName 10.0.0.9\n');
    const resolver = createSshOptionsResolver(ssh.path);
    await Promise.all(['web01', 'web02', 'web02'].map((name) => resolver.resolve({ name, user: 'root', sshArgs: ['-F', config] })));
    expect(ssh.calls().sort()).toEqual([`-G -l root -F ${config} -- web01`, `-G -l root -F ${config} -- web02`]);
  });

  it('goes without OpenSSH when there is none', async () => {
    const options = await createSshOptionsResolver(join(directory, 'no-ssh')).resolve({ name: 'web01', user: 'root' });
    expect(options).toMatchObject({ hostname: 'web01', port: 22, user: 'root' });
  });

  it('tells what ssh has against its configuration', async () => {
    const error: unknown = await createSshOptionsResolver(file('refusing', '#!/bin/sh\necho "Bad configuration option: nonsense" >&2\nexit 255\n', 0o700)).resolve({ name: 'web01' }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'UNREACHABLE', host: 'web01' });
    expect((error as Error).message).toMatch(/nonsense/i);
  });
});

describe('isConfigSameForAllHosts', () => {
  it('looks into included files', () => {
    mkdirSync(join(directory, 'home', '.ssh', 'conf.d'), { recursive: true });
    writeFileSync(join(directory, 'home', '.ssh', 'conf.d', 'a.conf'), 'Host *\n  User x\n');
    const main = file('including', `Include ${directory}/home/.ssh/conf.d/*.conf\n`);
    expect(isConfigSameForAllHosts(main)).toBe(true);
    writeFileSync(join(directory, 'home', '.ssh', 'conf.d', 'b.conf'), 'Match host web*\n  User y\n');
    expect(isConfigSameForAllHosts(main)).toBe(false);
  });

  it.each([['host web\n', false], ['Host *\nUser a\n', true], ['HostName %h.example.org\n', false], ['# Host web\n', true], ['Match all\n', false], ['ProxyCommand nc %h %p\n', false]])('%j: %s', (text, same) => {
    expect(isConfigSameForAllHosts(file('one', text))).toBe(same);
  });
});
