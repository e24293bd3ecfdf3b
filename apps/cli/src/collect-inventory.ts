import { fileURLToPath } from 'node:url';
import { HsmfleetError, type Value } from '@hsmfleet/contract';
import { createColors, wantsColor } from '@hsmfleet/reporter';
import { describeFreshness } from '@hsmfleet/store';
import type { FleetOptions } from './fleet-options.ts';
import { inventoryTables } from './inventory-tables.ts';
import { runPlaybook } from './run-playbook.ts';

/** The play that collects; it lies beside the sources and the built program alike. */
export const INVENTORY_PLAY = fileURLToPath(new URL('../plays/inventory.yml', import.meta.url));

/**
 * Collects the inventory of hosts now, stores it, and prints tables (or, with --json, the events).
 * @param modules PKCS#11 libraries to read, instead of those that the hosts seem to use
 * @param env what these libraries find in their environment, NAME=VALUE
 * @returns the exit code of the run
 * @throws HsmfleetError USAGE, and what a run throws
 */
export async function collectInventory(fleet: FleetOptions, pattern: string | undefined, modules: string[], env: string[]): Promise<number> {
  const libraries = moduleTargets(modules, env);
  return runPlaybook({
    playbook: INVENTORY_PLAY, fleet, limit: pattern, check: false, diff: false, results: process.stderr,
    vars: libraries.length === 0 ? {} : { hsmfleet_modules: libraries },
    async afterwards({ store, hosts, events }) {
      const freshness = `${describeFreshness(await store.freshness(hosts))}\n`;
      if (fleet.json === true) {
        process.stderr.write(freshness);
        return;
      }
      const reports = events.flatMap((event) => (event.type === 'inventory' ? [event.report] : []));
      process.stdout.write(`${inventoryTables(reports, hosts, createColors(wantsColor(process.stdout)))}\n${freshness}`);
    },
  });
}

/**
 * Entries for the parameter `modules` of the resource `inventory`.
 * @throws HsmfleetError USAGE
 */
export function moduleTargets(paths: readonly string[], env: readonly string[]): Value[] {
  if (paths.length === 0 && env.length > 0) {
    throw new HsmfleetError('USAGE', '--module-env needs a library to be for', { hint: 'name it with -m' });
  }
  const relative = paths.find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw new HsmfleetError('USAGE', `--module wants the absolute path of a library on the hosts, not "${relative}"`);
  const variables = Object.fromEntries(env.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw new HsmfleetError('USAGE', `--module-env wants NAME=VALUE, not "${word}"`);
    return [word.slice(0, at), word.slice(at + 1)];
  }));
  return paths.map((path) => (env.length === 0 ? path : { path, env: variables }));
}
