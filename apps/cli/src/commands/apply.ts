import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

interface ApplyOptions extends FleetOptions {
  limit?: string;
  tags?: string[];
  skipTags?: string[];
  check?: true;
  diff?: true;
}

/** `hsmfleet apply`: runs a playbook. */
export const apply = defineCommand<ApplyOptions>({
  name: 'apply',
  summary: 'run a playbook on hosts',
  arguments: [{ name: '<playbook>', description: 'playbook file (YAML, as for Ansible)' }],
  options: [
    { flags: '-l, --limit <pattern>', description: 'only hosts that match: web:&prod:!old, or @FILE' },
    { flags: '-t, --tags <tags>', description: 'only tasks with one of these tags, separated by commas', repeat: true },
    { flags: '--skip-tags <tags>', description: 'no tasks with one of these tags', repeat: true },
    { flags: '-C, --check', description: 'change nothing, show what would change' },
    { flags: '-D, --diff', description: 'show how files change' },
    ...FLEET_OPTIONS,
  ],
  examples: [
    'hsmfleet apply playbooks/site.yml -i hosts.yml',
    'hsmfleet apply playbooks/site.yml -i hosts.yml -l "webservers:!web07" --check --diff',
  ],
  async run({ args: [playbook = ''], options }) {
    const { runPlaybook } = await import('../run-playbook.ts');
    return runPlaybook({
      playbook, fleet: options, limit: options.limit, tags: splitTags(options.tags), skipTags: splitTags(options.skipTags),
      check: options.check === true, diff: options.diff === true,
    });
  },
});

function splitTags(given: string[] | undefined): string[] | undefined {
  return given?.flatMap((tags) => tags.split(',')).map((tag) => tag.trim()).filter((tag) => tag !== '');
}
