import { HsmfleetError, type Value } from '@hsmfleet/contract';
import { hostsGraphText, hostsListing, readableValue } from '@hsmfleet/hosts';
import { createColors, formatTable, printableBlock, printableJson, wantsColor } from '@hsmfleet/terminal-text';
import { renderValue, scopeOf } from '@hsmfleet/template';
import { openHosts } from './open-hosts.ts';
import type { VaultOptions } from './vault-options.ts';

/** How hosts are shown. */
export interface HostsView {
  /** A JSON array of the hosts that the pattern selects. */
  json: boolean;
  /** With variables. */
  vars: boolean;
  /** The whole of the hosts files, rather than a table of hosts. */
  format?: 'table' | 'json' | 'graph' | undefined;
  /** Variables beside this playbook count too. */
  playbook?: string | undefined;
}

/**
 * Prints the hosts that a pattern selects, with groups and, on demand, merged variables (secrets masked).
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function listHosts(files: string[], pattern: string | undefined, show: HostsView, vault: VaultOptions = {}): Promise<number> {
  const model = await openHosts(files, vault, show.playbook);
  if (show.format === 'graph') {
    if (pattern !== undefined && !model.tree.has(pattern)) throw new HsmfleetError('HOST_PATTERN', `there is no group "${pattern}"`, { hint: '--format graph takes the name of a group, or none' });
    process.stdout.write(printableBlock(hostsGraphText(model, pattern)));
    return 0;
  }
  if (show.format === 'json') {
    if (pattern !== undefined) throw new HsmfleetError('USAGE', '--format json lists everything and takes no pattern', { hint: 'for some hosts: hsmfleet hosts PATTERN --vars --json' });
    process.stdout.write(`${printableJson(hostsListing(model))}\n`);
    return 0;
  }
  const entries = model.select(pattern ?? 'all').flatMap((name) => model.find(name) ?? []);
  if (show.json) {
    const rows = entries.map(({ name, groups, vars }) => ({ name, groups, ...(show.vars ? { vars: readableValue(vars) } : {}) }));
    process.stdout.write(`${printableJson(rows)}\n`);
    return 0;
  }
  const rows = entries.map(({ name, groups, vars }) => [name, addressOf(name, vars), groups.join(' '), ...(show.vars ? [JSON.stringify(readableValue(vars))] : [])]);
  process.stdout.write(formatTable(['host', 'address', 'groups', ...(show.vars ? ['vars'] : [])], rows, createColors(wantsColor(process.stdout))));
  return 0;
}

/** Where a host is reached, rendered; null when nothing says so, or it cannot be told before a play. */
export function addressOf(name: string, vars: Record<string, Value>): string | null {
  const { ansible_host: given } = vars;
  if (given === undefined || given === null) return null;
  try {
    const value = renderValue(given, scopeOf(vars, { inventory_hostname: name }));
    return typeof value === 'string' ? value : null;
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return null;
    throw thrown;
  }
}
