import { HsmfleetError } from '@hsmfleet/contract';
import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';

interface ServeOptions {
  config?: string;
  checkConfig?: true;
}

/** `hsmfleet serve`: runs checks when they are due, until it is told to end. */
export const serve = defineCommand<ServeOptions>({
  name: 'serve',
  summary: 'run checks on schedules, with dashboard, API, metrics and notifications',
  description: 'Stays in the foreground until SIGTERM. SIGHUP, or a change of the file, reads the file again; a file with a mistake is told of and the one before stays in force.',
  arguments: [],
  options: [
    { flags: '-c, --config <file>', description: 'the file of the server: schedules, notifications, users (docs/reference/serve.schema.json)' },
    { flags: '--check-config', description: 'only say whether the file and what it names are right, and when schedules are due' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet serve -c serve.yml', 'hsmfleet serve -c serve.yml --check-config'],
  async run({ options: { config, checkConfig } }) {
    if (config === undefined) throw new HsmfleetError('USAGE', 'no file of the server is given', { hint: 'name one with -c: hsmfleet serve -c serve.yml' });
    if (checkConfig === true) return (await import('../serve-check-config.ts')).checkConfiguration(config);
    return (await import('../serve.ts')).serve(config);
  },
});
