import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, type FleetOptions } from '../fleet-options.ts';

interface InventoryOptions extends FleetOptions {
  module?: string[];
  moduleEnv?: string[];
}

/** `hsmfleet inventory`: collects tokens, keys and certificates now. */
export const inventory = defineCommand<InventoryOptions>({
  name: 'inventory',
  summary: 'collect the tokens, keys and certificates of hosts, and show them',
  description: 'Changes nothing and needs no PIN. What was found is stored; `hsmfleet query` asks for it later.',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; all when absent' }],
  options: [
    ...FLEET_OPTIONS,
    { flags: '-m, --module <path>', description: 'PKCS#11 library to read, instead of those that the hosts seem to use; may be repeated', repeat: true },
    { flags: '--module-env <name=value>', description: 'variable that the libraries of -m need on the hosts, never a secret; may be repeated', repeat: true },
  ],
  examples: [
    'hsmfleet inventory -i hosts.yml', 'hsmfleet inventory -i hosts.yml webservers --json',
    'hsmfleet inventory -i hosts.yml -m /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so --module-env P11_KIT_SERVER_ADDRESS=unix:path=/run/p11-kit-ro/pkcs11',
  ],
  async run({ args: [pattern], options }) {
    const { collectInventory } = await import('../collect-inventory.ts');
    return collectInventory(options, pattern, options.module ?? [], options.moduleEnv ?? []);
  },
});
