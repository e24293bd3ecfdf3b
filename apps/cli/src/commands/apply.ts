import { HsmfleetError } from '@hsmfleet/contract';
import { defineCommand } from '../command.ts';
import type { PlaybookRequest } from '../execute-playbook.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';
import type { RunRequest } from '../run-playbook.ts';

interface ApplyOptions extends FleetOptions {
  limit?: string;
  tags?: string[];
  skipTags?: string[];
  check?: true;
  diff?: true;
  manifest?: string[];
  manifestKey?: string[];
  yes?: true;
  resume?: string;
  retry?: string;
  workers?: true;
  project: string;
  startAtTask?: string;
  forceHandlers?: true;
  step?: true;
  syntaxCheck?: true;
  listHosts?: true;
  listTasks?: true;
  listTags?: true;
}

/** `hsmfleet apply`: runs a playbook. */
export const apply = defineCommand<ApplyOptions>({
  name: 'apply',
  summary: 'run a playbook on hosts',
  arguments: [{ name: '[playbook]', description: 'playbook file (YAML, as for Ansible); left out with --resume and --retry' }],
  options: [
    { flags: '-l, --limit <pattern>', description: 'only hosts that match: web:&prod:!old, or @FILE' },
    { flags: '-t, --tags <tags>', description: 'only tasks with one of these tags, separated by commas', repeat: true },
    { flags: '--skip-tags <tags>', description: 'no tasks with one of these tags', repeat: true },
    { flags: '-C, --check', description: 'change nothing, show what would change' },
    { flags: '-D, --diff', description: 'show how files change' },
    { flags: '--start-at-task <name>', description: 'begin with the task of this name; * and ? are wildcards' },
    { flags: '--force-handlers', description: 'run handlers that were notified even when a task fails' },
    { flags: '--step', description: 'ask before each task: no, yes, or continue without asking' },
    { flags: '--syntax-check', description: 'only look for mistakes: no host is reached' },
    { flags: '--list-hosts', description: 'only show the hosts of each play' },
    { flags: '--list-tasks', description: 'only show the tasks of each play' },
    { flags: '--list-tags', description: 'only show the tags of each play' },
    { flags: '--manifest <file>', description: 'signed manifest of a token, or a folder of them: a token on a host has to be one of these, or the host is refused; may be repeated', repeat: true },
    { flags: '--manifest-key <file>', description: 'public key that is trusted to sign manifests; may be repeated', repeat: true },
    { flags: '--resume <run>', description: 'go on with a run that was cut off, stopped or lost hosts: with the same playbook, hosts and options; no task that ended runs again' },
    { flags: '--retry <run>', description: 'run the playbook of a run again, on its hosts that failed, refused or were unreachable' },
    { flags: '-y, --yes', description: 'go on between batches without asking, where the play would ask (serial_pause)' },
    { flags: '--workers', description: 'have workers run the hosts (see `hsmfleet worker`); needs HSMFLEET_DATABASE_URL' },
    { flags: '--project <folder>', description: 'with --workers: folder that they have too, with playbook and hosts files in it', default: '.' },
    ...FLEET_OPTIONS,
  ],
  examples: [
    'hsmfleet apply playbooks/site.yml -i hosts.yml',
    'hsmfleet apply playbooks/site.yml -i hosts.yml -l "webservers:!web07" --check --diff',
    'hsmfleet apply --resume last',
    'hsmfleet apply playbooks/site.yml -i hosts.yml --manifest manifests/ --manifest-key station.key.pub',
  ],
  async run({ args: [playbook], options }) {
    const { takeUpPlaybook } = await import('../take-up-playbook.ts');
    if (options.resume !== undefined || options.retry !== undefined) return takeUpPlaybook(playbook, { ...options }, (given, more) => perform(given.playbook, given.options as unknown as ApplyOptions, more));
    if (playbook === undefined) throw new HsmfleetError('USAGE', 'no playbook is given', { hint: 'hsmfleet apply PLAYBOOK -i HOSTS' });
    if ([options.syntaxCheck, options.listHosts, options.listTasks, options.listTags].includes(true)) return (await import('../list-playbook.ts')).listPlaybook(requestOf(playbook, options), options);
    const { keptRequest } = await import('../take-up-run.ts');
    return perform(playbook, options, { keep: await keptRequest(playbook, { ...options }) });
  },
});

async function perform(playbook: string, options: ApplyOptions, more: Pick<RunRequest, 'store' | 'run' | 'keep' | 'resume'>): Promise<number> {
  if (options.step === true && options.workers === true) throw new HsmfleetError('USAGE', '--step and --workers do not go together', { hint: 'workers ask nobody: leave one of them out' });
  const { runPlaybook } = await import('../run-playbook.ts');
  const pool = options.workers === true ? await (await import('../worker-pool.ts')).openWorkerPool({ project: options.project, live: true }) : undefined;
  return runPlaybook({
    ...more,
    yes: options.yes,
    workers: pool?.engage,
    step: options.step === true,
    ...requestOf(playbook, options),
  }).finally(() => pool?.close());
}

function requestOf(playbook: string, options: ApplyOptions): PlaybookRequest {
  return {
    playbook, fleet: options, limit: options.limit, tags: splitTags(options.tags), skipTags: splitTags(options.skipTags),
    startAtTask: options.startAtTask, forceHandlers: options.forceHandlers,
    check: options.check === true, diff: options.diff === true, custody: { manifest: options.manifest, manifestKey: options.manifestKey },
  };
}

function splitTags(given: string[] | undefined): string[] | undefined {
  return given?.flatMap((tags) => tags.split(',')).map((tag) => tag.trim()).filter((tag) => tag !== '');
}
