import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

/** Options of `doctor`. */
export interface DoctorOptions extends FleetOptions {
  site?: string;
  playbook?: string;
  readTokens: 'auto' | 'always' | 'never';
}

/** `hsmfleet doctor`: follows the chain to a served page, and names the link that is broken. */
export const doctor = defineCommand<DoctorOptions>({
  name: 'doctor',
  summary: 'find the broken link between here and a served page, and say how to mend it',
  description:
    'Walks name, SSH, sudo, agent, runtime, reader, pcscd, permissions, module, token, certificate, NSS database, nickname, PIN file, Apache configuration, port and TLS, and stops at the first that is broken. ' +
    'Changes nothing, stops nothing, and never logs in to a token. Without a host it looks at this machine. Ends with 0 when all is well, 2 when something is broken, 4 when hosts cannot be reached, 6 for both.',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; this machine itself when absent' }],
  options: [
    { flags: '--site <name>', description: 'follow the TLS site with this server name only' },
    { flags: '--playbook <file>', description: 'also compare with what this playbook wants of the hosts (tls_site)' },
    { flags: '--read-tokens <when>', description: 'auto leaves tokens alone while a site serves through mod_nss or a card', choices: ['auto', 'always', 'never'], default: 'auto' },
    ...FLEET_OPTIONS.map((option) => (option.flags === '--json' ? { ...option, description: 'print the report as JSON: docs/reference/doctor.schema.json' } : option)),
  ],
  examples: ['hsmfleet doctor', 'hsmfleet doctor web01 -i hosts.yml', 'hsmfleet doctor webservers -i hosts.yml --playbook playbooks/site.yml --json'],
  async run({ args: [pattern], options }) {
    const { runDoctor } = await import('../doctor/run-doctor.ts');
    return runDoctor(pattern, options);
  },
});
