import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';

interface ChangesOptions {
  from: string;
  to?: string;
  host?: string[];
  kind?: string[];
  format: 'table' | 'json' | 'csv';
}

/** `hsmfleet changes`: what inventories saw change between two instants. */
export const changes = defineCommand<ChangesOptions>({
  name: 'changes',
  summary: 'tell what inventories saw change between two instants',
  description: 'Modules, tokens, keys, certificates, NSS databases, sites and facts of hosts that came, went or became different. `hsmfleet query --as-of` answers how everything was at one instant.',
  arguments: [],
  options: [
    { flags: '--from <instant>', description: 'after this instant: a date (its start, UTC) or a time with its offset', default: 'a week ago' },
    { flags: '--to <instant>', description: 'up to this instant: a date (its end, UTC) or a time with its offset; now when absent' },
    { flags: '--host <name>', description: 'of this host only; may be repeated', repeat: true },
    { flags: '--kind <view>', description: 'rows of this view only, for example keys; may be repeated', repeat: true },
    { flags: '--format <format>', description: 'how to print the answer', choices: ['table', 'json', 'csv'], default: 'table' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet changes --from 2026-11-01 --to 2026-11-07', 'hsmfleet changes --from 2026-11-24T08:00Z --host web01 --kind keys --format json'],
  async run({ options }) {
    const { tellChanges } = await import('../tell-changes.ts');
    return tellChanges(options);
  },
});
