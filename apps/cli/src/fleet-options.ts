import type { OptionSpec } from './command.ts';
import { VAULT_OPTIONS, type VaultOptions } from './vault-options.ts';

/** Options of every command that reaches hosts. */
export interface FleetOptions extends VaultOptions {
  hosts: string[];
  forks: string;
  become?: true;
  askBecomePass?: true;
  askPass?: true;
  user?: string;
  privateKey?: string;
  extraVars?: string[];
  verbose?: number;
  json?: true;
  debug?: true;
}

export const HOSTS_OPTION: OptionSpec = {
  flags: '-i, --hosts <file>', alias: '--inventory', repeat: true,
  description: 'hosts file in Ansible\'s inventory format; may be repeated, and spelled --inventory',
};
export const DEBUG_OPTION: OptionSpec = { flags: '--debug', description: 'show the stack of unexpected errors' };
export const VERBOSE_OPTION: OptionSpec = { flags: '-v, --verbose', description: 'show changes and results; -vv shows more', count: true };

/** How hosts are reached, and what is printed of it. */
export const FLEET_OPTIONS: readonly OptionSpec[] = [
  HOSTS_OPTION,
  { flags: '-f, --forks <n>', description: 'hosts worked on at once', default: '64' },
  { flags: '-e, --extra-vars <vars>', description: 'variables over all others: key=value, @FILE or JSON; may be repeated', repeat: true },
  { flags: '-b, --become', description: 'act as root through sudo' },
  { flags: '-K, --ask-become-pass', description: 'ask for the password of sudo' },
  { flags: '-k, --ask-pass', description: 'ask for the password of the SSH login' },
  { flags: '-u, --user <name>', description: 'log in as this user where ansible_user does not say otherwise' },
  { flags: '--private-key <file>', description: 'log in with this key where ansible_ssh_private_key_file does not say otherwise' },
  ...VAULT_OPTIONS,
  VERBOSE_OPTION,
  { flags: '--json', description: 'print every event as a line of JSON' },
  DEBUG_OPTION,
];
