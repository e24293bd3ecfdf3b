import { defineCommand } from '../command.ts';
import { DEBUG_OPTION, FLEET_OPTIONS, HOSTS_OPTION } from '../fleet-options.ts';
import { VAULT_OPTIONS, type VaultOptions } from '../vault-options.ts';

interface VarsOptions extends VaultOptions {
  hosts: string[];
  playbook?: string;
  extraVars?: string[];
  json?: true;
}

/** `hsmfleet vars`: where variables of a host come from. */
export const vars = defineCommand<VarsOptions>({
  name: 'vars',
  summary: 'show the variables of a host, where each comes from and what it overrode',
  description: 'Secrets are shown as a mask, and need no password. Facts and what tasks set are not known before a run.',
  arguments: [{ name: '<host>', description: 'one host of the hosts files, or localhost' }, { name: '[name]', description: 'this variable alone' }],
  options: [
    HOSTS_OPTION,
    { flags: '--playbook <file>', description: 'with what the plays of this playbook add: role defaults and vars, vars, vars_files' },
    ...FLEET_OPTIONS.filter(({ flags }) => flags.includes('--extra-vars')),
    ...VAULT_OPTIONS,
    { flags: '--json', description: 'print JSON' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet vars web01 -i hosts.yml', 'hsmfleet vars web01 token_label -i hosts.yml --playbook site.yml'],
  async run({ args: [host = '', name], options }) {
    const { explainHost } = await import('../explain-host.ts');
    return explainHost({ host, name, files: options.hosts, playbook: options.playbook, extraVars: options.extraVars ?? [], json: options.json === true, vault: options });
  },
});
