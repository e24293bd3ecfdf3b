import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isConfigSameForAllHosts } from './ssh-config-scope.ts';
import { createSshOptionsResolver, type AskSshConfig } from './ssh-options.ts';

let directory: string;
const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(directory, name), text, { mode });
  return join(directory, name);
};
beforeAll(() => { directory = mkdtempSync(join(tmpdir(), 'hsmfleet-options-')); });
afterAll(() => { rmSync(directory, { recursive: true }); });

/** Stands for `ssh -G`, notes what it is asked and gives an answer: which calls are made is what is tested here. */
function fakeSsh(answer: string | undefined): { ask: AskSshConfig; calls: () => string[] } {
  const asked: string[] = [];
  return { ask: (words) => { asked.push(words.join(' ')); return Promise.resolve(answer); }, calls: () => asked };
}

describe('createSshOptionsResolver', () => {
  it('does not run ssh when the arguments say it all', async () => {
    const ssh = fakeSsh('');
    const options = await createSshOptionsResolver(ssh.ask).resolve({
      name: 'web01', address: '10.0.0.1', user: 'root', identityFile: '~/key',
      sshArgs: ['-F', '/dev/null', '-o', 'UserKnownHostsFile=~/kh', '-o', 'StrictHostKeyChecking=yes', '-p', '2222', '-o', 'ConnectTimeout=3', '-J', 'a,b'],
    });
    expect(ssh.calls()).toEqual([]);
    expect(options).toMatchObject({ hostname: '10.0.0.1', port: 2222, user: 'root', requiredIdentityFiles: [`${homedir()}/key`], connectTimeoutMs: 3000, proxyJump: ['a', 'b'] });
    expect(options.knownHostsFiles).toEqual([`${homedir()}/kh`, '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']);
  });

  it('asks once for the whole fleet when the configuration does not tell hosts apart', async () => {
    const ssh = fakeSsh('hostname web01\nuser deploy\nport 22\nidentityfile ~/.ssh/%h\nidentitiesonly yes\nuserknownhostsfile /kh');
    const config = file('plain', 'Host *\n  User deploy\n');
    const resolver = createSshOptionsResolver(ssh.ask);
    const [a, b] = await Promise.all(['web01', 'web02'].map((name) => resolver.resolve({ name, port: name === 'web02' ? 2222 : 22, sshArgs: ['-F', config] })));
    expect(ssh.calls()).toEqual([`-F ${config} -- web01`]);
    expect(a).toMatchObject({ hostname: 'web01', user: 'deploy', identitiesOnly: true });
    expect(b).toMatchObject({ hostname: 'web02', port: 2222, optionalIdentityFiles: [`${homedir()}/.ssh/web02`], knownHostsFiles: ['/kh'] });
  });

  it('asks per host when the configuration tells hosts apart', async () => {
    const ssh = fakeSsh('hostname 10.0.0.9\nuser root\nport 22');
    const config = file('hosts', 'Host web*\n  HostName 10.0.0.9\n');
    const resolver = createSshOptionsResolver(ssh.ask);
    await Promise.all(['web01', 'web02', 'web02'].map((name) => resolver.resolve({ name, user: 'root', sshArgs: ['-F', config] })));
    expect(ssh.calls().sort()).toEqual([`-l root -F ${config} -- web01`, `-l root -F ${config} -- web02`]);
  });

  it('goes without OpenSSH when there is none', async () => {
    const options = await createSshOptionsResolver(fakeSsh(undefined).ask).resolve({ name: 'web01', user: 'root' });
    expect(options).toMatchObject({ hostname: 'web01', port: 22, user: 'root' });
  });

  it('tells what ssh has against its configuration', async () => {
    const error: unknown = await createSshOptionsResolver(() => Promise.reject(Object.assign(new Error('exit 255'), { stderr: 'Bad configuration option: nonsense' }))).resolve({ name: 'web01' }).catch((caught: unknown) => caught);
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
