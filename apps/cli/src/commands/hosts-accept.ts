import type { AcceptOptions } from '../accept-hosts.ts';
import { defineCommand } from '../command.ts';
import { DEBUG_OPTION, HOSTS_OPTION } from '../fleet-options.ts';
import { VAULT_OPTIONS } from '../vault-options.ts';

/** `hsmfleet hosts accept`: takes host keys that are not known yet into known_hosts. */
export const hostsAccept = defineCommand<AcceptOptions>({
  name: 'hosts accept',
  summary: 'show host keys that are not known yet, and take them into known_hosts after one answer',
  description: 'Asks all hosts at once, through their jump hosts as well, and logs in nowhere but at those. A key that differs from the one in known_hosts is never accepted here.',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; all when absent' }],
  options: [
    HOSTS_OPTION,
    { flags: '-f, --forks <n>', description: 'hosts asked at once', default: '64' },
    { flags: '-u, --user <name>', description: 'log in at jump hosts as this user where nothing else is said' },
    { flags: '--private-key <file>', description: 'log in at jump hosts with this key as well' },
    { flags: '--fingerprints <file>', description: 'accept only keys whose SHA256 fingerprint is in this file, which came another way: lines "NAME SHA256:…", or what ssh-keygen -lf prints' },
    { flags: '-y, --yes', description: 'do not ask; without a terminal only with --fingerprints or --trust-on-first-use' },
    { flags: '--trust-on-first-use', description: 'with --yes: take whatever key is shown now' },
    ...VAULT_OPTIONS,
    { flags: '--json', description: 'print the keys and what became of them as JSON' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet hosts accept -i hosts.yml', 'hsmfleet hosts accept -i hosts.yml webservers --yes --fingerprints fingerprints.txt'],
  async run({ args: [pattern], options }) {
    const { acceptHosts } = await import('../accept-hosts.ts');
    return acceptHosts(pattern, options);
  },
});
