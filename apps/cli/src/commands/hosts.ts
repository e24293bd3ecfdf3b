import { defineCommand } from '../command.ts';
import { DEBUG_OPTION, HOSTS_OPTION } from '../fleet-options.ts';
import { VAULT_OPTIONS, type VaultOptions } from '../vault-options.ts';

interface HostsOptions extends VaultOptions {
  hosts: string[];
  format: 'table' | 'json' | 'graph';
  playbook?: string;
  json?: true;
  vars?: true;
}

/** `hsmfleet hosts`: what hosts files say. */
export const hosts = defineCommand<HostsOptions>({
  name: 'hosts',
  summary: 'list hosts of hosts files',
  description: 'Hosts files are those of Ansible: YAML, INI, folders of them, lists (-i web01,web02,) and executable files, which are run.',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; all when absent. With --format graph: a group' }],
  options: [
    HOSTS_OPTION,
    { flags: '--format <format>', description: 'table; json: all groups, hosts and variables, as ansible-inventory --list prints them; graph: how groups are nested', default: 'table', choices: ['table', 'json', 'graph'] },
    { flags: '--vars', description: 'show the variables of each host' },
    { flags: '--playbook <file>', description: 'variables beside this playbook count too' },
    ...VAULT_OPTIONS,
    { flags: '--json', description: 'print a JSON array of the hosts' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet hosts -i hosts.yml "webservers:!web07"', 'hsmfleet hosts -i hosts.ini -i staging/ --format json'],
  async run({ args: [pattern], options }) {
    const { listHosts } = await import('../list-hosts.ts');
    return listHosts(options.hosts, pattern, { json: options.json === true, vars: options.vars === true, format: options.format, playbook: options.playbook }, options);
  },
});
