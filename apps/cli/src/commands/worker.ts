import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import { VAULT_OPTIONS, type VaultOptions } from '../vault-options.ts';

interface WorkerCommandOptions extends Pick<VaultOptions, 'vaultId' | 'vaultPasswordFile'> {
  project: string;
  forks: string;
}

/** `hsmfleet worker`: runs hosts for others. */
export const worker = defineCommand<WorkerCommandOptions>({
  name: 'worker',
  summary: 'run hosts in batches for `apply --workers` and `serve`, on any number of machines',
  description: 'Needs HSMFLEET_DATABASE_URL, and its own copy of the project folder, secrets and vault passwords included; they never travel through the database. SIGTERM: finishes what is under way. A worker that is killed loses nothing: another one takes over, and hosts that are done are not run again.',
  arguments: [],
  options: [
    { flags: '--project <folder>', description: 'project folder: playbooks, hosts files, secrets', default: '.' },
    { flags: '-f, --forks <n>', description: 'hosts worked on at once', default: '64' },
    ...VAULT_OPTIONS.filter(({ flags }) => /--vault-(?:password-file|id)\b/.test(flags)),
    DEBUG_OPTION,
  ],
  examples: ['HSMFLEET_DATABASE_URL=postgres://fleet@db/hsmfleet hsmfleet worker --project /srv/fleet'],
  async run({ options }) {
    const { runWorker } = await import('../worker.ts');
    const stop = new AbortController();
    const onSignal = (): void => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    const { escapeControls } = await import('@hsmfleet/runner');
    await runWorker(options, stop.signal, (text) => { process.stderr.write(`${new Date().toISOString()} ${escapeControls(text)}\n`); });
    return 0;
  },
});
