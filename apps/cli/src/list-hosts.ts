import { Deferred, HsmfleetError, Secret, SECRET_MASK, type Value } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { createColors, formatTable, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { renderValue, scopeOf } from '@hsmfleet/template';
import { askHidden, canAsk } from './ask-secret.ts';
import { needHosts } from './execute-playbook.ts';
import { vaultOpener, type VaultOptions } from './vault-options.ts';

/**
 * Prints the hosts that a pattern selects, with groups and, on demand, merged variables (secrets masked).
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function listHosts(files: string[], pattern: string | undefined, show: { json: boolean; vars: boolean }, vault: VaultOptions = {}): Promise<number> {
  const model = await loadHosts(needHosts(files), { ask: canAsk() ? askHidden : undefined, vault: await vaultOpener(vault) });
  for (const warning of model.warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  const entries = model.select(pattern ?? 'all').flatMap((name) => model.find(name) ?? []);
  if (show.json) {
    const rows = entries.map(({ name, groups, vars }) => ({ name, groups, ...(show.vars ? { vars: readable(vars) } : {}) }));
    process.stdout.write(`${printableJson(rows)}\n`);
    return 0;
  }
  const rows = entries.map(({ name, groups, vars }) => [name, addressOf(name, vars), groups.join(' '), ...(show.vars ? [JSON.stringify(readable(vars))] : [])]);
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

/** Variables as the files have them: templates as text, secrets masked. */
function readable(value: Value): unknown {
  if (value instanceof Deferred) return value.origin === undefined ? value.text : SECRET_MASK;
  if (value instanceof Secret || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(readable);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
}
