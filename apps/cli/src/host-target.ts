import { split } from 'shlex';
import { Deferred, HsmfleetError, LockedSecret, Secret, type Value } from '@hsmfleet/contract';
import type { Become, HostTarget } from '@hsmfleet/transport';

/** What a play and the command line say about reaching hosts; a host's own variables win, as in Ansible. */
export interface TargetDefaults {
  user?: string | undefined;
  identityFile?: string | undefined;
  become: boolean;
  becomeUser: string;
  becomePassword?: Secret | undefined;
  /** Of the login. */
  password?: Secret | undefined;
}

/**
 * How to reach a host, from Ansible's connection variables.
 * @throws HsmfleetError HOSTS_INVALID when one of them has a value that cannot be used
 */
export function hostTarget(name: string, vars: Record<string, Value>, defaults: TargetDefaults): HostTarget {
  const read = reader(name, vars);
  const connection = connectionOf(name, read.text('ansible_connection'));
  const address = read.text('ansible_host', 'ansible_ssh_host');
  const port = read.number('ansible_port', 'ansible_ssh_port');
  const user = read.text('ansible_user', 'ansible_ssh_user') ?? defaults.user;
  const identityFile = read.text('ansible_ssh_private_key_file', 'ansible_private_key_file') ?? defaults.identityFile;
  const timeout = read.number('ansible_ssh_timeout', 'ansible_timeout');
  const args = ['ansible_ssh_args', 'ansible_ssh_common_args', 'ansible_ssh_extra_args'].flatMap((key) => splitArgs(name, key, read.text(key)));
  const password = read.secret('ansible_password', 'ansible_ssh_password', 'ansible_ssh_pass') ?? defaults.password;
  const become = becomeOf(name, read, defaults);
  return {
    name, connection,
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(identityFile === undefined ? {} : { identityFile }),
    ...(timeout === undefined ? {} : { connectTimeoutMs: timeout * 1_000 }),
    ...(args.length === 0 ? {} : { sshArgs: args }),
    ...(password === undefined ? {} : { password }),
    ...(become === undefined ? {} : { become }),
  };
}

interface Reader {
  text(...keys: string[]): string | undefined;
  number(...keys: string[]): number | undefined;
  secret(...keys: string[]): Secret | undefined;
  flag(key: string): boolean | undefined;
}

function reader(host: string, vars: Record<string, Value>): Reader {
  const find = (keys: readonly string[]): [string, Value] | undefined => {
    for (const key of keys) {
      const value = vars[key];
      if (value === undefined || value === null || value === '') continue;
      if (value instanceof Deferred) throw invalid(host, key, 'it needs facts of the host, which are not known before connecting');
      return [key, value];
    }
    return undefined;
  };
  const text = (...keys: string[]): string | undefined => {
    const found = find(keys);
    if (found === undefined) return undefined;
    if (typeof found[1] === 'object') {
      throw found[1] instanceof Secret
        ? invalid(host, found[0], 'it must not be a secret', 'what an encrypted file holds is secret: keep this one in a plain file')
        : invalid(host, found[0], 'it has to be text');
    }
    return String(found[1]);
  };
  return {
    text,
    number(...keys) {
      const value = text(...keys);
      if (value === undefined) return undefined;
      if (!/^\d{1,6}$/.test(value) || Number(value) === 0) throw invalid(host, keys[0] ?? '', `"${value}" is not a positive number`);
      return Number(value);
    },
    secret(...keys) {
      const found = find(keys);
      if (found === undefined) return undefined;
      if (found[1] instanceof LockedSecret) throw found[1].problem;
      return found[1] instanceof Secret ? found[1] : new Secret(text(...keys) ?? '', found[0]);
    },
    flag(key) {
      const value = text(key)?.toLowerCase();
      if (value === undefined) return undefined;
      if (['true', 'yes', 'on', '1'].includes(value)) return true;
      if (['false', 'no', 'off', '0'].includes(value)) return false;
      throw invalid(host, key, `"${value}" is neither true nor false`);
    },
  };
}

/** Ansible's names, and those of the two ways there are here; `smart` takes what fits. */
const CONNECTIONS: Readonly<Record<string, NonNullable<HostTarget['connection']>>> = {
  ssh: 'ssh', smart: 'ssh', 'ansible.builtin.ssh': 'ssh', paramiko: 'ssh', paramiko_ssh: 'ssh', 'ansible.builtin.paramiko_ssh': 'ssh',
  ssh2: 'ssh2', openssh: 'openssh', local: 'local', 'ansible.builtin.local': 'local',
};

function connectionOf(host: string, connection = 'smart'): NonNullable<HostTarget['connection']> {
  const known = Object.hasOwn(CONNECTIONS, connection) ? CONNECTIONS[connection] : undefined;
  if (known === undefined) throw invalid(host, 'ansible_connection', `"${connection}" is not supported`, 'use smart, ssh2, openssh or local');
  return known;
}

function becomeOf(host: string, read: Reader, defaults: TargetDefaults): Become | undefined {
  if (!(read.flag('ansible_become') ?? defaults.become)) return undefined;
  const method = read.text('ansible_become_method') ?? 'sudo';
  if (method !== 'sudo' && method !== 'ansible.builtin.sudo') throw invalid(host, 'ansible_become_method', `"${method}" is not supported`, 'use sudo');
  const password = read.secret('ansible_become_password', 'ansible_become_pass', 'ansible_sudo_pass') ?? defaults.becomePassword;
  return { user: read.text('ansible_become_user') ?? defaults.becomeUser, ...(password === undefined ? {} : { password }) };
}

function splitArgs(host: string, key: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    return split(text);
  } catch {
    throw invalid(host, key, 'a quote is not closed');
  }
}

function invalid(host: string, key: string, why: string, hint?: string): HsmfleetError {
  return new HsmfleetError('HOSTS_INVALID', `${key} of host ${host}: ${why}`, { host, hint });
}
