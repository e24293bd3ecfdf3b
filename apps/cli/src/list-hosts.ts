import { loadHosts } from '@hsmfleet/hosts';
import { createColors, formatTable, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { askHidden, canAsk } from './ask-secret.ts';
import { needHosts } from './run-playbook.ts';

/**
 * Prints the hosts that a pattern selects, with groups and, on demand, merged variables (secrets masked).
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function listHosts(files: string[], pattern: string | undefined, show: { json: boolean; vars: boolean }): Promise<number> {
  const model = await loadHosts(needHosts(files), { ask: canAsk() ? askHidden : undefined });
  for (const warning of model.warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  const entries = model.select(pattern ?? 'all').flatMap((name) => model.find(name) ?? []);
  if (show.json) {
    const rows = entries.map(({ name, groups, vars }) => ({ name, groups, ...(show.vars ? { vars } : {}) }));
    process.stdout.write(`${printableJson(rows)}\n`);
    return 0;
  }
  const address = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const rows = entries.map(({ name, groups, vars }) => [name, address(vars.ansible_host), groups.join(' '), ...(show.vars ? [JSON.stringify(vars)] : [])]);
  process.stdout.write(formatTable(['host', 'address', 'groups', ...(show.vars ? ['vars'] : [])], rows, createColors(wantsColor(process.stdout))));
  return 0;
}
