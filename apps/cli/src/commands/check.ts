import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

/** Options of `check`. */
export interface CheckOptions extends FleetOptions {
  format: 'terminal' | 'json' | 'junit' | 'sarif' | 'csv' | 'html';
  output?: string;
  fromSnapshot?: true;
  listControls?: true;
}

/** `hsmfleet check`: holds hosts against a profile. */
export const check = defineCommand<CheckOptions>({
  name: 'check',
  summary: 'hold hosts against a profile of controls, and report what is not met',
  description: 'Changes nothing and leaves serving hosts alone. Ends with 0 when all controls are met or waived, 2 with findings or when something could not be judged, 4 when hosts did not answer and nothing worse.',
  arguments: [
    { name: '<profile>', description: 'file with the controls (YAML)' },
    { name: '[pattern]', description: 'which hosts, as for --limit; all when absent' },
  ],
  options: [
    { flags: '--format <format>', description: 'how to report', choices: ['terminal', 'json', 'junit', 'sarif', 'csv', 'html'], default: 'terminal' },
    { flags: '-o, --output <file>', description: 'write the report there instead of to standard output' },
    { flags: '--from-snapshot', description: 'touch no host: judge by what was read before, as long as it is young enough' },
    { flags: '--list-controls', description: 'show what the profile asks for, and do nothing' },
    ...FLEET_OPTIONS.filter(({ flags }) => flags !== '--json'),
  ],
  examples: [
    'hsmfleet check playbooks/profiles/hsm-webserver.yml -i hosts.yml',
    'hsmfleet check our-profile.yml -i hosts.yml webservers -e certificate_days=14 --format junit -o report.xml',
    'hsmfleet check our-profile.yml -i hosts.yml --from-snapshot --format html -o report.html',
  ],
  async run({ args: [profile = '', pattern], options }) {
    const { checkHosts, listControls } = await import('../check-hosts.ts');
    return options.listControls === true ? listControls(profile, options.format === 'json') : checkHosts(profile, pattern, options);
  },
});
