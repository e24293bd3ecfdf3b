import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

interface AdhocOptions extends FleetOptions {
  module?: string;
  args?: string;
  limit?: string;
  check?: true;
  diff?: true;
  playbookDir?: string;
}

const LIMIT = { flags: '-l, --limit <pattern>', description: 'only hosts that match as well: web:&prod:!old, or @FILE' };
const PLAYBOOK_DIR = { flags: '--playbook-dir <folder>', description: 'group_vars and host_vars of this folder count too' };

/** `hsmfleet run`: one task without a playbook. */
export const run = defineCommand<AdhocOptions>({
  name: 'run',
  summary: 'run one task on hosts, without a playbook',
  description: 'The task is compiled like one of a playbook: templates, mistakes, check mode and safety are the same.',
  arguments: [{ name: '<pattern>', description: 'which hosts: all, web:&prod:!old, ~regex, …' }],
  options: [
    { flags: '-m, --module <resource>', alias: '--module-name', description: 'resource of the task, as in a playbook' },
    { flags: '-a, --args <parameters>', description: 'its parameters: \'key=value key2="two words"\', \'{"key": "value"}\', or @FILE with YAML or JSON' },
    LIMIT,
    { flags: '-C, --check', description: 'change nothing, show what would change' },
    { flags: '-D, --diff', description: 'show how files change' },
    PLAYBOOK_DIR,
    ...FLEET_OPTIONS,
  ],
  examples: [
    'hsmfleet run webservers -i hosts.yml -m file -a "path=/srv/new state=directory mode=0750" --check',
    'hsmfleet run web01 -i hosts.yml -m service -a \'{"name": "apache2", "state": "reloaded"}\'',
    'hsmfleet run all -i hosts.yml -m debug -a "msg={{ ansible_host }}"',
  ],
  async run({ args: [pattern = ''], options }) {
    const [{ adhocPlay }, { runAdhoc }] = await Promise.all([import('../adhoc-play.ts'), import('../run-adhoc.ts')]);
    return runAdhoc({
      play: await adhocPlay(pattern, options.module, options.args), fleet: options, limit: options.limit,
      check: options.check === true, diff: options.diff === true, playbookDir: options.playbookDir, program: false,
    });
  },
});

/** `hsmfleet shell`: a program on hosts. */
export const shell = defineCommand<AdhocOptions>({
  name: 'shell',
  summary: 'run a program on hosts and show what it writes',
  description: 'The words after -- are handed to the program as they are: no shell reads them. For one, name it: -- sh -c "…".',
  arguments: [{ name: '<pattern>', description: 'which hosts: all, web:&prod:!old, ~regex, …' }, { name: '<argv...>', description: 'the program and its arguments' }],
  options: [
    LIMIT,
    PLAYBOOK_DIR,
    ...FLEET_OPTIONS.map((option) => (option.flags === '--json' ? { flags: '--json', description: 'print a line of JSON for each host: exit code, standard output, standard error' } : option)),
  ],
  examples: ['hsmfleet shell webservers -i hosts.yml -- uptime', 'hsmfleet shell all -i hosts.yml --json -- openssl version'],
  async run({ args: [pattern = '', ...argv], options }) {
    const [{ shellPlay }, { runAdhoc }] = await Promise.all([import('../adhoc-play.ts'), import('../run-adhoc.ts')]);
    return runAdhoc({
      play: shellPlay(pattern, argv.filter((word) => word !== undefined)), fleet: options, limit: options.limit,
      check: false, diff: false, playbookDir: options.playbookDir, program: true,
    });
  },
});
