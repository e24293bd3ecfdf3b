import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

interface ApplyOptions extends FleetOptions {
  limit?: string;
  tags?: string[];
  skipTags?: string[];
  check?: true;
  diff?: true;
  manifest?: string[];
  manifestKey?: string[];
  workers?: true;
  project: string;
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
    { flags: '--manifest <file>', description: 'signed manifest of a token, or a folder of them: a token on a host has to be one of these, or the host is refused; may be repeated', repeat: true },
    { flags: '--manifest-key <file>', description: 'public key that is trusted to sign manifests; may be repeated', repeat: true },
    { flags: '--workers', description: 'have workers run the hosts (see `hsmfleet worker`); needs HSMFLEET_DATABASE_URL' },
    { flags: '--project <folder>', description: 'with --workers: folder that they have too, with playbook and hosts files in it', default: '.' },
    ...FLEET_OPTIONS,
  ],
  examples: [
    'hsmfleet apply playbooks/site.yml -i hosts.yml',
    'hsmfleet apply playbooks/site.yml -i hosts.yml -l "webservers:!web07" --check --diff',
    'hsmfleet apply playbooks/site.yml -i hosts.yml --manifest manifests/ --manifest-key station.key.pub',
  ],
  async run({ args: [playbook = ''], options }) {
    const { runPlaybook } = await import('../run-playbook.ts');
    const pool = options.workers === true ? await (await import('../worker-pool.ts')).openWorkerPool({ project: options.project, live: true }) : undefined;
    return runPlaybook({
      workers: pool?.engage,
      playbook, fleet: options, limit: options.limit, tags: splitTags(options.tags), skipTags: splitTags(options.skipTags),
      check: options.check === true, diff: options.diff === true, custody: { manifest: options.manifest, manifestKey: options.manifestKey },
    }).finally(() => pool?.close());
  },
});

function splitTags(given: string[] | undefined): string[] | undefined {
  return given?.flatMap((tags) => tags.split(',')).map((tag) => tag.trim()).filter((tag) => tag !== '');
}
