import { defineCommand, type Command } from '../command.ts';
import { DEBUG_OPTION, HOSTS_OPTION } from '../fleet-options.ts';
import type { CancelRunOptions } from '../runs/cancel-run.ts';
import type { LogRunOptions } from '../runs/log-run.ts';
import type { ShowRunOptions } from '../runs/show-run.ts';
import { VAULT_OPTIONS } from '../vault-options.ts';

const JSON_OPTION = { flags: '--json', description: 'print JSON' };
const RUN = { name: '<run>', description: 'id of the run, its beginning, the beginning of its last part, or "last"' };

const list = defineCommand<{ limit: string; json?: true }>({
  name: 'runs',
  summary: 'list the newest runs',
  description: 'Who ran which playbook when, and how it ended. "cut off": the process that controlled it is gone; `hsmfleet apply --resume` goes on with it.',
  arguments: [],
  options: [{ flags: '-n, --limit <n>', description: 'so many', default: '20' }, JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet runs', 'hsmfleet runs -n 100 --json'],
  async run({ options }) {
    const { listRuns } = await import('../runs/list-runs.ts');
    return listRuns(options);
  },
});

const show = defineCommand<ShowRunOptions>({
  name: 'runs show',
  summary: 'tell all of one run: what was asked for, and what became of it on each host',
  arguments: [RUN],
  options: [{ flags: '--host <name>', description: 'every task of this host; may be repeated', repeat: true }, JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet runs show last', 'hsmfleet runs show 20261124-08 --host web01'],
  async run({ args: [run = ''], options }) {
    const { showRun } = await import('../runs/show-run.ts');
    return showRun(run, options);
  },
});

const diff = defineCommand<{ json?: true }>({
  name: 'runs diff',
  summary: 'tell what differs between two runs, or between the hosts of one',
  arguments: [RUN, { name: '[other]', description: 'the run to compare it with; when absent, the hosts of the one run are compared' }],
  options: [JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet runs diff 1a2b3c 4d5e6f', 'hsmfleet runs diff last'],
  async run({ args: [first = '', second], options }) {
    const { diffRuns } = await import('../runs/diff-runs.ts');
    return diffRuns(first, second, options);
  },
});

const log = defineCommand<LogRunOptions>({
  name: 'runs log',
  summary: 'print the events of a run, also while it goes on',
  arguments: [RUN],
  options: [
    { flags: '--host <name>', description: 'of this host only; may be repeated', repeat: true },
    { flags: '-f, --follow', description: 'go on printing until the run ends' },
    { flags: '--json', description: 'print each event as a line of JSON' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet runs log last -f', 'hsmfleet runs log 1a2b3c --host web01 --json'],
  async run({ args: [run = ''], options }) {
    const { logRun } = await import('../runs/log-run.ts');
    return logRun(run, options);
  },
});

const cancel = defineCommand<CancelRunOptions>({
  name: 'runs cancel',
  summary: 'stop a run from elsewhere: every host ends its current task',
  description: 'The process that controls the run is asked to end it. When that process is gone, the hosts are connected to and their agents are asked.',
  arguments: [RUN],
  options: [
    { flags: '--reason <text>', description: 'why, in your own words: the run, its hosts and its history tell it' },
    { ...HOSTS_OPTION, description: `${HOSTS_OPTION.description}; those of the run when absent` },
    { flags: '-K, --ask-become-pass', description: 'ask for the password of sudo' },
    ...VAULT_OPTIONS,
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet runs cancel last --reason "wrong certificate"'],
  async run({ args: [run = ''], options }) {
    const { cancelRun } = await import('../runs/cancel-run.ts');
    return cancelRun(run, options);
  },
});

/** `hsmfleet runs …`: what was run. */
export const runs: readonly Command[] = [list, show, diff, log, cancel];
