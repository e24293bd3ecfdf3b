import { defineCommand } from '../command.ts';
import { DEBUG_OPTION, HOSTS_OPTION } from '../fleet-options.ts';
import { VAULT_OPTIONS, type VaultOptions } from '../vault-options.ts';

interface HostsOptions extends VaultOptions {
  hosts: string[];
  json?: true;
  vars?: true;
}

/** `hsmfleet hosts`: what a hosts file says. */
export const hosts = defineCommand<HostsOptions>({
  name: 'hosts',
  summary: 'list hosts of a hosts file',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; all when absent' }],
  options: [
    HOSTS_OPTION,
    { flags: '--vars', description: 'show the variables of each host' },
    ...VAULT_OPTIONS,
    { flags: '--json', description: 'print a JSON array' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet hosts -i hosts.yml "webservers:!web07"'],
  async run({ args: [pattern], options }) {
    const { listHosts } = await import('../list-hosts.ts');
    return listHosts(options.hosts, pattern, { json: options.json === true, vars: options.vars === true }, options);
  },
});
