import { describe, expect, it } from 'vitest';
import { Deferred, HsmfleetError, Secret, type Value } from '@hsmfleet/contract';
import { hostTarget, type TargetDefaults } from './host-target.ts';

const defaults: TargetDefaults = { become: false, becomeUser: 'root' };
const target = (vars: Record<string, Value>, more: Partial<TargetDefaults> = {}) => hostTarget('web1', vars, { ...defaults, ...more });

describe('how a host is reached', () => {
  it('needs no variables', () => {
    expect(target({})).toEqual({ name: 'web1', connection: 'ssh' });
  });

  it("comes from Ansible's connection variables", () => {
    expect(target({
      ansible_host: '10.0.0.7', ansible_port: '2222', ansible_user: 'ops', ansible_ssh_private_key_file: '~/.ssh/fleet',
      ansible_ssh_common_args: '-o ProxyJump=gate -F "/etc/my ssh/config"', ansible_ssh_extra_args: '-J x', ansible_timeout: 5,
    })).toEqual({
      name: 'web1', connection: 'ssh', address: '10.0.0.7', port: 2222, user: 'ops', identityFile: '~/.ssh/fleet', connectTimeoutMs: 5_000,
      sshArgs: ['-o', 'ProxyJump=gate', '-F', '/etc/my ssh/config', '-J', 'x'],
    });
  });

  it('is taken from the command line where the host says nothing', () => {
    const given = { user: 'anna', identityFile: 'key' };
    expect(target({}, given)).toMatchObject({ user: 'anna', identityFile: 'key' });
    expect(target({ ansible_user: 'ops', ansible_ssh_private_key_file: 'own' }, given)).toMatchObject({ user: 'ops', identityFile: 'own' });
  });

  it('may be this machine', () => {
    expect(target({ ansible_connection: 'local' })).toMatchObject({ connection: 'local' });
  });

  it.each([['smart', 'ssh'], ['ssh', 'ssh'], ['ssh2', 'ssh2'], ['openssh', 'openssh'], ['paramiko', 'ssh']])('may be chosen by hand: %s', (given, connection) => {
    expect(target({ ansible_connection: given })).toEqual({ name: 'web1', connection });
  });

  it('may need a password, which is not shown', () => {
    const { password } = target({ ansible_password: 'login word' });
    expect(password?.reveal()).toBe('login word');
    expect(JSON.stringify(target({ ansible_ssh_pass: 'login word' }))).not.toContain('login word');
    expect(target({}, { password: new Secret('asked') }).password?.reveal()).toBe('asked');
  });

  it('goes through sudo when the play or the host asks for it', () => {
    const password = new Secret('geheim', 'sudo password');
    expect(target({}, { become: true, becomePassword: password })).toMatchObject({ become: { user: 'root', password } });
    expect(target({ ansible_become: 'no' }, { become: true })).not.toHaveProperty('become');
    const own = target({ ansible_become: true, ansible_become_user: 'www', ansible_become_password: 'plain' }, { becomePassword: password }).become;
    expect(own).toEqual({ user: 'www', password: expect.any(Secret) as unknown });
    expect(own?.password?.reveal()).toBe('plain');
    expect(JSON.stringify(own)).not.toContain('plain');
  });

  it.each<[string, Record<string, Value>, string]>([
    ['a port that is none', { ansible_port: 'ssh' }, 'ansible_port of host web1: "ssh" is not a positive number'],
    ['an unknown connection', { ansible_connection: 'winrm' }, 'ansible_connection of host web1: "winrm" is not supported'],
    ['a mapping', { ansible_host: { a: 1 } }, 'ansible_host of host web1: it has to be text'],
    ['a secret address', { ansible_host: new Secret('x') }, 'ansible_host of host web1: it must not be a secret'],
    ['what needs facts', { ansible_host: new Deferred('{{ ansible_facts.x }}') }, 'ansible_host of host web1: it needs facts of the host, which are not known before connecting'],
    ['an open quote', { ansible_ssh_common_args: '-o "x' }, 'ansible_ssh_common_args of host web1: a quote is not closed'],
    ['another method', { ansible_become: true, ansible_become_method: 'su' }, 'ansible_become_method of host web1: "su" is not supported'],
    ['neither true nor false', { ansible_become: 'maybe' }, 'ansible_become of host web1: "maybe" is neither true nor false'],
  ])('%s is refused', (_name, vars, message) => {
    expect(() => target(vars)).toThrow(HsmfleetError);
    expect(() => target(vars)).toThrow(message);
  });
});
