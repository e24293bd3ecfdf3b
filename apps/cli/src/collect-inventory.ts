import { fileURLToPath } from 'node:url';
import { describeFreshness } from '@hsmfleet/store';
import type { FleetOptions } from './fleet-options.ts';
import { inventoryTables } from './inventory-tables.ts';
import { runPlaybook } from './run-playbook.ts';

/** The play that collects; it lies beside the sources and the built program alike. */
const PLAY = fileURLToPath(new URL('../plays/inventory.yml', import.meta.url));

/**
 * Collects the inventory of hosts now, stores it, and prints tables (or, with --json, the events).
 * @param modules PKCS#11 libraries to read, instead of those that the hosts seem to use
 * @returns the exit code of the run
 */
export async function collectInventory(fleet: FleetOptions, pattern: string | undefined, modules: string[]): Promise<number> {
  return runPlaybook({
    playbook: PLAY, fleet, limit: pattern, check: false, diff: false, results: process.stderr,
    vars: modules.length === 0 ? {} : { hsmfleet_modules: modules },
    afterwards({ store, hosts, events }) {
      const freshness = `${describeFreshness(store.freshness(hosts))}\n`;
      if (fleet.json === true) {
        process.stderr.write(freshness);
        return;
      }
      const reports = events.flatMap((event) => (event.type === 'inventory' ? [event.report] : []));
      process.stdout.write(`${inventoryTables(reports, hosts)}\n${freshness}`);
    },
  });
}
